"""Searching one log, however long it is, by a process of its own: no pattern can hold anybody else up."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.logs import search_worker
from pyruns_jupyter.core.logs.reader import open_log_file

MAX_PATTERN = 1000  # characters
DEFAULT_HITS, MAX_HITS = 1000, 10_000
BLOCK_TIMEOUT_SECONDS = 20.0  # seconds that a pattern may take for one block of the log
TOO_SLOW = f"This expression takes more than {BLOCK_TIMEOUT_SECONDS:g} s for a part of the log."
ENDED = "The search was ended from outside."


@dataclass(frozen=True)
class LogSearch:
    """What is looked for: `pattern` is a regular expression, `start` an offset in bytes."""

    pattern: str
    ignore_case: bool
    start: int
    limit: int

    @classmethod
    def read(
        cls, pattern: str | None, *, literal: bool, ignore_case: bool, start: int | None, limit: int | None
    ) -> LogSearch:
        """Return a search, with the usual values for what was not given.

        Raises:
            InvalidInput: when the pattern is empty or too long.
        """
        if not pattern or len(pattern) > MAX_PATTERN:
            raise InvalidInput(f"'pattern' should have from 1 to {MAX_PATTERN} characters.", field="pattern")
        return cls(re.escape(pattern) if literal else pattern, ignore_case, start or 0, limit or DEFAULT_HITS)


class Scan:
    """A search that goes on in a process of its own; a thread waits for what it says."""

    def __init__(self, log: Path, wanted: LogSearch) -> None:
        """Start it.

        Raises:
            NotFound: when there is no such log.
            OSError: when no process can be started.
        """
        descriptor = open_log_file(log)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", search_worker.__file__],
                stdin=descriptor,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYRUNS_SCAN": json.dumps(asdict(wanted))},
            )
        finally:
            os.close(descriptor)

    def next_line(self) -> bytes:
        """Return what it says next, empty at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def kill(self) -> None:
        """Let it end now, whatever it does; a thread that waits for it gets nothing more."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """End it and wait for that."""
        self.kill()
        with self._process:
            pass


def problem_of(line: bytes) -> InvalidInput | None:
    """Return what is wrong with the expression, if that is what a search says first."""
    if not line.startswith(b'{"problem"'):
        return None
    return InvalidInput(f"This is no regular expression: {json.loads(line)['problem']}.", field="pattern")


def is_last(line: bytes) -> bool:
    """Return whether a search ends with this line, which may be too long for parsing it on an event loop."""
    return line.endswith(b'"done": true}\n')


def given_up(why: str) -> bytes:
    """Return the last line of a search that did not come to its end."""
    return json.dumps({"hits": [], "message": why, "done": True}).encode() + b"\n"
