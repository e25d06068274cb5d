"""Wait for tasks with a progress bar, and iterate over the changes of a workspace."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from pyruns_jupyter.core.common.errors import Conflict, NotFound, Unreadable
from pyruns_jupyter.core.taskfile.runs import ACTIVE, QUEUED, RUNNING, status_of
from pyruns_jupyter.core.taskfile.task_file import is_passing, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.launch import ensure_running

from .tables import count_text

POLL_SECONDS = 0.25  # between two looks, at least
CHECK_SECONDS = 5.0  # between two checks that a scheduler is alive

Look = Callable[[], tuple[int, int, int]]  # it returns the numbers `done`, `left` and `failed`
Kind = Literal["changed", "removed"]


class Event(Struct, frozen=True):
    """A change of a task.

    Attributes:
        kind: `changed` if the task is new or has changed, `removed` if it was deleted or renamed.
        name: the name of the task.
        status: the current status; None if the task was removed.
        before: the previous status; None if the task is new.
        row: the task as a row of the task table; None if it was removed.
    """

    kind: Kind
    name: str
    status: str | None
    before: str | None
    row: TaskRow | None

    def __repr__(self) -> str:
        shown = [f"{key}={value!r}" for key, value in asdict(self).items() if key != "row"]
        return f"Event({', '.join(shown)})"


class Waiting:
    """Polls tasks until all of them have ended.

    Attributes:
        done: the number of tasks that have ended.
        left: the number of tasks that have not ended.
        failed: the number of tasks that failed.
    """

    def __init__(
        self,
        look: Look,
        roots: Collection[Path],
        timeout: float | None,
    ) -> None:
        """Prepare to wait. Call `run` to wait.

        Args:
            look: a function that returns the numbers `done`, `left` and `failed`.
            roots: the `_pyruns_` folders of the projects. Their schedulers are restarted if they exit.
            timeout: the maximum time in seconds; None means no limit.
        """
        self._look = look
        self._roots = roots
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._checked_at = 0.0
        self.done = self.left = self.failed = 0

    @classmethod
    def for_tasks(cls, folders: Sequence[Path], roots: Collection[Path], timeout: float | None) -> Waiting:
        """Return an object that waits until no task in `folders` is queued or running.

        A task that is deleted or renamed meanwhile counts as ended.
        """
        return cls(look_at_tasks(folders), roots, timeout)

    def look(self) -> float | None:
        """Poll once and return the time until the next poll in seconds, or None if all tasks have ended.

        Raises:
            TimeoutError: if the timeout expires before all tasks have ended.
        """
        began = time.monotonic()
        self.done, self.left, self.failed = self._look()
        if not self.left:
            return None
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            raise TimeoutError(f"{count_text(self.left, 'task')} did not end within {self._timeout:g} s.")
        if now - self._checked_at > CHECK_SECONDS:
            for root in self._roots:
                ensure_running(root)
            self._checked_at = now
        return pause_since(began)

    def run(self, report: Callable[[Waiting], None] | None = None) -> None:
        """Wait until all tasks have ended, and call `report` after each poll."""
        pause: float | None = 0.0
        while pause is not None:
            time.sleep(pause)
            pause = self.look()
            if report is not None:
                report(self)

    async def run_async(self, report: Callable[[Waiting], None] | None = None) -> None:
        """Wait like `run`, without blocking the event loop."""
        import asyncio  # the command line starts faster without it

        pause: float | None = 0.0
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await asyncio.to_thread(self.look)
            if report is not None:
                report(self)


def look_at_tasks(folders: Sequence[Path]) -> Look:
    """Return a function that polls tasks. It raises `Conflict` if no scheduler here starts the tasks left."""
    left, failed, looked = list(folders), 0, False
    check_at = time.monotonic() + CHECK_SECONDS

    def look() -> tuple[int, int, int]:
        nonlocal left, failed, looked, check_at
        statuses = [(folder, _status_of(folder, may_be_gone=looked)) for folder in left]
        looked = True
        left = [folder for folder, status in statuses if status in ACTIVE]
        if time.monotonic() > check_at:
            check_at = time.monotonic() + CHECK_SECONDS
            from pyruns_jupyter.engine.client.requeue import is_stuck

            if left and all(status == QUEUED and is_stuck(folder) for folder, status in statuses):
                raise Conflict(
                    f"{count_text(len(left), 'task')} will not start here, because they were queued in "
                    "another copy of the project or their batch no longer exists. Run them again, or call "
                    "`queue.requeue()`."
                )
        failed += sum(status == "failed" for _, status in statuses)
        return len(folders) - len(left), len(left), failed

    return look


def _status_of(folder: Path, *, may_be_gone: bool) -> str | None:
    """Return the status of a task, None if it is gone: it had ended then, because queued and running tasks
    cannot be deleted or renamed. A damaged task has ended too.

    Raises:
        NotFound: if it is gone, unless it `may_be_gone`.
    """
    try:
        return status_of(read_task(folder))
    except NotFound:
        if may_be_gone:
            return None
        raise
    except Unreadable as error:
        return RUNNING if is_passing(error) else None  # the disk may answer later


def pause_since(began: float) -> float:
    """Return the pause after a poll that started at `began`: slow disks are polled less often."""
    return max(POLL_SECONDS, 4 * (time.monotonic() - began))


class Progress:
    """A text progress bar for notebook cells and terminals."""

    WIDTH = 30

    def __init__(self) -> None:
        self._drawn = ""

    def __call__(self, waiting: Waiting) -> None:
        """Redraw the bar if it has changed."""
        done, count = waiting.done, waiting.done + waiting.left
        filled = self.WIDTH * done // max(1, count)
        failed = f", {waiting.failed:,} failed" if waiting.failed else ""
        bar = "█" * filled + "░" * (self.WIDTH - filled)
        text = f"{bar} {done:,} of {count_text(count, 'task')}{failed}"
        if text != self._drawn:
            sys.stdout.write("\r" + text.ljust(len(self._drawn)) + ("" if done < count else "\n"))
            sys.stdout.flush()
            self._drawn = text


def progress_of(wanted: bool | None) -> Progress | None:
    """Return a progress bar if `wanted`; with None, only in notebooks and terminals."""
    if wanted is None:
        wanted = "ipykernel.iostream" in sys.modules or sys.stdout.isatty()
    return Progress() if wanted else None


class Events(Iterable[Event], AsyncIterable[Event]):
    """Changes in a workspace as they happen: `Event` objects, to iterate with `for` or `async for`."""

    def __init__(self, folder: WorkspaceFolder, *, until_idle: bool) -> None:
        self._index = TaskIndex(folder)
        self._index.refresh()
        self._statuses = {name: row.status for name, row in self._index.rows.items()}
        self._until_idle = until_idle

    def _look(self) -> list[Event]:
        """Return the events since the last poll."""
        changes = self._index.refresh()
        found = []
        for row in changes.changed:
            if not row.readable:  # its last status holds until the file is readable again
                continue
            found.append(Event("changed", row.name, row.status, self._statuses.get(row.name), row))
            self._statuses[row.name] = row.status
        for name in changes.removed:
            found.append(Event("removed", name, None, self._statuses.pop(name, None), None))
        return found

    def __iter__(self) -> Iterator[Event]:
        """Yield events as they happen."""
        while True:
            began = time.monotonic()
            found = self._look()
            pause = pause_since(began)
            yield from found
            if self._is_over():
                return
            time.sleep(pause)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events as they happen, without blocking the event loop."""
        import asyncio  # the command line starts faster without it

        while True:
            began = time.monotonic()
            found = await asyncio.to_thread(self._look)
            pause = pause_since(began)
            for event in found:
                yield event
            if self._is_over():
                return
            await asyncio.sleep(pause)

    def _is_over(self) -> bool:
        return self._until_idle and not any(status in ACTIVE for status in self._statuses.values())
