"""Exporting results as a table: one row per run, with times, configuration and metrics as columns.

The rows are read once and stored in a temporary file, since the columns are known only after the last one. So
ten thousand tasks take no more memory than one.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.json_floats import decode_nonfinite, encode_nonfinite, finite_number
from pyruns_jupyter.core.common.timestamps import parse_stamp
from pyruns_jupyter.core.config.flatten import FlatReader
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.expressions import Aggregate
from pyruns_jupyter.core.metrics.journal import Remaining
from pyruns_jupyter.core.metrics.read import last_metrics
from pyruns_jupyter.core.metrics.run_aggregates import run_aggregates, unread_sentence
from pyruns_jupyter.core.metrics.system_metrics import gpu_hours, stored_summary
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import is_pinned, notes_of, tags_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, payload_name, read_task, run_fact
from pyruns_jupyter.core.tasks.row import gpus_of
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .parquet import Rows, write_parquet

CSV, JSON, JSON_LINES, PARQUET = "csv", "json", "jsonl", "parquet"
FORMATS = (CSV, JSON, JSON_LINES, PARQUET)
ALL, LATEST = "all", "latest"
SUFFIXES = frozenset({".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".tsv"})
MEDIA_TYPES = {CSV: "text/csv; charset=utf-8", JSON: "application/json", JSON_LINES: "application/x-ndjson"}
MEDIA_TYPES |= {PARQUET: "application/vnd.apache.parquet"}

FACTS = (
    "task",
    "run",
    "status",
    "created_at",
    "started_at",
    "finished_at",
    "duration",
    "exit_code",
    "host",
    "gpus",
    "gpu_hours",
    "energy_kwh",
    "pinned",
    "tags",
    "notes",
    "message",
)
_MAX_EPOCH = 1e12  # epoch seconds
_TIMES = frozenset({"created_at", "started_at", "finished_at"})
_NO_AGGREGATES: Mapping[str, Aggregate] = {}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Table:
    """The rows of an export, on disk, with their columns. Created by `collected`."""

    times = _TIMES
    types: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `collected`
        self._config: dict[str, None] = {}
        self._metrics: dict[str, None] = {}
        self.count = 0

    def add(self, facts: Mapping[str, Any], config: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
        """Add one row."""
        self._config.update(dict.fromkeys(map(str, config)))
        self._metrics.update(dict.fromkeys(map(str, metrics)))
        line = json.dumps([facts, dict(config), dict(metrics)], separators=(",", ":"), default=str)
        self._file.write(line.encode() + b"\n")
        self.count += 1

    def add_metrics(self, names: Iterable[str]) -> None:
        """Add columns of metrics, also if no row has a value."""
        self._metrics.update(dict.fromkeys(names))

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    @property
    def columns(self) -> list[str]:
        """The titles of all columns: facts, then configuration, then metrics, each in order of appearance.

        A name that occurs in two of them gets a prefix, `config.` or `figure.`.
        """
        return list(self._columns())

    def _columns(self) -> dict[str, tuple[int, str]]:
        """Return the part of a row (facts, configuration, metrics) and the key there, by title."""
        config, metrics = self._config, self._metrics
        taken = {name for name in config if name in metrics or name in FACTS}
        taken |= {name for name in metrics if name in FACTS}
        found: dict[str, tuple[int, str]] = {}
        parts = (("", FACTS), ("config.", config), ("figure.", metrics))
        for part, (prefix, names) in enumerate(parts):
            for name in names:
                wanted = title = prefix + name if name in taken else name
                number = 1
                while title in found:  # a key may be named `config.lr`
                    number += 1
                    title = f"{wanted} ({number})"
                found[title] = part, name
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary of all columns by title; missing values are None."""
        columns = self._columns()
        self._file.seek(0)
        for line in self._file:
            parts = json.loads(line)
            yield {title: parts[part].get(key) for title, (part, key) in columns.items()}


