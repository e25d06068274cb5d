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
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.database import Database

from .base import MAX_KEY_LENGTH, SLICE_BYTES, STEP, FileSource, Point, SourceError, is_number
from .sqlite import DatabaseSource

DATABASE_FORMAT, FILES_FORMAT = "MLflow database", "MLflow"
CONTEXT = "MLFLOW_RUN_CONTEXT"
_TAG = "pyruns.attempt"
_METRIC = re.compile(r".*/[0-9a-f]{32}/metrics/(.+)$")
ROWS = 2000  # of a query
_MAX_RUNS = 200


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
    found = _METRIC.match(path)
    if found is None:
        return False
    folder = path[: found.start(1) - len("/metrics/")]
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
                number = int(step[0]) if step else 0
                values = {key: float(value), **({STEP: number} if step and is_number(number) else {})}
                points.append(Point(float(moment) / 1000, values))
            except ValueError:
                continue
        return points, used


class MlflowDatabase(DatabaseSource):
    """The runs in a database that `attempt` started."""

    TABLES = ("metrics", "tags", "runs")

    def __init__(self, path: Path, offset: int, attempt: str) -> None:
        super().__init__(path)
        self._attempt = attempt
        self._prefixes: dict[str, str] = {}

    def rows(self, database: Database) -> tuple[list[Any], bool]:
        """See `DatabaseSource`."""
        found = database.rows(
            "SELECT r.run_uuid, r.name FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid "
            "WHERE t.key = ? AND t.value = ? ORDER BY r.start_time LIMIT ?",
            *(_TAG, self._attempt, _MAX_RUNS + 1),
        )
        if len(found) > _MAX_RUNS:
            self.notice = f"Only the first {_MAX_RUNS:,} of its runs are read."
        for run, name in found[:_MAX_RUNS]:
            if isinstance(run, str) and run not in self._prefixes:
                label = name[:MAX_KEY_LENGTH] if isinstance(name, str) and name else run[:8]
                prefix = f"{label}/" if self._prefixes else ""
                if prefix in self._prefixes.values():
                    prefix = f"{label}_{run[:8]}/"
                self._prefixes[run] = prefix
        self.is_used = bool(self._prefixes)
        if not self._prefixes:
            return [], False
        rows = metric_rows(database, list(self._prefixes), self.offset)
        return rows, len(rows) == ROWS

    def points(self, rows: list[Any]) -> list[Point]:
        """See `DatabaseSource`."""
        return points_of(rows, self._prefixes)


def metric_rows(database: Database, runs: list[str], after: int) -> list[Any]:
    """Return the next `ROWS` rows of runs in the table of metrics, after the row `after`.

    Raises:
        sqlite3.Error: when the query fails.
    """
    places = ", ".join("?" * len(runs))
    return database.rows(
        "SELECT rowid, run_uuid, CASE WHEN length(CAST(key AS BLOB)) <= ? THEN key END, "
        "value, timestamp, step, is_nan FROM metrics "
        f"WHERE run_uuid IN ({places}) AND rowid > ? ORDER BY rowid LIMIT ?",
        *(MAX_KEY_LENGTH, *runs, after, ROWS),
    )


def points_of(rows: list[Any], prefixes: Mapping[str, str]) -> list[Point]:
    """Return the points of rows; the names of metrics begin with the prefix of their run."""
    points: list[Point] = []
    last: tuple[object, object] | None = None
    for _, run, key, value, moment, step, is_nan in rows:
        if not isinstance(key, str) or type(value) not in (int, float):
            continue
        name = prefixes.get(run, "") + key
        if last != (run, step) or name in points[-1].values:
            seconds = moment / 1000 if type(moment) is int else None
            points.append(Point(seconds, {STEP: step} if type(step) is int else {}))
            last = (run, step)
        points[-1].values[name] = math.nan if is_nan else _infinite(value)
    return points


def _infinite(value: float) -> float:
    """Return a value of the database, in which the largest number stands for infinity."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
