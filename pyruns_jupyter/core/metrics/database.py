"""Open databases of other programs for reading, so that neither they nor the files next to them change."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyruns_jupyter.core.fs.atomic import is_plain_file
from pyruns_jupyter.core.fs.regular_files import open_regular

if TYPE_CHECKING:
    import sqlite3

_RETRY_SECONDS = 0.003  # SQLite's own pauses get longer, so that a busy writer would block reading


class Database:
    """An open database, which is read until `deadline` (monotonic)."""

    def __init__(self, connection: sqlite3.Connection, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query; while the database is locked, retry it until the deadline.

        Raises:
            sqlite3.Error: when it fails.
        """
        import sqlite3

        while True:
            try:
                return self.connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > self.deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

    def check_tables(self, tables: tuple[str, ...]) -> None:
        """Check that tables are plain ones: a view or a computed column can run any expression.

        Raises:
            OSError: when a table is missing or not plain.
        """
        places = ", ".join("?" * len(tables))
        found = self.rows(
            f"SELECT name, type, sql LIKE 'CREATE TABLE%' FROM sqlite_master WHERE lower(name) IN ({places})",
            *tables,
        )
        for name, kind, is_table in found:
            if kind != "table" or not is_table:
                raise OSError(f"{str(name)[:20]!r} is not a table")
        if len(found) != len(tables):
            raise OSError("a table is missing")
        for name in tables:
            if any(column[-1] for column in self.rows(f"PRAGMA table_xinfo({name})")):
                raise OSError(f"{name!r} has computed columns")


@contextmanager
def opened_database(path: Path, seconds: float, tables: tuple[str, ...] = ()) -> Iterator[Database]:
    """Open a database for a `with` block, so that neither it nor the files next to it change. It can be read
    for at most `seconds`. `tables` must be there, and be plain.

    Raises:
        OSError: when it is missing or not a database, or a table is missing or not plain.
        sqlite3.Error: when it cannot be read.
    """
    deadline = time.monotonic() + seconds
    with closing(_connect(path, deadline)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        connection.execute("PRAGMA trusted_schema = OFF")
        database = Database(connection, deadline)
        if tables:
            database.check_tables(tables)
        yield database


def _connect(path: Path, deadline: float) -> sqlite3.Connection:
    import sqlite3

    with os.fdopen(open_regular(path), "rb") as stream:
        head = stream.read(20)
    if head[:16] != b"SQLite format 3\0":
        raise OSError("it is not an SQLite database")
    # With a write-ahead log, a reader would create files. A reader cannot apply the journal of a writer that
    # was killed. In both cases only the file itself is read. SQLite would block on a journal that is a FIFO,
    # and follow one that is a link.
    journal = Path(f"{path}-journal")
    plain = head[18:20] == b"\1\1" and (is_plain_file(journal) or not os.path.lexists(journal))
    options = "mode=ro" if plain else "mode=ro&immutable=1"
    address = f"file:{quote(str(path.absolute()))}?"
    connection = sqlite3.connect(address + options, uri=True, timeout=0, isolation_level=None)
    if not plain:
        return connection
    try:
        Database(connection, deadline).rows("SELECT count(*) FROM sqlite_master")
    except BaseException as error:
        connection.close()
        if not isinstance(error, sqlite3.Error) or not journal.exists():
            raise
        connection = sqlite3.connect(address + "mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection
