"""Export the results or the curves of tasks to a file or a folder, or as the bytes of a file."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.taskfile.output_file import output_file
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .curves import CurveTable
from .folders import FOLDER_FORMATS, MLFLOW, TENSORBOARD, write_folder
from .parquet import check_installed
from .table import ALL, CSV, FORMATS, LATEST, PARQUET, SUFFIXES, Table, check_form, collected, table_chunks

_CHUNK = 256 * 1024
_FOLDERS = {TENSORBOARD: "logs", MLFLOW: "mlruns"}  # the usual names, in a zip file
ALL_FORMATS = (*FORMATS, *FOLDER_FORMATS)


@dataclass(frozen=True)
class Export:
    """What is exported, and how.

    Attributes:
        form: `csv`, `json`, `jsonl` or `parquet` for a table; `tensorboard` or `mlflow` for a folder.
        which: `all` runs, or the `latest` of each task.
        curves: whether the table has the values of curves, one per row, instead of one run per row.
        aggregates: further columns of the table of runs, by title.
        bom, raw: see `table_chunks`.
    """

    form: str = CSV
    which: str = ALL
    curves: bool = False
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    bom: bool = False
    raw: bool = False

    def check(self) -> None:
        """Check the options.

        Raises:
            InvalidInput: if they do not fit, or a library is missing.
        """
        check_form(self.form, ALL_FORMATS)
        if self.which not in (ALL, LATEST):
            raise InvalidInput(f"'runs' must be {ALL} or {LATEST}, not {self.which!r}.", field="runs")
        if self.is_folder and self.aggregates:
            raise InvalidInput(f"The format {self.form} has no columns for aggregates.", field="metrics")
        if self.curves and self.aggregates:
            raise InvalidInput("Aggregates cannot be exported together with curves.", field="metrics")
        if self.form == PARQUET:
            check_installed()

    @property
    def is_folder(self) -> bool:
        """Whether the result is a folder."""
        return self.form in FOLDER_FORMATS


def export_to(
    workspace: WorkspaceFolder, names: Sequence[str], target: Path, wanted: Export, *, force: bool = False
) -> int:
    """Export tasks to a file or a folder; return the number of rows, or of runs in a folder.

    A file is replaced only with `force`, or if its suffix is that of a table. A folder must be new or empty.

    Raises:
        InvalidInput: if the options do not fit, or `target` is not possible.
        Conflict: if `target` exists and may not be replaced.
        NotFound: if the folder above it does not exist.
        OSError: if it cannot be written.
    """
    wanted.check()
    if wanted.is_folder:
        return write_folder(workspace, names, wanted.which, target, wanted.form)
    with (
        _table(workspace, names, wanted) as table,
        output_file(target, force=force, replaceable=SUFFIXES) as stream,
    ):
        for chunk in table_chunks(table, wanted.form, bom=wanted.bom, raw=wanted.raw):
            data = memoryview(chunk)
            while data:  # a pipe may accept only a part
                data = data[stream.write(data) or 0 :]
        return table.count


def export_chunks(
    workspace: WorkspaceFolder, names: Sequence[str], wanted: Export, points_seconds: float | None = None
) -> Generator[bytes, None, None]:
    """Yield the bytes of the file; of a folder, those of a zip file.

    Reading points for aggregates takes at most about `points_seconds` (None: no limit).

    Raises:
        InvalidInput: if the options do not fit, or points could not be read in time.
    """
    wanted.check()
    if wanted.is_folder:
        with tempfile.TemporaryDirectory() as above, tempfile.TemporaryFile() as stream:
            folder = Path(above, _FOLDERS[wanted.form])
            write_folder(workspace, names, wanted.which, folder, wanted.form, is_moved=True)
            _zip(folder, stream)
            yield from _read(stream)
        return
    with _table(workspace, names, wanted, points_seconds) as table:
        yield from table_chunks(table, wanted.form, bom=wanted.bom, raw=wanted.raw)


@contextmanager
def _table(
    workspace: WorkspaceFolder, names: Sequence[str], wanted: Export, points_seconds: float | None = None
) -> Iterator[Table | CurveTable]:
    if wanted.curves:
        yield CurveTable(workspace, names, wanted.which)
        return
    with collected(workspace, names, wanted.which, wanted.aggregates, points_seconds) as table:
        yield table


def _zip(folder: Path, stream: IO[bytes]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        yield chunk
