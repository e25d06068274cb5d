"""Tables of results to download."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Literal

from pyruns_jupyter.core.export.table import MEDIA_TYPES, collected, table_chunks
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .files import GeneratedFile
from .tasks import Selection


class ExportRequest(Selection, frozen=True):
    """The tasks to export, which of their runs, and the file format.

    `bom` starts the file with a byte order mark, which Excel needs for UTF-8. `raw` keeps texts that a
    spreadsheet would run as formulas.
    """

    format: Literal["csv", "json", "jsonl"] = "csv"
    runs: Literal["all", "latest"] = "all"
    bom: bool = False
    raw: bool = False

    def names(self, index: TaskIndex) -> Callable[[], list[str]]:
        """Return a slow function that finds the tasks in the present index.

        It raises InvalidInput if the query is not valid or may match other tasks than the user expects: a
        file has no place for a notice.
        """
        select = self.selection(index)
        return lambda: [row.name for row in select(strict=True).items]


def export(workspace: WorkspaceFolder, wanted: ExportRequest, names: list[str]) -> GeneratedFile:
    """Return the table of some tasks' results. The first chunk comes when all tasks have been read."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", workspace.name).strip("._") or "results"
    chunks = _chunks(workspace, wanted, names)
    return GeneratedFile(chunks, f"{plain}.{wanted.format}", MEDIA_TYPES[wanted.format])


def _chunks(
    workspace: WorkspaceFolder, wanted: ExportRequest, names: list[str]
) -> Generator[bytes, None, None]:
    with collected(workspace, names, wanted.runs) as table:
        yield from table_chunks(table, wanted.format, bom=wanted.bom, raw=wanted.raw)
