"""A log while it grows: bytes from an offset on, no faster than the client shows them."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.logs.reader import LogFollower, LogReset
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.service.logruns import RunState, RunWatch, latest_run, log_start, run_state
from pyruns_jupyter.service.path_guard import check_inside

from .services import Services
from .streams import Send, StreamHandler

WINDOW = 1024 * 1024  # bytes that may be on their way without an acknowledgement
CHUNK = 128 * 1024  # bytes in a frame
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.05, 0.5  # seconds between two looks at a log that does not grow
SETTLE = 0.2  # seconds in which the last lines of a run that just ended may still arrive


class _Reader:
    """A log file that is read in threads and may be closed at any moment by the event loop."""

    def __init__(self, path: Path, offset: int) -> None:
        self._follower = LogFollower(path, offset)
        self._lock = threading.Lock()
        self._closed = False

    def read(self, limit: int) -> bytes:
        """Return new bytes; empty when there are none (see `LogFollower.read`)."""
        try:
            with self._lock:
                return b"" if self._closed else self._follower.read(limit)
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the file; a read that goes on does so when it is done."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._follower.close()
            finally:
                self._lock.release()


class LogConnection:
    """Sends one run's log to one client."""

    def __init__(
        self, services: Services, paths: TaskPaths, run: int, offset: int, size: int, state: RunState
    ) -> None:
        self._services = services
        self._paths = paths
        self._run = run
        self._offset = offset
        self._size = size
        self._watch = RunWatch(paths, run, state)
        self._reader = _Reader(paths.log(run), offset)
        self._acknowledged = offset
        self._room = asyncio.Event()

    def receive(self, message: str | bytes) -> None:
        """Take an acknowledgement, `{"ack": offset}`.

        Raises:
            InvalidInput: when it is none.
        """
        try:
            offset = json.loads(message)["ack"]
        except (ValueError, TypeError, KeyError, RecursionError):
            offset = None
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise InvalidInput('A log stream takes {"ack": offset} only.')
        if self._acknowledged < offset <= self._offset:
            self._acknowledged = offset
            self._room.set()

    async def run(self, send: Send) -> None:
        """Send header, bytes and end."""
        try:
            await send(self._message("header", size=self._size, task=self._paths.name))
            pause, settled = MIN_PERIOD_SECONDS, False
            while True:
                await self._wait_for_room()
                over = self._watch.state.over  # known before the read that finds nothing more
                data = await self._read(send)
                if data:
                    pause, settled = MIN_PERIOD_SECONDS, False
                    self._offset += len(data)
                    await send(data)
                    continue
                if over and settled:
                    await send(self._message("end", size=self._offset, exit_code=self._watch.state.exit_code))
                    return
                settled = over
                await asyncio.sleep(SETTLE if over else pause)
                pause = min(1.5 * pause, MAX_PERIOD_SECONDS)
                await self._services.run(self._watch.look)
        finally:
            self._reader.close()

    async def _wait_for_room(self) -> None:
        while self._offset - self._acknowledged >= WINDOW:
            self._room.clear()
            await self._room.wait()

    async def _read(self, send: Send) -> bytes:
        room = WINDOW - (self._offset - self._acknowledged)
        try:
            return await self._services.run(self._reader.read, min(CHUNK, room))
        except LogReset as reset:
            self._offset = self._acknowledged = 0
            await send(self._message("reset", size=0, reason=reset.reason))
            return b""

    def _message(self, kind: str, **more: Any) -> str:
        return to_json(
            {
                "type": kind,
                "run": self._run,
                "offset": self._offset,
                "status": self._watch.state.status,
                **more,
            }
        )


class LogStream(StreamHandler):
    """`workspaces/{ws}/tasks/{task}/logs/stream`"""

    async def connect(self, *arguments: str) -> LogConnection:
        """Find the task and the run."""
        workspace, name = arguments
        wanted = [self.query_number(key) for key in ("run", "offset", "tail")]
        return await self.services.run(self._find, workspace, name, *wanted)

    def _find(
        self, identifier: str, name: str, run: int | None, offset: int | None, tail: int | None
    ) -> LogConnection:
        paths = self.services.paths.workspace(identifier).existing(name)
        info = read_task(paths.folder)
        run = latest_run(info) if run is None else run
        state = run_state(info, run, waited=False)
        path = check_inside(paths.log(run), paths.folder)
        begin, size = log_start(path, offset, tail)
        return LogConnection(self.services, paths, run, begin, size, state)
