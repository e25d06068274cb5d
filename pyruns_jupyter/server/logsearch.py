"""Searching one log, however long it is: by a process that is killed when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tornado.iostream import StreamClosedError

from ..core import logscan
from ..core.errors import InvalidInput
from ..core.logs import open_log_file
from ..resources.logs import find_log
from .handler import READ, PyrunsHandler, endpoint

LONGEST = 1000  # characters of a pattern
USUAL, MOST = 1000, 10_000  # hits
PATIENCE = 20.0  # seconds that a pattern may take for one block of the log
_MEDIA_TYPE = "application/x-ndjson"


class Scan:
    """A search that goes on in a process of its own; a thread waits for what it says."""

    def __init__(self, log: Path, wanted: dict[str, object]) -> None:
        """Start it.

        Raises:
            NotFound: when there is no such log.
            OSError: when no process can be started.
        """
        descriptor = open_log_file(log)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", logscan.__file__],
                stdin=descriptor,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYRUNS_SCAN": json.dumps(wanted)},
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


class LogSearchHandler(PyrunsHandler):
    """`workspaces/{ws}/tasks/{task}/logs/search`"""

    _scan: Scan | None = None

    @endpoint(READ)
    async def get(self, ws: str, task: str) -> None:
        """Answer the hits of a regular expression, a line of JSON after each part of the log."""
        wanted = self._wanted()
        run = self.query_number("run", low=1)
        async with self.services.scans:
            if self.is_gone:
                return
            scan = await self.run(lambda: Scan(find_log(self.workspace(ws), task, run)[0], wanted))
            self._scan = scan
            self._stop_when_gone()  # it may have been while the process was started
            try:
                with self.services.killing(scan):
                    await self._tell()
            except StreamClosedError:
                return  # nobody waits for it
            finally:
                await asyncio.to_thread(scan.close)
        self.finish(set_content_type=_MEDIA_TYPE)

    async def _tell(self) -> None:
        line = await self._next_line()
        problem = json.loads(line).get("problem")
        if problem is not None:
            raise InvalidInput(f"This is no regular expression: {problem}.", field="pattern")
        self.set_header("Content-Type", _MEDIA_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # hits are to be seen as they are found
        while True:
            self.write(line)
            await self.flush()
            if json.loads(line)["done"]:
                return
            line = await self._next_line()

    def on_connection_close(self) -> None:
        """Stop searching."""
        super().on_connection_close()
        self._stop_when_gone()

    def _stop_when_gone(self) -> None:
        if self.is_gone and self._scan is not None:
            self._scan.kill()

    async def _next_line(self) -> bytes:
        assert self._scan is not None
        waiting = asyncio.ensure_future(self.services.wait(self._scan.next_line))
        done, _ = await asyncio.wait({waiting}, timeout=PATIENCE)
        if not done:
            self._scan.kill()
            await waiting
            return _given_up(f"This expression takes more than {PATIENCE:g} s for a part of the log.")
        return waiting.result() or _given_up("The search was ended from outside.")

    def _wanted(self) -> dict[str, object]:
        pattern = self.query_text("pattern")
        if not pattern or len(pattern) > LONGEST:
            raise InvalidInput(f"'pattern' should have from 1 to {LONGEST} characters.", field="pattern")
        if self.query_flag("literal"):
            pattern = re.escape(pattern)
        return {
            "pattern": pattern,
            "ignore_case": self.query_flag("ignore_case"),
            "start": self.query_number("offset") or 0,
            "limit": self.query_number("limit", low=1, high=MOST) or USUAL,
        }


def _given_up(why: str) -> bytes:
    return json.dumps({"hits": [], "message": why, "done": True}).encode() + b"\n"
