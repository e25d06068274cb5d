"""Points that the program `pyruns` moved out of a task file into `tracks.sqlite3` beside it. Only read.

Source: observed with `pyruns` 0.3.17. The task file then says `"track_store": {"version": 1, "generation":
text, "max_run_index": number}`. The table `generations` holds for a generation one `snapshot`: the JSON list
of the runs' curves so far; the rows of `points` (`generation`, `sequence`, `run_index`, `payload`: a JSON
object) are the points since. What the task file says under `tracks` does not count any more.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import is_plain_file
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, signature_of
from pyruns_jupyter.core.fs.regular_files import open_regular

if TYPE_CHECKING:
    import sqlite3

STORE_KEY = "track_store"
STORE_NAME = "tracks.sqlite3"

_MAX_SNAPSHOT = 64 * 1024 * 1024  # characters
_MAX_LISTS = 1_000_000  # and mappings in a snapshot: empty ones take thirty times their text in memory
_MAX_PAYLOAD = 1024 * 1024
_MAX_POINTS = 10_000_000
_SECONDS = 10.0  # for all of a look; its writer may keep the database locked most of the time
_SHORT_SECONDS = 0.1  # for a row of a table, which is looked at again
_SHORT_SNAPSHOT = 4 * 1024 * 1024
_PAUSE = 0.003  # s between two tries; SQLite's own pauses grow, and a busy writer never leaves room then
# Rows in one look. Their writer waits while we look, so each look takes some milliseconds only.
_ROWS = 4000
_MAX_KNOWN = 4  # databases that are remembered
_MAX_KNOWN_VALUES = 2_000_000  # of one
_NEWEST = 50  # rows looked at for the newest values
_TABLES = ("generations", "points")


class _Known:
    """What was read of a generation: its points are only ever added to. To be used under its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs: dict[int, dict[str, list[Any]]] = {}
        self.count = 0
        self._length = -1  # of the snapshot, in characters
        self._after = -(1 << 63)

    def update(self, look: _Look) -> None:
        """Read what is new."""
        length = look.snapshot_length()
        if length != self._length:
            snapshot = look.snapshot(_MAX_SNAPSHOT)
            self.runs, self._after = dict(enumerate(snapshot, 1)), -(1 << 63)
            self.count = sum(len(values) for curves in snapshot for values in curves.values())
            self._length = length
        for sequence, run, payload in look.points(self._after):
            self._after = sequence
            curves = self.runs.setdefault(run, {})
            for key, value in payload.items():
                curves.setdefault(key, []).append(value)
            self.count += len(payload)


_known: OrderedDict[tuple[str, int, str], _Known] = OrderedDict()
_known_lock = threading.Lock()  # never held while a database is read


def is_stored(info: dict[str, Any]) -> bool:
    """Return whether the points of a task lie in that program's database."""
    return STORE_KEY in info


def stored_signature(folder: Path | str) -> Signature:
    """Return what changes when points are added."""
    try:
        return signature_of(os.lstat(f"{folder}/{STORE_NAME}"))
    except OSError:
        return UNKNOWN


def stored_tracks(folder: Path, info: dict[str, Any], run: int) -> dict[str, list[Any]]:
    """Return the curves of run `run` (from 1) of the task in `folder`, whose task file says `info`.

    Raises:
        Unreadable: when the database is missing, damaged or none that we know.
    """
    with _opened(folder, info, _SECONDS) as look:
        path = folder / STORE_NAME
        place = (str(path), os.stat(path).st_ino, look.generation)
        with _known_lock:
            known = _known.setdefault(place, _Known())
            _known.move_to_end(place)
            while len(_known) > _MAX_KNOWN:
                _known.popitem(last=False)
        if not known.lock.acquire(timeout=max(0.0, look.deadline - time.monotonic())):
            raise OSError("others are reading it")
        try:
            known.update(look)
            return {key: list(values) for key, values in known.runs.get(run, {}).items()}
        finally:
            if known.count > _MAX_KNOWN_VALUES:
                with _known_lock:
                    _known.pop(place, None)
            known.lock.release()


def stored_latest(folder: Path, info: dict[str, Any], run: int) -> dict[str, Any]:
    """Return the newest value of each curve of a run that is among its last points; of a run with few all.

    A database that cannot be read has none.
    """
    try:
        with _opened(folder, info, _SHORT_SECONDS) as look:
            rows = look.last_points()
            latest: dict[str, Any] = {}
            if any(index != run for index, _ in rows) or len(rows) < _NEWEST:
                snapshot = look.snapshot(_SHORT_SNAPSHOT)
                curves = snapshot[run - 1] if run <= len(snapshot) else {}
                latest = {key: values[-1] for key, values in curves.items() if values}
            for index, payload in reversed(rows):
                if index == run:
                    latest.update(_object(payload))
            return latest
    except Unreadable:
        return {}


@contextmanager
def _opened(folder: Path, info: dict[str, Any], seconds: float) -> Iterator[_Look]:
    import sqlite3

    path = folder / STORE_NAME
    store = info.get(STORE_KEY)
    generation = store.get("generation") if isinstance(store, dict) else None
    if not isinstance(store, dict) or not isinstance(generation, str) or store.get("version") != 1:
        raise Unreadable(f"{folder}: its curves are stored in a way that this version does not know.")
    deadline = time.monotonic() + seconds
    try:
        with closing(_connect(path, deadline)) as database:
            database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            database.execute("PRAGMA trusted_schema = OFF")
            look = _Look(database, generation, deadline)
            look.check()
            yield look
    except (sqlite3.Error, sqlite3.Warning, OSError, ValueError, RecursionError, OverflowError) as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from error


