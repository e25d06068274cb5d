"""What a sweep would make, before anything is written."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core import generate
from pyruns_jupyter.core.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.sweep.plan import SweepPlan
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.core.yamltext.template import Template

from .tables import MAX_ROWS, count_text, html_table, text_table, value_text


class Plan:
    """The configurations that a text with batch syntax stands for; nothing is written yet."""

    def __init__(self, text: str, sweep: SweepPlan) -> None:
        self.text = text
        self._sweep = sweep

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values each swept key takes, by dotted key."""
        return {axis.key: list(axis.values) for axis in self._sweep.axes}

    @property
    def duplicates(self) -> int:
        """How many identical configurations were folded."""
        return self._sweep.duplicates

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
        return f"Plan of {self._summary()}\n{text_table(*self._columns())}"

    def _repr_html_(self) -> str:
        return html_table(*self._columns(), caption=f"Plan of {self._summary()}")

    def _summary(self) -> str:
        folded = f", {self.duplicates} identical folded" if self.duplicates else ""
        return count_text(len(self), "task") + folded

    def _columns(self) -> tuple[list[str], list[list[str]]]:
        keys = list(self.axes)
        rows = [self._sweep.row(index) for index in range(min(len(self), MAX_ROWS))]
        return ["#", *keys], [
            [str(number), *(value_text(row.get(key)) for key in keys)] for number, row in enumerate(rows, 1)
        ]


def plan_overlay(workspace: WorkspaceFolder, text: str) -> Plan:
    """Return the plan of `text` laid over the workspace's default configuration.

    Raises:
        InvalidInput: with key, line and column within `text`, whatever the completed text looks like.
    """
    whole = generate.complete_template(workspace, text)
    SweepPlan.parse(text)
    try:
        return Plan(whole, generate.check_template(workspace, whole))
    except InvalidInputs as error:
        given = Template.parse(text)
        raise InvalidInputs([_placed(one, given) for one in error.errors]) from None


def _placed(error: InvalidInput, given: Template) -> InvalidInput:
    leaf = given.leaf(error.field) if error.field else None
    place = {"line": leaf.line, "column": leaf.column} if leaf else {}
    return InvalidInput(error.message, field=error.field, **place)
