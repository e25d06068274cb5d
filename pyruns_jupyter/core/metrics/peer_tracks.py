"""Read points that the program `pyruns` moved from a task file into `tracks.sqlite3` next to it.

The format is that of `pyruns` 0.3.17. The task file then has `"track_store": {"version": 1, "generation":
text, "max_run_index": number}`. The table `generations` has one `snapshot` per generation: a JSON list of the
curves of each run. The rows of `points` (`generation`, `sequence`, `run_index`, `payload`: a JSON object) are
the later points. The `tracks` in the task file are outdated.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, signature_of

from .database import Database, opened_database

STORE_KEY = "track_store"
STORE_NAME = "tracks.sqlite3"

_MAX_SNAPSHOT = 64 * 1024 * 1024  # characters
_MAX_LISTS = 1_000_000  # and mappings in a snapshot: an empty one takes thirty times its text in memory
_MAX_PAYLOAD = 1024 * 1024
_MAX_POINTS = 10_000_000
_SECONDS = 10.0  # to read everything; the writer may keep the database locked most of the time
_SHORT_SECONDS = 0.1  # to read the latest values for the task list, which is refreshed anyway
_SHORT_SNAPSHOT = 4 * 1024 * 1024
_ROWS = 4000  # per query; the writer has to wait for it, so it must only take milliseconds
_MAX_CACHED_VALUES = 2_000_000  # of one database
_NEWEST = 50  # rows that are read for the latest values
_TABLES = ("generations", "points")


class _CachedCurves:
    """The curves that were read of a generation; points are only ever added. Hold its `lock` to use it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget the curves."""
        self.runs: dict[int, dict[str, list[Any]]] = {}
        self.count = 0
        self._length = -1  # of the snapshot, in characters
        self._after = -(1 << 63)

    def update(self, reader: _DatabaseReader) -> None:
        """Read the new points."""
        length = reader.snapshot_length()
        if length != self._length:
            snapshot = reader.snapshot(_MAX_SNAPSHOT)
            self.runs, self._after = dict(enumerate(snapshot, 1)), -(1 << 63)
            self.count = sum(len(values) for curves in snapshot for values in curves.values())
            self._length = length
        for sequence, run, payload in reader.points(self._after):
            self._after = sequence
            curves = self.runs.setdefault(run, {})
            for key, value in payload.items():
                curves.setdefault(key, []).append(value)
            self.count += len(payload)


@lru_cache(maxsize=4)
def _cached(path: str, inode: int, generation: str) -> _CachedCurves:
    return _CachedCurves()


def is_stored(info: dict[str, Any]) -> bool:
    """Return whether the points of a task are stored in that program's database."""
    return STORE_KEY in info


def stored_signature(folder: Path | str) -> Signature:
    """Return a signature that changes when points are added."""
    try:
        return signature_of(os.lstat(f"{folder}/{STORE_NAME}"))
    except OSError:
        return UNKNOWN


def stored_tracks(folder: Path, info: dict[str, Any], run: int) -> dict[str, list[Any]]:
    """Return the curves of run `run` (from 1) of the task in `folder` with the file content `info`.

    Raises:
        Unreadable: when the database is missing or damaged, or has an unknown format.
    """
    with _opened(folder, info, _SECONDS) as reader:
        path = folder / STORE_NAME
        cached = _cached(str(path), os.stat(path).st_ino, reader.generation)
        if not cached.lock.acquire(timeout=max(0.0, reader.database.deadline - time.monotonic())):
            raise OSError("another thread has been reading it for too long")
        try:
            cached.update(reader)
            return {key: list(values) for key, values in cached.runs.get(run, {}).items()}
        finally:
            if cached.count > _MAX_CACHED_VALUES:
                cached.clear()
            cached.lock.release()


