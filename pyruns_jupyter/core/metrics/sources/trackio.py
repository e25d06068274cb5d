"""The databases of trackio, one per project: `TRACKIO_DIR/PROJECT.db`.

A run of ours sets TRACKIO_DIR to a folder in its artifacts, unless it is set already: several runs write to
a database at once, and nothing in it names the process. The table `metrics` has `run_name`, `timestamp`
(ISO 8601), `step` and `metrics` (JSON, in which the numbers that JSON does not have are texts).

trackio uses a write-ahead log, but closes the database after each write, so the file itself is up to date.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.metrics.database import Database

from .base import MAX_KEY_LENGTH, STEP, Point
from .lines import flat
from .sqlite import DatabaseSource

FORMAT = "trackio"
FOLDER = "TRACKIO_DIR"
_NAME = "trackio"
_ROWS = 500  # of a query
_MAX_JSON = 64 * 1024  # bytes; longer rows have tables and the like
_MAX_RUNS = 200
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


def set_folder(environment: dict[str, str], artifacts: Path) -> None:
    """Set `FOLDER` for a run with these artifacts, unless the user has set it."""
    outer = environment.get("PYRUNS_TASK_DIR")  # of a task that started this one
    given = environment.get(FOLDER)
    if not given or (outer and given.startswith(outer + os.sep)):
        environment[FOLDER] = str(artifacts / _NAME)


def recognizes(path: str) -> bool:
    """Return whether a path can be that of a database of trackio."""
    return path.endswith(".db") and os.path.basename(os.path.dirname(path)) == _NAME


class TrackioDatabase(DatabaseSource):
    """The runs in a database. `offset` is the number of the last row."""

    TABLES = ("metrics",)

    def __init__(self, path: Path, offset: int = 0) -> None:
        super().__init__(path)
        self._prefixes: dict[str, str] = {}

    def rows(self, database: Database) -> tuple[list[Any], bool]:
        """See `DatabaseSource`."""
        self.is_used = True
        rows = database.rows(
            "SELECT rowid, run_name, timestamp, step, "
            "CASE WHEN length(CAST(metrics AS BLOB)) <= ? THEN metrics END "
            "FROM metrics WHERE rowid > ? ORDER BY rowid LIMIT ?",
            *(_MAX_JSON, self.offset, _ROWS),
        )
        return rows, len(rows) == _ROWS

    def points(self, rows: list[Any]) -> list[Point]:
        """See `DatabaseSource`."""
        return [point for row in rows if (point := self._point(*row[1:])) is not None]

    def _point(self, run: Any, moment: Any, step: Any, content: Any) -> Point | None:
        if not isinstance(run, str) or not isinstance(content, (str, bytes)):
            return None
        prefix = self._prefixes.get(run)
        if prefix is None:
            if len(self._prefixes) >= _MAX_RUNS:
                self.notice = f"Only the first {_MAX_RUNS:,} of its runs are read."
                return None
            prefix = self._prefixes[run] = f"{run[:MAX_KEY_LENGTH]}/" if self._prefixes else ""
        try:
            entry = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(entry, dict):
            return None
        values = flat({key: _number(value) for key, value in entry.items()}, prefix)
        if not values:
            return None
        if type(step) is int:
            values.setdefault(STEP, step)
        return Point(_seconds(moment), values)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in _CONSTANTS else value


def _seconds(moment: Any) -> float | None:
    try:
        return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else None
    except (ValueError, OverflowError, OSError):
        return None
