"""Streaming the log of a run while it grows, no faster than the client shows it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.logs.reader import LogFollower, LogReset, last_logged_run, log_size, tail_offset
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.runs import ACTIVE, ENDED, PENDING, RUNNING, runs, status_of
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.files import check_inside
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.service.operations import LOG_WINDOW

from .runtime import LiveRuntime
from .streams import Send
from .threads import wait_for_event

T = TypeVar("T")

MAX_UNACKNOWLEDGED = 8 * LOG_WINDOW  # bytes, instead of `LOG_WINDOW` if a client cannot acknowledge now
CHUNK = 128 * 1024  # bytes in a frame
MAX_BEHIND = 4 * 1024 * 1024  # bytes; a client that is further behind may jump to the end
JUMP_TAIL = 256 * 1024  # bytes before the end to which it jumps
JUMP_SECONDS = 1.0  # between two jumps: each makes a browser forget all lines
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.05, 0.5  # between two reads of a log that does not grow
SETTLE_SECONDS = 0.2  # after the end of a run, in which its last output may still arrive


@dataclass(frozen=True)
class _RunState:
    """The state of a run. `is_over` means that its log no longer grows."""

    status: str
    exit_code: int | None
    is_over: bool


class _RunWatch:
    """Watches the state of a run in its task file."""

    def __init__(self, paths: TaskPaths, number: int | None) -> None:
        """Read the state of a run; None is the queued or running one, else the latest.

        Raises:
            NotFound: if the task has no such run.
        """
        self._paths = paths
        self._was_active = False  # queued or running when it was last read
        self._seen: tuple[int, int, int] | None = None
        try:
            info = read_task(paths.folder)
        except Unreadable:  # the logs of a damaged task can still be read
            count = last_logged_run(paths.run_logs)
            self.number = number or max(count, 1)
            if self.number > count + 1:
                raise self._no_run() from None
            self.state = _RunState(PENDING, None, False)
            return
        if number is None:
            count, is_queued = len(runs(info)), status_of(info) in ACTIVE - {RUNNING}
            number = count + 1 if is_queued else max(count, 1)
        self.number = number
        self.state = self._read(info)

    def look(self) -> None:
        """Read the task file again if it changed."""
        try:
            found = self._paths.info.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self.state = self._read(read_task(self._paths.folder))
                self._seen = seen
        except Unreadable:
            return  # damaged for now: the state stays as it was
        except (OSError, NotFound):
            # Renamed, deleted or moved to the trash: the open log is read to its end.
            self.state = _RunState(self.state.status, self.state.exit_code, True)

    def _read(self, info: TaskInfo) -> _RunState:
        known, status = runs(info), status_of(info)
        if 1 <= self.number <= len(known):
            found = known[self.number - 1]
            is_current = self.number == len(known) and status == RUNNING
            state = _RunState(found.status, found.exit_code, found.status in ENDED or not is_current)
        elif self.number == len(known) + 1:
            state = _RunState(status, None, self._was_active and status not in ACTIVE)
        else:
            raise self._no_run()
        self._was_active = self._was_active or state.status in ACTIVE
        return state

    def _no_run(self) -> NotFound:
        return NotFound(f"The task {self._paths.folder.name!r} has no run {self.number}.")


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
        """Find run `number` of a task (None: the queued, running or latest one). This reads the disk.

        A client gets at most `LOG_WINDOW` bytes more than it acknowledges. If the runtime has a `patience`, a
        client that acknowledges nothing for that many seconds gets another frame, up to `MAX_UNACKNOWLEDGED`
        bytes. A client that permits jumps is sent to the end when it is `MAX_BEHIND` bytes behind it, but not
        twice within `JUMP_SECONDS`.

        Raises:
            NotFound: if there is no such task or run.
        """
        paths = workspace.existing(name)
        self._watch = _RunWatch(paths, number)
        path = check_inside(paths.log(self._watch.number), paths.folder)
        self._size = log_size(path) or 0
        self._offset = tail_offset(path, tail) if tail is not None and offset is None else offset or 0
        self._acknowledged = self._offset
        self._acknowledgement = asyncio.Event()
        self._may_jump = False  # as the last acknowledgement says
        self._next_jump = 0.0  # monotonic; not before that
        self._follower = LogFollower(path, self._offset)
        self._reading: asyncio.Future[Any] | None = None
        self._runtime = runtime
        self._task = name

    def receive(self, message: str | bytes) -> None:
        """Handle an acknowledgement, `{"ack": offset}`; with `"jump": true` the client permits a jump.

        Raises:
            InvalidInput: if the message is something else.
        """
        try:
            acknowledgement = json.loads(message)
            offset, may_jump = acknowledgement["ack"], acknowledgement.get("jump") is True
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            offset = None
        if isinstance(offset, bool) or not isinstance(offset, int):
            raise InvalidInput('A log stream accepts only {"ack": offset}.')
        if self._acknowledged < offset <= self._offset:
            self._acknowledged, self._may_jump = offset, may_jump
            self._acknowledgement.set()

    async def run(self, send: Send) -> None:
        """Send the header, the bytes and the end."""
        try:
            await send(self._message("header", size=self._size, task=self._task))
            pause, settled = MIN_PERIOD_SECONDS, False
            while True:
                room = await self._wait_for_room()
                over = self._watch.state.is_over  # before the read, which must find nothing more
                data = await self._read(room, send)
                if data:
                    pause, settled = MIN_PERIOD_SECONDS, False
                    self._offset += len(data)
                    await send(data)
                    if self._should_jump():
                        await self._jump(send)
                    continue
                if over and settled:
                    await send(self._message("end", size=self._offset, exit_code=self._watch.state.exit_code))
                    return
                settled = over
                await asyncio.sleep(SETTLE_SECONDS if over else pause)
                pause = min(1.15 * pause, MAX_PERIOD_SECONDS)  # 0.1 s after 0.4 s, when more output may come
                await self._runtime.run(self._watch.look)
        finally:
            if self._reading is None or self._reading.done():
                self._follower.close()
            else:  # not while a thread is reading
                self._reading.add_done_callback(lambda _: self._follower.close())

    async def _wait_for_room(self) -> int:
        """Wait until the next frame may be sent, and return the size that it may have."""
        window, patience = LOG_WINDOW, self._runtime.patience
        while (room := window - (self._offset - self._acknowledged)) <= 0:
            self._acknowledgement.clear()
            if not await wait_for_event(self._acknowledgement, patience):
                window, patience = MAX_UNACKNOWLEDGED, None
        return min(CHUNK, room)

    def _should_jump(self) -> bool:
        is_behind = self._follower.size - self._offset > MAX_BEHIND
        return self._may_jump and is_behind and time.monotonic() >= self._next_jump

    async def _jump(self, send: Send) -> None:
        """Continue at the end of the log. The client can load the bytes between if its user scrolls up."""
        self._may_jump, self._next_jump = False, time.monotonic() + JUMP_SECONDS
        if await self._run(self._follower.jump, JUMP_TAIL):
            self._offset = self._acknowledged = self._follower.offset
            await send(self._message("jump", size=self._follower.size))

    async def _run(self, function: Callable[[int], T], argument: int) -> T:
        """Call a function of the follower in a thread, which goes on if this call is cancelled."""
        self._reading = reading = asyncio.ensure_future(self._runtime.run(function, argument))
        return await asyncio.shield(reading)

    async def _read(self, limit: int, send: Send) -> bytes:
        try:
            return await self._run(self._follower.read, limit)
        except LogReset as reset:
            self._offset = self._acknowledged = 0
            await send(self._message("reset", size=0, reason=reset.reason))
            return b""

    def _message(self, kind: str, **more: Any) -> str:
        status = self._watch.state.status
        return to_json(
            {"type": kind, "run": self._watch.number, "offset": self._offset, "status": status, **more}
        )