def stored_latest(folder: Path, info: dict[str, Any], run: int) -> dict[str, Any]:
    """Return the last value of each curve that is in the last points of a run; of all curves when it has few
    points. The result is empty when the database cannot be read.
    """
    try:
        with _opened(folder, info, _SHORT_SECONDS) as reader:
            rows = reader.last_points()
            latest: dict[str, Any] = {}
            if any(index != run for index, _ in rows) or len(rows) < _NEWEST:
                snapshot = reader.snapshot(_SHORT_SNAPSHOT)
                curves = snapshot[run - 1] if run <= len(snapshot) else {}
                latest = {key: values[-1] for key, values in curves.items() if values}
            for index, payload in reversed(rows):
                if index == run:
                    latest.update(_object(payload))
            return latest
    except Unreadable:
        return {}


@contextmanager
def _opened(folder: Path, info: dict[str, Any], seconds: float) -> Iterator[_DatabaseReader]:
    import sqlite3

    path = folder / STORE_NAME
    store = info.get(STORE_KEY)
    generation = store.get("generation") if isinstance(store, dict) else None
    if not isinstance(store, dict) or not isinstance(generation, str) or store.get("version") != 1:
        raise Unreadable(
            f"The curves of {folder} are damaged, or their format is not supported by this version of "
            "pyruns_jupyter."
        )
    try:
        with opened_database(path, seconds, _TABLES) as database:
            yield _DatabaseReader(database, generation)
    except (sqlite3.Error, sqlite3.Warning, OSError, ValueError, RecursionError, OverflowError) as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from error


class _DatabaseReader:
    """Reads a generation of an open database."""

    def __init__(self, database: Database, generation: str) -> None:
        self.database = database
        self.generation = generation

    def snapshot_length(self) -> int:
        """Return the number of characters of the snapshot, 0 when there is none."""
        found = self.database.rows(
            "SELECT length(snapshot) FROM generations WHERE generation = ? LIMIT 1", self.generation
        )
        return found[0][0] if found and isinstance(found[0][0], int) else 0

    def snapshot(self, max_length: int) -> list[dict[str, list[Any]]]:
        """Return the curves of each run from a snapshot of at most `max_length` characters."""
        found = self.database.rows(
            "SELECT snapshot FROM generations WHERE generation = ? AND length(snapshot) <= ? LIMIT 1",
            *(self.generation, max_length),
        )
        text = found[0][0] if found else None
        if not isinstance(text, str):
            raise OSError("the metric values of the task are missing")
        if text.count("[") + text.count("{") > _MAX_LISTS:
            raise OSError(f"it contains more than {_MAX_LISTS:,} lists")
        runs = json.loads(text)
        return [
            {key: values for key, values in curves.items() if isinstance(values, list)}
            if isinstance(curves, dict)
            else {}
            for curves in (runs if isinstance(runs, list) else [])
        ]

    def points(self, after: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Yield sequence, run index and values of the points after `after`."""
        count = 0
        while count < _MAX_POINTS:
            rows = self.database.rows(
                "SELECT sequence, run_index, CASE WHEN length(payload) <= ? THEN payload END FROM points "
                "WHERE generation = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                *(_MAX_PAYLOAD, self.generation, after, _ROWS),
            )
            for sequence, index, payload in rows:
                if isinstance(sequence, int) and isinstance(index, int):
                    yield sequence, index, _object(payload)
            count += len(rows)
            if len(rows) < _ROWS:
                return
            if not isinstance(rows[-1][0], int) or rows[-1][0] <= after:
                raise OSError("its points are not in order")
            if time.monotonic() > self.database.deadline:
                raise OSError("reading it took too long")
            after = rows[-1][0]

    def last_points(self) -> list[Any]:
        """Return run index and payload of the last points, the last one first."""
        return self.database.rows(
            "SELECT run_index, payload FROM points WHERE generation = ? AND length(payload) <= ? "
            "ORDER BY sequence DESC LIMIT ?",
            *(self.generation, _MAX_PAYLOAD, _NEWEST),
        )


def _object(text: Any) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
