"""Sources that are SQLite databases, which another program writes to at the same time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.database import Database, opened_database

from .base import NotMetrics, Point, Source, SourceError

_SECONDS, _LAST_SECONDS = 0.1, 5.0  # for all queries of a call, and of one after the end of the run
_LIMIT_LENGTH, _MAX_LENGTH = 0, 1024 * 1024  # SQLITE_LIMIT_LENGTH; bytes of a text
_QUIET_SECONDS = 0.05  # for which a database with a write-ahead log must not have changed
_PASSING = ("locked", "busy", "interrupted")  # in the message of an error that passes


class DatabaseSource(Source):
    """A database. A subclass has the queries. `offset` is the number of the last row.

    Attributes:
        is_used: whether the run is known to write to it; a subclass sets it.
    """

    TABLES: tuple[str, ...]  # which must be there

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.is_used = False
        self._stamp: tuple[int, int] | None = None
        self._has_points = False

    def rows(self, database: Database) -> tuple[list[Any], bool]:
        """Return the next rows, in order, and whether there are more; each begins with its number.

        Raises:
            sqlite3.Error: when a query fails.
        """
        raise NotImplementedError

    def points(self, rows: list[Any]) -> list[Point]:
        """Return the points of rows."""
        raise NotImplementedError

    def read(self) -> list[Point]:
        """See `Source`."""
        import sqlite3

        self.waits = False
        stamp = self._stamp_of()
        if stamp[1] == 0 or (stamp == self._stamp and not self.has_more):
            return []
        is_last = self.has_ended and self.is_used
        try:
            if not self._is_quiet(stamp):
                return self._later()
            with opened_database(self.path, _LAST_SECONDS if is_last else _SECONDS) as database:
                if hasattr(database.connection, "setlimit"):  # since Python 3.11
                    database.connection.setlimit(_LIMIT_LENGTH, _MAX_LENGTH)
                try:
                    database.check_tables(self.TABLES)
                except OSError:
                    self._stamp = stamp
                    return []  # of another program, or it is being created
                rows, has_more = self.rows(database)
            if self._has_log() and self._stamp_of() != stamp:
                return self._later()  # a part of it may be older than another part
        except OSError as error:
            if error.errno is None:
                raise NotMetrics from None  # not an SQLite database
            raise
        except (sqlite3.Error, sqlite3.Warning) as error:
            if any(word in str(error) for word in _PASSING) or self._stamp_of() != stamp:
                return self._later()
            if not self._has_points:
                raise NotMetrics from None
            raise SourceError(f"The database cannot be read: {error}.") from None
        for row in rows:
            if type(row[0]) is not int or row[0] <= self.offset:
                raise SourceError("Its rows are not in order, so the rest is not read.")
            self.offset = row[0]
        self._stamp, self.has_more = stamp, has_more
        points = self.points(rows)
        self._has_points = self._has_points or bool(points)
        return points

    def _later(self) -> list[Point]:
        """Return no points: the rows are read by a later call."""
        self.waits = self.is_used
        return []

    def _stamp_of(self) -> tuple[int, int]:
        status = os.stat(self.path)
        return status.st_mtime_ns, status.st_size

    def _has_log(self) -> bool:
        """Return whether the database has a write-ahead log: then it is read without locks."""
        with os.fdopen(open_regular(self.path), "rb") as stream:
            return stream.read(20)[18:] == b"\2\2"

    def _is_quiet(self, stamp: tuple[int, int]) -> bool:
        """Return whether nothing writes to the database now; it may wait for that for a moment."""
        age = time.time() - stamp[0] / 1e9
        if not 0 <= age < _QUIET_SECONDS or not self._has_log():
            return True
        time.sleep(_QUIET_SECONDS)
        return self._stamp_of() == stamp