@contextmanager
def collected(
    workspace: WorkspaceFolder,
    names: Sequence[str],
    which: str = ALL,
    aggregates: Mapping[str, Aggregate] = _NO_AGGREGATES,
    points_seconds: float | None = None,
) -> Iterator[Table]:
    """Read tasks in this order, and give a `with` block the table of their runs.

    `which` is `all` runs (tasks without runs have no row) or `latest`: one row per task, also before its
    first run. Tasks that do not exist any more are skipped; one with a damaged file has a row with a
    `message`. `aggregates` (not `best`) become further columns with these titles; reading
    points for them takes at most about `points_seconds` (None: no limit).

    Raises:
        InvalidInput: if `which` is neither, or points could not be read in time.
    """
    if which not in (ALL, LATEST):
        raise InvalidInput(f"'runs' must be {ALL} or {LATEST}, not {which!r}.", field="runs")
    table = Table()
    reader = FlatReader()
    end = math.inf if points_seconds is None else time.monotonic() + points_seconds

    def remaining() -> float:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    try:
        for place, name in enumerate(names):
            try:
                _add_task(table, reader, workspace.existing(name), which, aggregates, remaining)
            except NotFound:
                continue
            except TimeoutError:
                raise InvalidInput(
                    f"{unread_sentence(len(names) - place, points_seconds or 0)} Export fewer tasks, or use "
                    "`jupyter pyruns export`, which has no time limit.",
                    field="metrics",
                ) from None
        table.add_metrics(aggregates)
        yield table
    finally:
        table.close()


def _add_task(
    table: Table,
    reader: FlatReader,
    paths: TaskPaths,
    which: str,
    aggregates: Mapping[str, Aggregate],
    remaining: Remaining,
) -> None:
    try:
        info = read_task(paths.folder)
    except (Unreadable, OSError) as error:
        message = error.message if isinstance(error, Unreadable) else f"{paths.info}: {error.strerror}."
        table.add({"task": paths.name, "message": message}, {}, {})
        return
    history = runs.runs(info)
    if which == LATEST:
        history = history[-1:]
    config = _config_of(reader, paths, info)
    for run in history:
        used = _recorded_config(reader, paths, run.index)
        metrics = last_metrics(info, run, paths)
        if aggregates:
            values = run_aggregates(info, run, paths, set(aggregates.values()), remaining)
            metrics.update((title, values[one]) for title, one in aggregates.items() if one in values)
        table.add(_facts(paths.name, info, run), config if used is None else used, metrics)
    if which == LATEST and not history:
        table.add(_facts(paths.name, info, None), config, {})


def config_of_run(reader: FlatReader, paths: TaskPaths, info: TaskInfo, run: int) -> Mapping[str, Any]:
    """Return the configuration of a run, by dotted key: the one it was started with, if it was recorded."""
    used = _recorded_config(reader, paths, run)
    return _config_of(reader, paths, info) if used is None else used


def _config_of(reader: FlatReader, paths: TaskPaths, info: TaskInfo) -> Mapping[str, Any]:
    if info.get("task_kind") != "shell":
        with suppress(OSError, Unreadable):
            return reader.read(read_text(paths.folder / payload_name(info), follow=False))
        return {}
    swept = own_facts(info).get("swept")  # the parameters of an imported run
    return decode_nonfinite(swept) if isinstance(swept, dict) else {}


def _recorded_config(reader: FlatReader, paths: TaskPaths, run: int) -> Mapping[str, Any] | None:
    """Return the configuration that a run was started with, None if it was not recorded."""
    path = paths.input(run)
    try:
        record = {} if path.parent.is_symlink() else read_json(path)
    except (OSError, Unreadable):
        return None
    text = record.get("payload_text")
    if not isinstance(text, str) or record.get("task_kind") == "shell":
        return None
    return reader.read(text)


