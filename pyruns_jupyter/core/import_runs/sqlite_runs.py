"""Databases of other programs that contain runs: opened for reading only, with a time limit."""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.metrics.database import opened_database

from .found_run import FoundRun

SUFFIXES = (".db", ".sqlite", ".sqlite3")
QUERY_SECONDS = 60.0
_RECOGNIZE_SECONDS = 1.0


def has_tables(path: Path, tables: tuple[str, ...]) -> bool:
    """Return whether a file is a database with these tables."""
    try:
        with opened_database(path, _RECOGNIZE_SECONDS, tables):
            return True
    except Exception:  # noqa: BLE001  # whatever the file contains
        return False


def database_errors() -> tuple[type[Exception], ...]:
    """Return the types of the errors of a database that cannot be read."""
    import sqlite3

    return (OSError, sqlite3.Error, sqlite3.Warning)


def add_log_notice(run: FoundRun, path: Path) -> None:
    """Add a notice to a run if changes of its database are in a file that is not read."""
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
        run.add_notice(
            f"The latest changes are in {path.name}-wal, which is not read. Close {run.program} first."
        )
