"""Plans: the tasks of a sweep before they are created."""

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
    """A sweep whose tasks have not been created yet, as a sequence of configurations (dictionaries).

    Attributes:
        text: the sweep as YAML, completed with the default values of the script.
        name: the name, name prefix or name pattern of the tasks. Empty if it was not given.
        script: the file name of the script. Empty if it is unknown.
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
        """Load a plan from a file.

        Args:
            path: a file that `save` wrote, or any YAML file with sweep syntax.
            workspace: the workspace for which the plan is validated. Missing keys get the default values of
                its script.

        Returns:
            The plan.

        Raises:
            NotFound: if the file does not exist.
            Unreadable: if the file is not UTF-8 text.
            InvalidInput: if the plan is not valid. The error contains the key, the line and the column.
        """
        if workspace is not None:
            return workspace.plan(path)
        found = read_plan(Path(path).expanduser())
        return cls(found.text, SweepPlan.parse(found.text), name=found.name, script=found.script)

    def save(self, path: str | os.PathLike[str], *, name: str | None = None, overwrite: bool = False) -> Path:
        """Save the plan to a file, which `Plan.load` and `jupyter pyruns sweep` can read.

        Args:
            path: the path of the file.
            name: the name, name prefix or name pattern of the tasks. By default, `name` of the plan.
            overwrite: whether to replace an existing plan file. Other files are never replaced.

        Returns:
            The path of the file.

        Raises:
            Conflict: if the file exists and cannot be replaced.
            InvalidInput: if the path is a folder.
            NotFound: if the folder of the file does not exist.
        """
        target = Path(path).expanduser()
        given = self.name if name is None else name
        write_plan(target, PlanFile(self.text, given, self.script), len(self), overwrite=overwrite)
        return target

    def create(self, workspace: WorkspaceFolder, name: str | None = None) -> list[str]:
        """Create the tasks of the plan and return their names.

        Args:
            workspace: the workspace for which the plan was made.
            name: the name, name prefix or name pattern of the tasks. By default, `name` of the plan.

        Raises:
            InvalidInput: if the name is not valid.
            Conflict: if a name is in use.
        """
        name = name or self.name or "task"
        names = preview.proposed_names(workspace, self._sweep, name)
        return create.create(preview.TaskPlan(workspace, name, names, self._sweep, self.text))

    def commands(self, workspace: WorkspaceFolder) -> list[str]:
        """Return the command line of each task in a workspace. It is empty if a task has none."""
        return preview.command_lines(workspace, self._sweep, range(len(self)))

    def check(self, workspace: WorkspaceFolder) -> None:
        """Check the command lines with the script's own parser.

        The script runs up to its parser, as with `Workspace.ask`. If the plan has more than 200 tasks, 200 of
        them are checked.

        Args:
            workspace: the workspace for which the plan was made.

        Raises:
            InvalidInput: if the parser rejects a command line, or the script does not reach a parser.
        """
        from pyruns_jupyter.engine.run.ask_script import check_sweep  # most plans are not checked

        check_sweep(workspace, self._sweep)

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of the swept parameters, by dotted configuration key."""
        return {axis.key: list(axis.values) for axis in self._sweep.axes}

    @property
    def names(self) -> list[str]:
        """The names of the tasks. Empty if the plan has no name."""
        return list(self._names)

    @property
    def duplicates(self) -> int:
        """The number of duplicate configurations that were removed. 1 and 1.0 are different values."""
        return self._sweep.duplicates

    @property
    def folded(self) -> list[dict[str, Any]]:
        """The duplicate configurations in the text.

        Each one is a dictionary with its swept values by key, and the number of its occurrences as `times`.
        """
        return [{**fold.values, "times": fold.times} for fold in self._sweep.folds]

    @property
    def notices(self) -> list[str]:
        """Warnings about parts of the sweep that may be mistakes."""
        return [notice.message for notice in self._sweep.notices]

    def __len__(self) -> int:
        """Return the number of tasks."""
        return self._sweep.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the complete configuration of the task at `index`.

        Raises:
            IndexError: if `index` is out of range.
        """
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"index {index} is out of range: the plan has {count_text(count, 'task')}")
        return self._sweep.config(index % count)

    def __repr__(self) -> str:
        return f"Plan of {self._summary()}\n{text_table(*self.columns())}"

    def _repr_html_(self) -> str:
        return html_table(*self.columns(), caption=f"Plan of {self._summary()}")

    def _summary(self) -> str:
        if not self.duplicates:
            return count_text(len(self), "task")
        duplicates = f"{self.duplicates:,} duplicates removed: {describe_folds(self._sweep.folds)}"
        return printable(f"{count_text(len(self), 'task')}, {duplicates}")

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the cells of a table of the first 200 tasks."""
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
    """Return the plan of a sweep, completed with the default configuration of the workspace.

    Args:
        workspace: the workspace.
        text: YAML with sweep syntax, or the text of a plan file. Comments are kept if all keys are given.
        name: the name, name prefix or name pattern of the tasks. By default, the name in the plan file.
        settings: the settings of the project. By default, they are read from the disk.

    Raises:
        InvalidInput, InvalidInputs: if the text or the name is not valid. Each error contains the key, the
            line and the column in `text`.
    """
    found = parse_plan(text)
    lines = len(_BREAK.findall(text[: len(text) - len(found.text)]))
    settings = settings or Settings.load(workspace.root)
    given = SweepPlan(found.text, limit=settings.sweep_limit)
    errors = list(given.errors)
    whole, sweep = found.text, given
    try:
        if not given.template.errors:
            whole = preview.complete_template(workspace, found.text, settings)
            sweep = preview.check_template(workspace, whole, settings)
    except InvalidInput as error:
        known = {(one.field, one.message) for one in errors}
        several = error.errors if isinstance(error, InvalidInputs) else [error]
        errors += [_placed(one, given.template) for one in several if (one.field, one.message) not in known]
    errors = [one if one.line is None else one.at(one.line + lines, one.column) for one in errors]
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


def _placed(error: InvalidInput, given: Template) -> InvalidInput:
    """Return an error in the completed text with its place in the given text."""
    leaf = given.leaf(error.field) if error.field else None
    return error.at(leaf.line, leaf.column) if leaf else error.at(None, None)