def _facts(name: str, info: TaskInfo, run: runs.Run | None) -> dict[str, Any]:
    created = finite_number(own_facts(info).get("created_at"), _MAX_EPOCH)
    facts: dict[str, Any] = {
        "task": name,
        "status": runs.status_of(info),
        "created_at": parse_stamp(info.get("created_at")) if created is None else created,
        "pinned": is_pinned(info),
        "tags": list(tags_of(info)),
        "notes": notes_of(info) or None,
    }
    if run is None:
        return facts
    host = run.environment.get("host")
    facts.update(
        run=run.index,
        status=run.status or facts["status"],
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration=run.duration,
        exit_code=run.exit_code,
        host=host if isinstance(host, str) else None,
        gpus=list(gpus_of(info.get("run_environments"), run.index)),
        gpu_hours=gpu_hours(run),
        energy_kwh=stored_summary(info, run.index).get("energy_kwh"),
        message=run_fact(info, "messages", run.index),
    )
    return facts


def table_chunks(table: Rows, form: str = CSV, *, bom: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield a table as UTF-8 text, some rows at a time, or as Parquet (see `write_parquet`).

    Times are ISO 8601 with the zone of this machine, durations seconds. In CSV, missing values are empty,
    lists and mappings are JSON, and non-finite numbers are `nan`, `inf` and `-inf`; text that a spreadsheet
    would execute as a formula is prefixed with `'`, unless `raw`. In JSON, non-finite numbers are `"NaN"`,
    `"Infinity"` and `"-Infinity"`. `bom` adds a byte order mark to CSV, by which Excel recognises UTF-8.

    Raises:
        InvalidInput: if `form` is not one of `FORMATS`.
    """
    check_form(form)
    if form == PARQUET:
        with tempfile.TemporaryFile() as stream:
            write_parquet(table, stream)
            stream.seek(0)
            while chunk := stream.read(65536):
                yield chunk
        return
    lines = _csv_lines(table, raw=raw) if form == CSV else _json_lines(table, form)
    waiting: list[str] = ["\ufeff"] if bom and form == CSV else []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size > 65536:
            yield "".join(waiting).encode("utf-8", "backslashreplace")
            waiting, size = [], 0
    yield "".join(waiting).encode("utf-8", "backslashreplace")


def _csv_lines(table: Rows, *, raw: bool) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: Iterable[str]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield line(_plain(title, raw) for title in table.columns)
    for row in table.rows():
        yield line(_cell(title, value, raw, title in table.times) for title, value in row.items())


def _json_lines(table: Rows, form: str) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    before, between, after = ("", "\n", "") if form == JSON_LINES else ("[", ",\n ", "]\n")
    first = True
    yield before
    for row in table.rows():
        for key in table.times:
            row[key] = _iso(row[key])
        yield ("" if first else between) + encode(encode_nonfinite(row))
        first = False
    yield "\n" if form == JSON_LINES and not first else after


def _cell(title: str, value: Any, raw: bool, is_time: bool) -> str:
    if value is None or value == []:
        return ""
    if is_time:
        return _iso(value) or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _plain(value, raw)
    if title in ("tags", "gpus") and isinstance(value, list):
        return _plain(", ".join(map(str, value)), raw)
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str, raw: bool) -> str:
    """Return the cell for a text, which a spreadsheet must not execute (unless `raw`)."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) and not raw else text


def _iso(epoch: Any) -> str | None:
    try:
        return datetime.fromtimestamp(epoch).astimezone().isoformat(timespec="milliseconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def check_form(form: str, valid: Sequence[str] = FORMATS) -> None:
    """Check that a format is supported.

    Raises:
        InvalidInput: if it is not, with `field` "format".
    """
    if form not in valid:
        raise InvalidInput(f"Unknown format {form!r}. Valid formats: {', '.join(valid)}.", field="format")


def format_of(path: Path) -> str:
    """Return the format for the suffix of a file's name, by default CSV."""
    formats = {".json": JSON, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".parquet": PARQUET}
    return formats.get(path.suffix.lower(), CSV)
