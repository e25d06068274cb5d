"""Results as one table: a row a run, with times, configuration and figures as columns.

The rows are read once and kept in a temporary file, since the columns are known only when the last one is
read; so ten thousand tasks take no more memory than one.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.timestamps import parse_stamp
from pyruns_jupyter.core.config.flatten import FlatReader
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.read import last_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import notes_of, tags_of
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, payload_name, read_task
from pyruns_jupyter.core.tasks.row import gpus_of
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

CSV, JSON, JSON_LINES = "csv", "json", "jsonl"
FORMATS = (CSV, JSON, JSON_LINES)
ALL, LATEST = "all", "latest"
SUFFIXES = frozenset({".csv", ".json", ".jsonl", ".ndjson", ".tsv"})
MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    JSON: "application/json",
    JSON_LINES: "application/x-ndjson",
}

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
    "pinned",
    "tags",
    "notes",
    "message",
)
_MAX_EPOCH = 1e12  # epoch seconds
_TIMES = frozenset({"created_at", "started_at", "finished_at"})
_LINES_KEY = ("facts", "config", "figures")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Column:
    """A column: its title, and where its values are (`facts`, `config` or `figures`, and the key there)."""

    title: str
    part: str
    key: str


class Table:
    """The rows of an export, on disk, with their columns. Use as made by `collected`."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `collected`
        self._keys: dict[str, dict[str, None]] = {"config": {}, "figures": {}}
        self.count = 0

    def add(self, facts: Mapping[str, Any], config: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
        """Add one row."""
        self._keys["config"].update(dict.fromkeys(map(str, config)))
        self._keys["figures"].update(dict.fromkeys(map(str, figures)))
        line = json.dumps([facts, dict(config), dict(figures)], separators=(",", ":"), default=str)
        self._file.write(line.encode() + b"\n")
        self.count += 1

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    @property
    def columns(self) -> list[Column]:
        """All columns: facts, then configuration, then figures, each in the order in which they came.

        A name that two of them have gets a prefix, `config.` or `figure.`.
        """
        config, figures = self._keys["config"], self._keys["figures"]
        taken = {name for name in config if name in figures or name in FACTS}
        taken |= {name for name in figures if name in FACTS}
        found = [Column(name, "facts", name) for name in FACTS]
        for part, prefix in (("config", "config."), ("figures", "figure.")):
            found += [
                Column(prefix + name if name in taken else name, part, name) for name in self._keys[part]
            ]
        return _unique(found)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary of all columns by title; what it does not have is None."""
        columns = [(column.title, _LINES_KEY.index(column.part), column.key) for column in self.columns]
        for parts in self._lines():
            yield {title: parts[part].get(key) for title, part, key in columns}

    def _lines(self) -> Iterator[list[dict[str, Any]]]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)


def _unique(columns: list[Column]) -> list[Column]:
    """Number titles that are the same after all (a key may be called `config.lr`)."""
    found: dict[str, Column] = {}
    for column in columns:
        title, number = column.title, 1
        while title in found:
            number += 1
            title = f"{column.title} ({number})"
        found[title] = replace(column, title=title)
    return list(found.values())


@contextmanager
def collected(workspace: WorkspaceFolder, names: Iterable[str], which: str = ALL) -> Iterator[Table]:
    """Read tasks, in this order, and give a `with` block the table of their runs.

    `which` is `all` runs (tasks without any have no row) or `latest`: one row a task, also before its first
    run. Tasks that are gone since they were named are left out; one whose file is damaged has a row that
    says so in `message`.

    Raises:
        InvalidInput: when `which` is neither.
    """
    if which not in (ALL, LATEST):
        raise InvalidInput(f"'runs' is {ALL} or {LATEST}, not {which!r}.", field="runs")
    table = Table()
    reader = _Reader(workspace, which)
    try:
        for name in names:
            try:
                reader.add(table, name)
            except NotFound:
                continue
        yield table
    finally:
        table.close()


class _Reader:
    def __init__(self, workspace: WorkspaceFolder, which: str) -> None:
        self._workspace = workspace
        self._which = which
        self._flat = FlatReader()

    def add(self, table: Table, name: str) -> None:
        paths = self._workspace.existing(name)
        try:
            info = read_task(paths.folder)
        except (Unreadable, OSError) as error:
            message = error.message if isinstance(error, Unreadable) else f"{paths.info}: {error.strerror}."
            table.add({"task": name, "message": message}, {}, {})
            return
        history = runs.runs(info)
        if self._which == LATEST:
            history = history[-1:]
        config = self._config(paths, info)
        for run in history:
            given = self._given(paths, run.index)
            figures = last_metrics(info, run, paths)
            table.add(_facts(name, info, run), config if given is None else given, figures)
        if self._which == LATEST and not history:
            table.add(_facts(name, info, None), config, {})

    def _config(self, paths: TaskPaths, info: TaskInfo) -> Mapping[str, Any]:
        if info.get("task_kind") == "shell":
            return {}
        path = paths.folder / payload_name(info)
        try:
            return self._flat.read(read_text(path, follow=False))
        except (OSError, Unreadable):
            return {}

    def _given(self, paths: TaskPaths, run: int) -> Mapping[str, Any] | None:
        """Return the configuration that a run was given, None when that was not written down."""
        path = paths.input(run)
        try:
            record = {} if path.parent.is_symlink() else read_json(path)
        except (OSError, Unreadable):
            return None
        text = record.get("payload_text")
        if not isinstance(text, str) or record.get("task_kind") == "shell":
            return None
        return self._flat.read(text)


def _facts(name: str, info: TaskInfo, run: runs.Run | None) -> dict[str, Any]:
    own = own_facts(info)
    created = own.get("created_at")
    messages = own.get("messages")
    facts: dict[str, Any] = {
        "task": name,
        "status": runs.status_of(info),
        "created_at": created if _is_number(created) else parse_stamp(info.get("created_at")),
        "pinned": info.get("pinned") is True,
        "tags": list(tags_of(info)),
        "notes": notes_of(info) or None,
    }
    if run is None:
        return facts
    environments = info.get("run_environments")
    environment = (
        environments[run.index - 1]
        if isinstance(environments, list) and run.index <= len(environments)
        else None
    )
    host = environment.get("host") if isinstance(environment, dict) else None
    facts.update(
        run=run.index,
        status=run.status or facts["status"],
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration=run.duration,
        exit_code=run.exit_code,
        host=host if isinstance(host, str) else None,
        gpus=list(gpus_of(environments, run.index)),
        message=messages.get(str(run.index)) if isinstance(messages, dict) else None,
    )
    return facts


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MAX_EPOCH


def write_table(
    table: Table, stream: BinaryIO, form: str = CSV, *, bom: bool = False, raw: bool = False
) -> None:
    """Write a table to a file: see `table_chunks`."""
    for chunk in table_chunks(table, form, bom=bom, raw=raw):
        data = memoryview(chunk)
        while data:  # a pipe may take less
            data = data[stream.write(data) or 0 :]


def table_chunks(table: Table, form: str = CSV, *, bom: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield a table as UTF-8 text, some rows at a time.

    Times are ISO 8601 with the zone of this machine, durations seconds. In CSV what is missing is empty,
    lists and mappings are JSON, numbers that are none are `nan`, `inf` and `-inf`; a text that a spreadsheet
    would take for a formula gets a `'` in front, unless `raw`. In JSON they are `"NaN"`, `"Infinity"` and
    `"-Infinity"`, since JSON has no such numbers. `bom` puts the mark in front of CSV by which Excel
    knows UTF-8.

    Raises:
        InvalidInput: when `form` is not `csv`, `json` or `jsonl`.
    """
    check_form(form)
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


def _csv_lines(table: Table, *, raw: bool) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: Iterable[str]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield line(_plain(column.title, raw) for column in table.columns)
    for row in table.rows():
        yield line(_cell(title, value, raw) for title, value in row.items())


def _json_lines(table: Table, form: str) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    before, between, after = ("", "\n", "") if form == JSON_LINES else ("[", ",\n ", "]\n")
    first = True
    yield before
    for row in table.rows():
        for key in _TIMES:
            row[key] = _iso(row[key])
        yield ("" if first else between) + encode(encode_nonfinite(row))
        first = False
    yield "\n" if form == JSON_LINES and not first else after


def _cell(title: str, value: Any, raw: bool) -> str:
    if value is None or value == []:
        return ""
    if title in _TIMES:
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
    """Return a text as a cell; never one that a spreadsheet would execute."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) and not raw else text


def _iso(epoch: Any) -> str | None:
    try:
        return datetime.fromtimestamp(epoch).astimezone().isoformat(timespec="milliseconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def check_form(form: str) -> None:
    """Check that there is a format of this name.

    Raises:
        InvalidInput: with `field` "format", when there is none.
    """
    if form not in FORMATS:
        raise InvalidInput(f"There is no format {form!r}; there are {', '.join(FORMATS)}.", field="format")


def format_of(path: Path) -> str:
    """Return the format that a file's name asks for; CSV when it asks for none."""
    return {".json": JSON, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES}.get(path.suffix.lower(), CSV)
