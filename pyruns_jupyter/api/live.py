"""A workspace while it changes: waiting with a progress bar, and what happens as it happens."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyruns_jupyter.core.common.errors import Conflict, NotFound
from pyruns_jupyter.core.taskfile.runs import ACTIVE, QUEUED
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow, read_row
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.requeue import is_stuck
from pyruns_jupyter.studies.launch import ensure_running

from .tables import count_text

LOOK_SECONDS = 0.25
ATTEND_SECONDS = 5.0

Kind = Literal["changed", "removed"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a task: `kind` is `changed` (also when it is new) or `removed`.

    `status` is the task's now, `before` the one it had; both are None where there was none.
    """

    kind: Kind
    name: str
    status: str | None
    before: str | None
    row: TaskRow | None


class Waiting:
    """Looks again and again at tasks until they have ended. `done`, `left` and `failed` are how many of them
    have ended, have not, and have failed.
    """

    def __init__(
        self,
        look: Callable[[], tuple[int, int, int]],
        roots: Collection[Path],
        timeout: float | None,
    ) -> None:
        """Wait for at most `timeout` seconds until `look`, which returns done, left and failed, finds none
        left; meanwhile see to it that the projects `roots` have their schedulers.
        """
        self._look = look
        self._roots = roots
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._attended = 0.0
        self.done = self.left = self.failed = 0

    @classmethod
    def for_tasks(cls, folders: Sequence[Path], roots: Collection[Path], timeout: float | None) -> Waiting:
        """Wait until the tasks in `folders` are neither queued nor running; one that is removed or renamed
        meanwhile has ended.
        """
        left, failed, looked = list(folders), 0, False
        check_at = time.monotonic() + ATTEND_SECONDS

        def look() -> tuple[int, int, int]:
            nonlocal left, failed, looked, check_at
            statuses = [(folder, _status_of(folder, may_be_gone=looked)) for folder in left]
            looked = True
            left = [folder for folder, status in statuses if status in ACTIVE]
            if time.monotonic() > check_at:
                check_at = time.monotonic() + ATTEND_SECONDS
                if left and all(status == QUEUED and is_stuck(folder) for folder, status in statuses):
                    raise Conflict(
                        f"{count_text(len(left), 'task')} will not start here: queued elsewhere, or in a "
                        "batch that is gone. Run them again, or use `queue.requeue()`."
                    )
            failed += sum(status == "failed" for _, status in statuses)
            return len(folders) - len(left), len(left), failed

        return cls(look, roots, timeout)

    def look(self) -> float | None:
        """Return after how many seconds to look again, None when all have ended.

        Raises:
            TimeoutError: when the time is over and some have not.
        """
        began = time.monotonic()
        self.done, self.left, self.failed = self._look()
        if not self.left:
            return None
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            raise TimeoutError(
                f"{count_text(self.left, 'task')} still waiting or running after {self._timeout:g} s."
            )
        if now - self._attended > ATTEND_SECONDS:
            for root in self._roots:
                ensure_running(root)
            self._attended = now
        return _pause_since(began)

    def run(self, told: Callable[[Waiting], None] | None = None) -> None:
        """Look until all have ended; `told` is called after each look."""
        pause: float | None = 0.0
        while pause is not None:
            time.sleep(pause)
            pause = self.look()
            if told is not None:
                told(self)

    async def run_async(self, told: Callable[[Waiting], None] | None = None) -> None:
        """As `run`, while the event loop goes on."""
        import asyncio  # a command line has no event loop and starts faster without

        pause: float | None = 0.0
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await asyncio.to_thread(self.look)
            if told is not None:
                told(self)


def _status_of(folder: Path, *, may_be_gone: bool) -> str | None:
    """Return the status of a task, None when it is gone. Queued and running tasks are neither removed nor
    renamed, so it had ended before.

    Raises:
        NotFound: when it is gone, unless it `may_be_gone`.
    """
    try:
        return read_row(folder)[0].status
    except NotFound:
        if may_be_gone:
            return None
        raise


def _pause_since(began: float) -> float:
    """Return how long to rest after a look that began then: what is slow is looked at less often."""
    return max(LOOK_SECONDS, 4 * (time.monotonic() - began))


class Progress:
    """A bar of text that is drawn over itself: in a cell as in a terminal."""

    WIDTH = 30

    def __init__(self) -> None:
        self._drawn = ""

    def __call__(self, waiting: Waiting) -> None:
        """Draw how far it is, if that is not what stands there."""
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
    """Return a bar if one is wanted; None: in a notebook or a terminal."""
    if wanted is None:
        wanted = "ipykernel.iostream" in sys.modules or sys.stdout.isatty()
    return Progress() if wanted else None


class Events(Iterable[Event], AsyncIterable[Event]):
    """What happens in a workspace from now on: for `for`, and for `async for`."""

    def __init__(self, folder: WorkspaceFolder, *, until_idle: bool) -> None:
        self._index = TaskIndex(folder)
        self._index.refresh()
        self._statuses = {name: row.status for name, row in self._index.rows.items()}
        self._until_idle = until_idle

    def _look(self) -> list[Event]:
        """Return what happened since the last look."""
        changes = self._index.refresh()
        found = []
        for row in changes.changed:
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
            pause = _pause_since(began)
            yield from found
            if self._is_over():
                return
            time.sleep(pause)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events as they happen, while the event loop goes on."""
        import asyncio  # a command line has no event loop and starts faster without

        while True:
            began = time.monotonic()
            found = await asyncio.to_thread(self._look)
            pause = _pause_since(began)
            for event in found:
                yield event
            if self._is_over():
                return
            await asyncio.sleep(pause)

    def _is_over(self) -> bool:
        return self._until_idle and not any(status in ACTIVE for status in self._statuses.values())
