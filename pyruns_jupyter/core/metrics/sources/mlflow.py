"""The runs of MLflow: its SQLite database, and its older file store.

MLflow adds the tags in the variable MLFLOW_RUN_CONTEXT to each run that a script starts. A run of ours sets
it, unless it is set already, so the runs of a task are known exactly. A run that was created by
`MlflowClient` has no such tag.

The table `metrics` of the database has `key`, `value`, `timestamp` (ms), `run_uuid`, `step`, `is_nan`. In the
file store, `EXPERIMENT/RUN/metrics/KEY` has lines `timestamp value step`, and `tags/KEY` the text of a tag.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.database import check_tables, connect, rows_of

from .base import MAX_KEY_LENGTH, SLICE_BYTES, STEP, FileSource, NotMetrics, Point, SourceError

DATABASE_FORMAT, FILES_FORMAT = "MLflow database", "MLflow"
CONTEXT = "MLFLOW_RUN_CONTEXT"
_TAG = "pyruns.attempt"
_METRIC = re.compile(r".*/[0-9a-f]{32}/metrics/(.+)$")
_TABLES = ("metrics", "tags", "runs")
_ROWS = 2000  # of a query
_SECONDS = 0.1  # for all queries of a call
_MAX_RUNS = 200
_PASSING = ("locked", "busy", "interrupted")  # in the message of an error that passes


def context_of(environment: dict[str, str], attempt: str) -> str:
    """Return the value of `CONTEXT` for a run: that of the user, if it is set."""
    given = environment.get(CONTEXT, "")
    if given and not given.startswith(f'{{"{_TAG}"'):
        return given
    return json.dumps({_TAG: attempt})


def recognizes_database(path: str) -> bool:
    """Return whether a path can be that of a database of MLflow."""
    return path.endswith(".db")


def recognizes_files(path: str) -> bool:
    """Return whether a path can be that of a metric in a file store."""
    return "/metrics/" in path and _METRIC.match(path) is not None


def is_tagged(path: str, attempt: str) -> bool:
    """Return whether a metric in a file store is of a run that `attempt` started."""
    folder = path[: path.rindex("/metrics/")]
    try:
        with os.fdopen(open_regular(f"{folder}/tags/{_TAG}"), "rb") as stream:
            return stream.read(200).decode("utf-8", "replace").strip() == attempt
    except OSError:
        return False


class MetricFile(FileSource):
    """A metric in a file store."""

    def parse(self, data: bytes) -> tuple[list[Point], int]:
        """See `FileSource`."""
        found = _METRIC.match(str(self.path))
        key = found[1][:MAX_KEY_LENGTH] if found else self.path.name
        used = data.rfind(b"\n") + 1
        if not used and len(data) >= SLICE_BYTES:
            raise SourceError(f"It has a line of more than {SLICE_BYTES >> 10} KiB, so the rest is not read.")
        points = []
        for line in data[:used].splitlines():
            try:
                moment, value, *step = line.split()
                values = {key: float(value), **({STEP: int(step[0])} if step else {})}
                points.append(Point(int(moment) / 1000, values))
            except ValueError:
                continue
        return points, used


class MlflowDatabase:
    """The runs in a database that `attempt` started. `offset` is the number of the last row."""

    def __init__(self, path: Path, offset: int, attempt: str) -> None:
        self.path = path
        self.offset = 0
        self.has_more = False
        self._attempt = attempt
        self._stamp: tuple[int, int] | None = None
        self._prefixes: dict[str, str] = {}

    def read(self) -> list[Point]:
        """See `Source`."""
        import sqlite3

        status = os.stat(self.path)
        stamp = status.st_mtime_ns, status.st_size
        if status.st_size == 0 or (stamp == self._stamp and not self.has_more):
            return []
        deadline = time.monotonic() + _SECONDS
        try:
            with closing(connect(self.path, deadline)) as database:
                database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
                database.execute("PRAGMA trusted_schema = OFF")
                try:
                    check_tables(database, _TABLES, deadline)
                except OSError:
                    self._stamp = stamp
                    return []  # of another program, or MLflow creates it now
                rows = self._rows(database, deadline)
        except OSError as error:
            if error.errno is None:
                raise NotMetrics from None  # not an SQLite database
            raise
        except (sqlite3.Error, sqlite3.Warning) as error:
            if any(word in str(error) for word in _PASSING):
                return []
            if not self._prefixes:
                raise NotMetrics from None
            raise SourceError(f"The database cannot be read: {error}.") from None
        self._stamp = stamp
        self.has_more = len(rows) == _ROWS
        return self._points(rows)

    def _rows(self, database: Any, deadline: float) -> list[Any]:
        """Return the next rows of the runs."""
        for run, name in rows_of(
            database,
            "SELECT r.run_uuid, r.name FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid "
            "WHERE t.key = ? AND t.value = ? ORDER BY r.start_time LIMIT ?",
            (_TAG, self._attempt, _MAX_RUNS),
            deadline,
        ):
            if isinstance(run, str) and run not in self._prefixes:
                label = name if isinstance(name, str) and name else run[:8]
                self._prefixes[run] = f"{label}/" if self._prefixes else ""
        if not self._prefixes:
            return []
        places = ", ".join("?" * len(self._prefixes))
        return rows_of(
            database,
            "SELECT rowid, run_uuid, key, value, timestamp, step, is_nan FROM metrics "
            f"WHERE run_uuid IN ({places}) AND rowid > ? ORDER BY rowid LIMIT ?",
            (*self._prefixes, self.offset, _ROWS),
            deadline,
        )

    def _points(self, rows: list[Any]) -> list[Point]:
        points: list[Point] = []
        last: tuple[object, object] | None = None
        for number, run, key, value, moment, step, is_nan in rows:
            if type(number) is not int or number <= self.offset:
                raise SourceError("Its rows are not in order, so the rest is not read.")
            self.offset = number
            if not isinstance(key, str) or len(key) > MAX_KEY_LENGTH or type(value) not in (int, float):
                continue
            name = self._prefixes.get(run, "") + key
            if last != (run, step) or name in points[-1].values:
                seconds = moment / 1000 if type(moment) is int else None
                points.append(Point(seconds, {STEP: step} if type(step) is int else {}))
                last = (run, step)
            points[-1].values[name] = math.nan if is_nan else value
        return points
