"""The trash as data, and tables of results to download."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core import query
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.export.table import (
    ALL,
    CSV,
    LATEST,
    MEDIA_TYPES,
    check_form,
    collected,
    table_chunks,
)
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.trash import trash_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .tasks import read_statuses


def trash_model(workspace: WorkspaceFolder) -> dict[str, Any]:
    """Return a `Trash`: its tasks, the last removed first."""
    return {"items": [vars(one) for one in trash_tasks(workspace)]}


@dataclass(frozen=True)
class Export:
    """What to export, and how; the query is read when the tasks are."""

    form: str
    runs: str
    bom: bool
    raw: bool
    options: dict[str, Any]

    @classmethod
    def read(cls, value: Callable[[str], str]) -> Export:
        """Read the parameters of an address; `value` returns one, empty when it is not given.

        Raises:
            InvalidInput: when one is not understood.
        """
        form, which, order = value("format") or CSV, value("runs") or ALL, value("order") or "asc"
        check_form(form)
        if which not in (ALL, LATEST):
            raise InvalidInput(f"'runs' should be {ALL} or {LATEST}.", field="runs")
        if order not in ("asc", "desc"):
            raise InvalidInput("'order' should be 'asc' or 'desc'.", field="order")
        for key in ("bom", "raw"):
            if value(key) not in ("", "0", "1", "true", "false"):
                raise InvalidInput(f"{key!r} should be true or false.", field=key)
        options = {
            "query": value("query"),
            "statuses": read_statuses(value("status")),
            "sort": value("sort") or "created",
            "order": order,
            "limit": None,
        }
        bom, raw = (value(key) in ("1", "true") for key in ("bom", "raw"))
        return cls(form, which, bom, raw, options)

    @property
    def media_type(self) -> str:
        """The type of the file, as HTTP tells it."""
        return MEDIA_TYPES[self.form]

    def file_name(self, workspace: WorkspaceFolder) -> str:
        """Return a name for the file, of plain letters."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", workspace.name).strip("._") or "results"
        return f"{plain}.{self.form}"

    def names(self, index: TaskIndex) -> Callable[[], list[str]]:
        """Take a look at an index and return what finds the tasks, which may take a while.

        It raises InvalidInput when the query is not understood or means no tasks for sure: a file has no
        place to say so.
        """
        rows, sources = index.rows, query.Sources.of(index)

        def find() -> list[str]:
            found = query.select(rows.values(), **self.options, sources=sources, strict=True)
            return [row.name for row in found.items]

        return find


def export_chunks(
    workspace: WorkspaceFolder, wanted: Export, names: list[str]
) -> Generator[bytes, None, None]:
    """Yield the file a part at a time; the first one comes when all tasks are read. Close it at the end."""
    with collected(workspace, names, wanted.runs) as table:
        yield from table_chunks(table, wanted.form, bom=wanted.bom, raw=wanted.raw)