def _connect(path: Path, deadline: float) -> sqlite3.Connection:
    """Open the database so that nothing beside it is created and nothing in it changed.

    Raises:
        OSError: when it is missing or no database.
    """
    import sqlite3

    with os.fdopen(open_regular(path), "rb") as stream:
        head = stream.read(20)
    if head[:16] != b"SQLite format 3\0":
        raise OSError("it is no SQLite database")
    # With a write-ahead log a reader would create files beside it, and of a writer that was killed there is a
    # journal that a reader cannot apply: then the file alone counts. SQLite would wait for a journal that is
    # a FIFO, and follow one that is a link.
    journal = Path(f"{path}-journal")
    plain = head[18:20] == b"\1\1" and (is_plain_file(journal) or not os.path.lexists(journal))
    options = "mode=ro" if plain else "mode=ro&immutable=1"
    address = f"file:{quote(str(path.absolute()))}?"
    database = sqlite3.connect(address + options, uri=True, timeout=0, isolation_level=None)
    if not plain:
        return database
    try:
        _rows(database, "SELECT count(*) FROM sqlite_master", (), deadline)
    except BaseException as error:
        database.close()
        if not isinstance(error, sqlite3.Error) or not journal.exists():
            raise
        database = sqlite3.connect(address + "mode=ro&immutable=1", uri=True, isolation_level=None)
    return database


class _Look:
    """One look at a generation in an open database, which ends at `deadline` (monotonic)."""

    def __init__(self, database: sqlite3.Connection, generation: str, deadline: float) -> None:
        self.generation = generation
        self.deadline = deadline
        self._database = database

    def check(self) -> None:
        """Check that what is asked for are plain tables: a view or a computed column may do anything.

        Raises:
            OSError: when it is something else.
        """
        found = self._rows(
            "SELECT name, type, sql LIKE 'CREATE TABLE%' FROM sqlite_master WHERE lower(name) IN (?, ?)",
            _TABLES,
        )
        for name, kind, is_table in found:
            if kind != "table" or not is_table:
                raise OSError(f"{str(name)[:20]!r} is no table")
        if len(found) != len(_TABLES):
            raise OSError("it has no such table")
        for name in _TABLES:
            if any(column[-1] for column in self._rows(f"PRAGMA table_xinfo({name})", ())):
                raise OSError(f"{name!r} has columns that are computed")

    def snapshot_length(self) -> int:
        """Return how many characters the snapshot has, 0 when there is none."""
        found = self._rows(
            "SELECT length(snapshot) FROM generations WHERE generation = ? LIMIT 1", (self.generation,)
        )
        return found[0][0] if found and isinstance(found[0][0], int) else 0

    def snapshot(self, most: int) -> list[dict[str, list[Any]]]:
        """Return the curves of each run; a snapshot has at most `most` characters."""
        found = self._rows(
            "SELECT snapshot FROM generations WHERE generation = ? AND length(snapshot) <= ? LIMIT 1",
            (self.generation, most),
        )
        text = found[0][0] if found else None
        if not isinstance(text, str):
            raise OSError("the points that the task file speaks of are not in it")
        if text.count("[") + text.count("{") > _MAX_LISTS:
            raise OSError(f"it holds more than {_MAX_LISTS:,} lists")
        runs = json.loads(text)
        return [
            {key: values for key, values in curves.items() if isinstance(values, list)}
            if isinstance(curves, dict)
            else {}
            for curves in (runs if isinstance(runs, list) else [])
        ]

    def points(self, after: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Yield sequence, run index and values of the points behind `after`."""
        count = 0
        while count < _MAX_POINTS:
            rows = self._rows(
                "SELECT sequence, run_index, CASE WHEN length(payload) <= ? THEN payload END FROM points "
                "WHERE generation = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                (_MAX_PAYLOAD, self.generation, after, _ROWS),
            )
            for sequence, index, payload in rows:
                if isinstance(sequence, int) and isinstance(index, int):
                    yield sequence, index, _object(payload)
            count += len(rows)
            if len(rows) < _ROWS:
                return
            if not isinstance(rows[-1][0], int) or rows[-1][0] <= after:
                raise OSError("its points are not in order")
            if time.monotonic() > self.deadline:
                raise OSError("it takes too long")
            after = rows[-1][0]

    def last_points(self) -> list[Any]:
        """Return run index and payload of the last points, the newest first."""
        return self._rows(
            "SELECT run_index, payload FROM points WHERE generation = ? AND length(payload) <= ? "
            "ORDER BY sequence DESC LIMIT ?",
            (self.generation, _MAX_PAYLOAD, _NEWEST),
        )

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Any]:
        return _rows(self._database, query, values, self.deadline)


def _rows(database: sqlite3.Connection, query: str, values: tuple[object, ...], deadline: float) -> list[Any]:
    import sqlite3

    while True:
        try:
            return database.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _object(text: Any) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
