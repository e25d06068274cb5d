"""Alerts in the journal of a run: those that its script sent, and those of rules.

They are read again at the end of the run, because the process that watched it may have died.
"""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.journal import ALERT, MAX_LINE_BYTES, Appender, entries

from .stored import MAX_STORED, Alert, alert_from

MARK = f'"{ALERT}":'.encode()
_PIECE = 256 * 1024


def append_alert(path: Path, alert: Alert) -> None:
    """Append an alert of a rule to a journal.

    Raises:
        OSError: if it cannot be written.
    """
    path.parent.mkdir(exist_ok=True)
    journal = Appender(path)
    try:
        fact = {"title": alert.title, "text": alert.text, "level": alert.level, "rule": alert.rule}
        journal.append(ALERT, fact, alert.time)
    finally:
        journal.close()


def alerts_in(path: Path) -> list[Alert]:
    """Return the first alerts in a journal. One that is missing has none.

    Raises:
        OSError: if it cannot be read.
    """
    found: list[Alert] = []
    try:
        descriptor = open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return found
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        rest = b""
        while (data := stream.read(_PIECE)) and len(found) < MAX_STORED:
            whole, _, rest = (rest + data).rpartition(b"\n")
            if MARK in whole:
                found += alerts_of_lines(whole)
            if len(rest) > MAX_LINE_BYTES:  # not a valid line
                rest = b""
        if MARK in rest:
            found += alerts_of_lines(rest)
    return found[:MAX_STORED]


def alerts_of_lines(data: bytes) -> list[Alert]:
    """Return the alerts in lines of a journal."""
    listed = (alert_from(entry[ALERT], entry.get("t")) for entry in entries(data) if ALERT in entry)
    return [one for one in listed if one is not None]
