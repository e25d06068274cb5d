"""A log while it grows: bytes from an offset on, no faster than the client shows them."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.logs.reader import LogFollower, LogReset
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.service.logruns import RunWatch, latest_run, log_start, run_state
from pyruns_jupyter.service.path_guard import check_inside

from .runtime import LiveRuntime
from .streams import Send
from .waiting import wait_for_event

WINDOW = 1024 * 1024  # bytes that may be on their way without an acknowledgement
MAX_UNACKNOWLEDGED = 8 * WINDOW  # the same where a client may be unable to acknowledge
CHUNK = 128 * 1024  # bytes in a frame
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.05, 0.5  # between two looks at a log that does not grow
SETTLE_SECONDS = 0.2  # in which the last lines of a run that just ended may still arrive


class _LogFile:
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
        """Close the file; a read in progress does so when it is done."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._follower.close()
            finally:
                self._lock.release()


class LogStream:
    """The log of one run: a header, the bytes from an offset on, and the end."""

    def __init__(
        self,
        runtime: LiveRuntime,
        workspace: WorkspaceFolder,
        name: str,
        *,
        number: int | None,
        offset: int | None,
        tail: int | None,
    ) -> None:
        """Find run `number` of a task (None: the latest one); this reads the disk.

        A client gets at most `WINDOW` bytes more than it acknowledges. If the runtime has a `patience`, one
        that acknowledges nothing for that many seconds gets another frame after each such pause, up to
        `MAX_UNACKNOWLEDGED` bytes.

        Raises:
            NotFound: if there is no such task or run.
        """
        paths = workspace.existing(name)
        info = read_task(paths.folder)
        self._number = latest_run(info) if number is None else number
        self._watch = RunWatch(paths, self._number, run_state(info, self._number, waited=False))
        path = check_inside(paths.log(self._number), paths.folder)
        self._offset, self._size = log_start(path, offset, tail)
        self._acknowledged = self._offset
        self._acknowledgement = asyncio.Event()
        self._file = _LogFile(path, self._offset)
        self._runtime = runtime
        self._task = name

    def receive(self, message: str | bytes) -> None:
        """Take an acknowledgement, `{"ack": offset}`.

        Raises:
            InvalidInput: if it is something else.
        """
        try:
            offset = json.loads(message)["ack"]
        except (ValueError, TypeError, KeyError, RecursionError):
            offset = None
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise InvalidInput('A log stream takes {"ack": offset} only.')
        if self._acknowledged < offset <= self._offset:
            self._acknowledged = offset
            self._acknowledgement.set()

    async def run(self, send: Send) -> None:
        """Send header, bytes and end."""
        try:
            await send(self._message("header", size=self._size, task=self._task))
            pause, settled = MIN_PERIOD_SECONDS, False
            while True:
                room = await self._wait_for_room()
                over = self._watch.state.over  # known before the read that finds nothing more
                data = await self._read(room, send)
                if data:
                    pause, settled = MIN_PERIOD_SECONDS, False
                    self._offset += len(data)
                    await send(data)
                    continue
                if over and settled:
                    await send(self._message("end", size=self._offset, exit_code=self._watch.state.exit_code))
                    return
                settled = over
                await asyncio.sleep(SETTLE_SECONDS if over else pause)
                pause = min(1.5 * pause, MAX_PERIOD_SECONDS)
                await self._runtime.run(self._watch.look)
        finally:
            self._file.close()

    async def _wait_for_room(self) -> int:
        """Return how many bytes the next frame may have, once it may have any."""
        window, patience = WINDOW, self._runtime.patience
        while (room := window - (self._offset - self._acknowledged)) <= 0:
            self._acknowledgement.clear()
            if not await wait_for_event(self._acknowledgement, patience):
                window, patience = MAX_UNACKNOWLEDGED, None
        return min(CHUNK, room)

    async def _read(self, limit: int, send: Send) -> bytes:
        try:
            return await self._runtime.run(self._file.read, limit)
        except LogReset as reset:
            self._offset = self._acknowledged = 0
            await send(self._message("reset", size=0, reason=reset.reason))
            return b""

    def _message(self, kind: str, **more: Any) -> str:
        status = self._watch.state.status
        return to_json({"type": kind, "run": self._number, "offset": self._offset, "status": status, **more})
