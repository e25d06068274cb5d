"""A log while it grows: bytes from an offset on, no faster than the client shows them."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput, NotFound
from ..core.layout import TaskPaths
from ..core.logs import LogFollower, LogReset, log_size, tail_offset
from ..core.runs import ACTIVE, ENDED, RUNNING, runs, status_of
from ..core.taskfile import TaskInfo, read_task
from ..resources.answers import to_json
from ..resources.inside import check_inside
from .services import Services
from .streams import Send, StreamHandler

WINDOW = 1024 * 1024  # bytes that may be on their way without an acknowledgement
CHUNK = 128 * 1024  # bytes in a frame
FASTEST, SLOWEST = 0.05, 0.5  # seconds between two looks at a log that does not grow
SETTLE = 0.2  # seconds in which the last lines of a run that just ended may still arrive


@dataclass(frozen=True)
class RunState:
    """How a run stands: `over` when its log grows no more."""

    status: str
    exit_code: int | None
    over: bool


def latest_run(info: TaskInfo) -> int:
    """Return the run whose log people want to see: the one that waits or runs, else the last one."""
    count = len(runs(info))
    return count + 1 if status_of(info) in ACTIVE - {RUNNING} else max(count, 1)


def run_state(info: TaskInfo, run: int, *, waited: bool) -> RunState:
    """Return how run `run` stands; `waited` says that it was seen queued before.

    Raises:
        NotFound: when the task has no such run, and it is not the next one.
    """
    known = runs(info)
    status = status_of(info)
    if 1 <= run <= len(known):
        found = known[run - 1]
        current = run == len(known) and status == RUNNING
        return RunState(found.status, found.exit_code, found.status in ENDED or not current)
    if run == len(known) + 1:
        return RunState(status, None, waited and status not in ACTIVE)
    raise NotFound(f"The task {info.get('name', '')!r} has no run {run}.")


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
        self._state = state
        self._waited = state.status in ACTIVE
        self._reader = _Reader(paths.log(run), offset)
        self._acknowledged = offset
        self._room = asyncio.Event()
        self._info_seen: tuple[int, int, int] | None = None

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
            pause, settled = FASTEST, False
            while True:
                await self._wait_for_room()
                over = self._state.over  # known before the read that finds nothing more
                data = await self._read(send)
                if data:
                    pause, settled = FASTEST, False
                    self._offset += len(data)
                    await send(data)
                    continue
                if over and settled:
                    await send(self._message("end", size=self._offset, exit_code=self._state.exit_code))
                    return
                settled = over
                await asyncio.sleep(SETTLE if over else pause)
                pause = min(1.5 * pause, SLOWEST)
                await self._services.run(self._look_at_run)
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

    def _look_at_run(self) -> None:
        """Read the task file again if it changed."""
        try:
            found = self._paths.info.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._info_seen:
                self._state = run_state(read_task(self._paths.folder), self._run, waited=self._waited)
                self._info_seen = seen
        except (OSError, NotFound):
            # Renamed, removed, or moved to the trash: an open log is read to its end, then that is all.
            self._state = RunState(self._state.status, self._state.exit_code, True)
        self._waited = self._waited or self._state.status in ACTIVE

    def _message(self, kind: str, **more: Any) -> str:
        return to_json(
            {"type": kind, "run": self._run, "offset": self._offset, "status": self._state.status, **more}
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


def log_start(path: Path, offset: int | None, tail: int | None) -> tuple[int, int]:
    """Return where reading begins and how long the log is (0 when there is none yet)."""
    size = log_size(path) or 0
    if tail is not None and offset is None:
        return tail_offset(path, tail), size
    return offset or 0, size
