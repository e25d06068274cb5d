"""Tables of results to download."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.export.table import MEDIA_TYPES
from pyruns_jupyter.core.export.write import Export, export_chunks
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.query.columns import aggregate_columns
from pyruns_jupyter.core.query.selection import POINTS_SECONDS
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .files import GeneratedFile
from .tasks import Selection


class ExportRequest(Selection, frozen=True):
    """The tasks to export, which of their runs, and the file format.

    `metrics` are aggregates such as `min(loss)`, which become further columns. `bom` starts the file with a
    byte order mark, which Excel needs for UTF-8. `raw` keeps texts that a spreadsheet would run as formulas.
    With `curves`, the table has one row per value of a curve. `tensorboard` and `mlflow` are folders, which
    are sent as a zip file.
    """

    format: Literal["csv", "json", "jsonl", "parquet", "tensorboard", "mlflow"] = "csv"
    runs: Literal["all", "latest"] = "all"
    curves: bool = False
    metrics: tuple[str, ...] = ()
    bom: bool = False
    raw: bool = False

    def content(self, index: TaskIndex) -> Callable[[], ExportContent]:
        """Return a slow function that finds the tasks in the present index.

        It raises InvalidInput if an aggregate is not valid, if no task has its metric, or if the query is not
        valid or may match other tasks than the user expects: a file has no place for a notice.
        """
        select = self.selection(index)

        def content() -> ExportContent:
            aggregates, notices = aggregate_columns(index, self.metrics) if self.metrics else ({}, [])
            if notices:
                raise InvalidInput(" ".join(notices), field="metrics")
            return ExportContent([row.name for row in select(strict=True).items], aggregates)

        return content


class ExportContent(NamedTuple):
    """The names of tasks to export, and the aggregates of metrics that become columns."""

    names: list[str]
    aggregates: dict[str, Aggregate]


class ExportStopped(Exception):
    """Raised in an export whose client has disconnected."""


@dataclass(frozen=True)
class ExportFile(GeneratedFile):
    """A file with results. After `stop` is set, its chunks raise ExportStopped instead of reading a task."""

    stop: threading.Event = field(default_factory=threading.Event)


class _Names(list[str]):
    """Names of tasks, of which the next one is an error after `stop` was set."""

    def __init__(self, names: list[str], stop: threading.Event) -> None:
        super().__init__(names)
        self._stop = stop

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            if self._stop.is_set():
                raise ExportStopped
            yield name


def export(workspace: WorkspaceFolder, wanted: ExportRequest, content: ExportContent) -> ExportFile:
    """Return the results of some tasks as a file.

    Raises:
        InvalidInput: if the options do not fit, or a library for the format is not installed.
    """
    options = Export(wanted.format, wanted.runs, wanted.curves, content.aggregates, wanted.bom, wanted.raw)
    options.check()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", workspace.name).strip("._") or "results"
    if options.is_folder:
        name, media_type = f"{plain}-{wanted.format}.zip", "application/zip"
    else:
        name = f"{plain}{'-curves' if wanted.curves else ''}.{wanted.format}"
        media_type = MEDIA_TYPES[wanted.format]
    stop = threading.Event()
    names = _Names(content.names, stop)
    return ExportFile(export_chunks(workspace, names, options, POINTS_SECONDS), name, media_type, stop)
