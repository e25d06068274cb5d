"""What a sweep would make, before anything is written."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.config.sweep.plan import SweepPlan, describe_folds
from pyruns_jupyter.core.config.sweep.planfile import PlanFile, parse_plan, read_plan, write_plan
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.create import create, preview
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from .workspace import Workspace

from .tables import MAX_ROWS, count_text, html_table, text_table, value_text

_BREAK = re.compile(r"\r\n|\r|\n")


class Plan:
    """The configurations that a text with batch syntax stands for; nothing is written yet.

    `text` is the whole sweep: what was given, with the script's defaults for what it left out. `name` is the
    name or name pattern that a plan file gave, "" without one; `script` the script that it was made for.
    """

    def __init__(
        self, text: str, sweep: SweepPlan, *, name: str = "", script: str = "", names: Sequence[str] = ()
    ) -> None:
        self.text = text
        self.name = name
        self.script = script
        self._sweep = sweep
        self._names = list(names)

    @classmethod
    def load(cls, path: str | os.PathLike[str], workspace: Workspace | None = None) -> Plan:
        """Return the plan in a file: one that `save` wrote, or any YAML with batch syntax.

        With a workspace it is checked against the script, which gives what the file leaves out.

        Raises:
            NotFound, Unreadable: when there is no such file, or it is no text.
            InvalidInput: with key, line and column.
        """
        if workspace is not None:
            return workspace.plan(path)
        found = read_plan(Path(path).expanduser())
        return cls(found.text, SweepPlan.parse(found.text), name=found.name, script=found.script)

    def save(self, path: str | os.PathLike[str], *, name: str | None = None, overwrite: bool = False) -> Path:
        """Write the plan into a file that `load`, `Workspace.plan` and `sweep FILE` read; return its path.

        `name` is the name or name pattern of the tasks to come. A file that is there is replaced only with
        `overwrite`, and only when it is a plan file.

        Raises:
            Conflict: when a file is there that may not be replaced.
            InvalidInput, NotFound: when the path is a folder, or has none.
        """
        target = Path(path).expanduser()
        given = self.name if name is None else name
        write_plan(target, PlanFile(self.text, given, self.script), len(self), overwrite=overwrite)
        return target

    def create(self, workspace: WorkspaceFolder, name: str | None = None) -> list[str]:
        """Create the tasks of the plan, which was made for `workspace` a moment ago; return their names.

        Raises:
            InvalidInput, Conflict: see `Workspace.create`.
        """
        name = name or self.name or "task"
        names = preview.proposed_names(workspace, self._sweep, name)
        return create.create(preview.TaskPlan(workspace, name, names, self._sweep, self.text))

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values each swept key takes, by dotted key."""
        return {axis.key: list(axis.values) for axis in self._sweep.axes}

    @property
    def names(self) -> list[str]:
        """What the tasks would be called; empty for a plan without a name."""
        return list(self._names)

    @property
    def duplicates(self) -> int:
        """How many identical configurations were folded: equal values of equal types, so 1 is not 1.0."""
        return self._sweep.duplicates

    @property
    def folded(self) -> list[dict[str, Any]]:
        """The values that stand in the text more than once: their keys as written, and `times`."""
        return [{**fold.values, "times": fold.times} for fold in self._sweep.folds]

    @property
    def notices(self) -> list[str]:
        """What may not be meant, a sentence each."""
        return [notice.message for notice in self._sweep.notices]

    def __len__(self) -> int:
        """Return how many tasks the plan stands for."""
        return self._sweep.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the whole configuration of one task.

        Raises:
            IndexError: when the plan has no such task.
        """
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"the plan has {count_text(count, 'task')}, not one at {index}")
        return self._sweep.config(index % count)

    def __repr__(self) -> str:
        return f"Plan of {self._summary()}\n{text_table(*self.columns())}"

    def _repr_html_(self) -> str:
        return html_table(*self.columns(), caption=f"Plan of {self._summary()}")

    def _summary(self) -> str:
        if not self.duplicates:
            return count_text(len(self), "task")
        folded = f"{self.duplicates:,} identical folded: {describe_folds(self._sweep.folds)}"
        return printable(f"{count_text(len(self), 'task')}, {folded}")

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Return header and cells of a table of what would be made: at most 200 rows."""
        keys = list(self.axes)
        rows = [self._sweep.row(index) for index in range(min(len(self), MAX_ROWS))]
        first = self._names or [str(number) for number in range(1, len(rows) + 1)]
        return ["name" if self._names else "#", *keys], [
            [named, *(value_text(row.get(key)) for key in keys)]
            for named, row in zip(first, rows, strict=False)
        ]


def plan_overlay(
    workspace: WorkspaceFolder, text: str, name: str = "", settings: Settings | None = None
) -> Plan:
    """Return the plan of `text`, which may be that of a plan file.

    It is laid over the workspace's default configuration; a text that leaves out nothing stays as it is,
    with its comments and order. `name` is that of the tasks, by default what a plan file says.

    Raises:
        InvalidInputs: every place that is wrong, with key, line and column within `text`.
    """
    found = parse_plan(text)
    lines = len(_BREAK.findall(text[: len(text) - len(found.text)]))
    settings = settings or Settings.load(workspace.root)
    given = SweepPlan(found.text, limit=settings.sweep_limit)
    errors = list(given.errors)
    whole, sweep = found.text, given
    try:
        if not given.template.errors:
            whole = preview.complete_template(workspace, found.text)
            sweep = preview.check_template(workspace, whole, settings)
    except InvalidInput as error:
        told = {(one.field, one.message) for one in errors}
        several = error.errors if isinstance(error, InvalidInputs) else [error]
        errors += [_placed(one, given.template) for one in several if (one.field, one.message) not in told]
    errors = [_below(one, lines) for one in errors]
    name = name or found.name
    names: list[str] = []
    if name:
        try:
            names = preview.proposed_names(workspace, given if errors else sweep, name)
        except InvalidInput as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InvalidInputs(errors)
    script = "" if workspace.script is None else workspace.script.name
    return Plan(whole, sweep, name=name, script=script, names=names)


def _below(error: InvalidInput, lines: int) -> InvalidInput:
    if not lines or error.line is None:
        return error
    moved = InvalidInput(error.message, field=error.field, line=error.line + lines, column=error.column)
    moved.suggestions = error.suggestions
    return moved


def _placed(error: InvalidInput, given: Template) -> InvalidInput:
    """Return an error of the completed text with its place in the given one."""
    leaf = given.leaf(error.field) if error.field else None
    return InvalidInput(
        error.message,
        field=error.field,
        line=leaf.line if leaf else None,
        column=leaf.column if leaf else None,
        suggestions=error.suggestions,
    )
