"""File system notifications for a watcher, which otherwise has to poll and to look at all tasks."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress

from pyruns_jupyter.core.common.memory import release_free_memory
from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .threads import Runner, open_in_thread, wait_for_event

_MANY = 1000  # tasks; to look at all of them is as quick

_log = logging.getLogger(__name__)


class Hints:
    """Notifications that tasks of a workspace may have changed: none where the system does not support it."""

    def __init__(self, run: Runner, watch: FolderWatch | None) -> None:
        self._run = run
        self._watch = watch
        self._came = asyncio.Event()
        self._covered = -1  # the revision of the names that are watched
        self._changed: set[str] | None = None  # since they were taken; None for any task
        self._is_updating = False  # a watched task may have changed before it was watched
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # of `_changed`, and while the watch is read or closed
        if watch is not None:
            self._loop.add_reader(watch.descriptor, self._receive)

    @staticmethod
    @asynccontextmanager
    async def of(workspace: WorkspaceFolder, run: Runner) -> AsyncIterator[Hints]:
        """Receive notifications of a workspace inside the block."""
        watch: FolderWatch | None = None
        try:
            watch = await open_in_thread(run, lambda: FolderWatch(workspace.tasks))
        except OSError as error:
            _log.debug(
                "Cannot receive file system notifications for %s; polling instead: %s",
                workspace.folder,
                error,
            )
        hints = Hints(run, watch)
        try:
            yield hints
        finally:
            hints.close()

    def forget(self) -> None:
        """Discard the notifications so far, apart from the names of the tasks."""
        self._came.clear()

    def take(self, rows: Mapping[str, object], names_revision: int) -> set[str] | None:
        """Return the names of the tasks that may have changed since the last call; None if any may have.
        `rows` are the known tasks (see `cover`). May be called in any thread.
        """
        with self._lock:
            watch = self._watch
            if watch is None:
                return None
            names = watch.read()
            self._add(names)
            if names is None or names:  # else the event loop would not know
                with suppress(RuntimeError):  # it has ended
                    self._loop.call_soon_threadsafe(self._came.set)
            changed, self._changed = self._changed, set()
        if changed is None or self._is_updating:
            return None
        if names_revision == self._covered and not watch.has_lost:
            return changed
        changed |= watch.unwatched(rows.keys())
        return changed if len(changed) < _MANY else None

    def _add(self, names: set[str] | None) -> None:
        if names is None or self._changed is None:
            self._changed = None
        else:
            self._changed |= names
            if len(self._changed) > _MANY:
                self._changed = None

    async def cover(
        self, rows: Mapping[str, object], names_revision: int, give_way: Callable[[], object] = bool
    ) -> bool:
        """Watch these tasks and return whether every change since the last look causes a notification.

        `names_revision` is another one if the names have changed. `give_way` is called now and then in the
        thread that does it.
        """
        if self._watch is None or self._watch.is_gone:
            return False
        if names_revision == self._covered and not self._watch.has_lost:
            return True
        self._is_updating = True
        try:
            new = await self._run(_update, self._watch, rows, give_way)
        except OSError as error:
            _log.info("Too many tasks for file system notifications; polling instead: %s", error)
            self.close()
            return False
        with self._lock:
            self._add(new)  # new tasks may have changed before they were watched
            self._covered, self._is_updating = names_revision, False
        return not new

    async def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for a notification and return whether there was one."""
        return await wait_for_event(self._came, seconds)

    def close(self) -> None:
        """Stop receiving notifications."""
        with self._lock:  # no thread reads what another file may have the number of
            watch, self._watch = self._watch, None
            if watch is not None:
                self._loop.remove_reader(watch.descriptor)
                watch.close()

    def _receive(self) -> None:
        with self._lock:
            if self._watch is None:
                return
            names = self._watch.read()
            self._add(names)
        if names is None or names:
            self._came.set()


def _update(watch: FolderWatch, rows: Iterable[str], give_way: Callable[[], object]) -> set[str]:
    new = watch.update(rows, give_way)
    release_free_memory(len(new))
    return new
