"""A workspace as it is on disk, for all widgets of this process: one index, and one thread while needed."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.launch import ensure_running

T = TypeVar("T")

MAX_AGE_SECONDS = 0.3  # seconds for which a look at the disk answers further questions
MIN_PERIOD_SECONDS, MAX_PERIOD_SECONDS = 0.3, 2.0  # seconds between two looks while somebody listens
ATTEND_EVERY = 3.0  # seconds between two looks after the scheduler
ATTEND_IDLE = 30.0  # the same while nothing waits or runs: an adaptive sweep may have lost its driver

_log = logging.getLogger(__name__)
_watches: weakref.WeakValueDictionary[Path, Watch] = weakref.WeakValueDictionary()
_watches_lock = threading.Lock()


def watch_of(workspace: WorkspaceFolder) -> Watch:
    """Return the one watch of a workspace in this process."""
    with _watches_lock:
        watch = _watches.get(workspace.folder)
        if watch is None:
            watch = _watches[workspace.folder] = Watch(workspace)
        return watch


class Watch:
    """One workspace. All methods may be called from any thread."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.workspace = workspace
        self._index = TaskIndex(workspace)
        self._looking = threading.Lock()
        self._looked_at = float("-inf")  # when the last complete look began
        self._changed_at = float("-inf")  # when we changed something on disk ourselves
        self._lock = threading.Lock()  # guards what follows
        self._listeners: dict[int, Callable[[], None]] = {}
        self._next_key = 0
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def look(self, read: Callable[[TaskIndex], T], *, max_age: float = MAX_AGE_SECONDS) -> T:
        """Return what `read` finds in an index at most `max_age` seconds old."""
        with self._looking:
            now = time.monotonic()
            if self._looked_at < max(now - max_age, self._changed_at):
                self._index.refresh()
                self._looked_at = now
            return read(self._index)

    def touch(self) -> None:
        """Say that the disk was changed just now: what was seen earlier answers no questions any more."""
        self._changed_at = time.monotonic()
        self._wake.set()

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard` in the watching thread after every change; return what ends that.

        The thread ends with the last listener.
        """
        with self._lock:
            key = self._next_key
            self._next_key += 1
            self._listeners[key] = heard
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="pyruns-watch", daemon=True)
                self._thread.start()
        return lambda: self._forget(key)

    @property
    def running(self) -> bool:
        """Whether a thread watches at this moment."""
        with self._lock:
            return self._thread is not None

    def _forget(self, key: int) -> None:
        with self._lock:
            self._listeners.pop(key, None)
            if not self._listeners:
                self._wake.set()

    def _run(self) -> None:
        period, attended, told = MIN_PERIOD_SECONDS, float("-inf"), -1
        problem: str | None = None
        while True:
            with self._lock:
                listeners = [*self._listeners.values()]
                if not listeners:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                revision, active = self.look(_state, max_age=0.0)
                if revision != told:
                    told, period = revision, MIN_PERIOD_SECONDS
                    for heard in listeners:
                        _tell(heard)
                if began - attended >= (ATTEND_EVERY if active else ATTEND_IDLE):
                    attended = began
                    ensure_running(self.workspace.root)
                problem = None
            except Exception as error:  # noqa: BLE001 - the next look may do better; without it all widgets freeze
                if problem != repr(error):
                    problem = repr(error)
                    expected = isinstance(error, (PyrunsError, OSError))
                    _log.warning(
                        "%s cannot be watched: %s", self.workspace.folder, error, exc_info=not expected
                    )
            # Costs follow what changes; a large workspace on a slow disk is asked less often.
            cost = time.monotonic() - began
            if self._wake.wait(min(max(period, 4 * cost), max(MAX_PERIOD_SECONDS, cost))):
                self._wake.clear()
            period = min(period * 1.25, MAX_PERIOD_SECONDS)


def _state(index: TaskIndex) -> tuple[int, bool]:
    return index.revision, index.counts["queued"] + index.counts["running"] > 0


def _tell(heard: Callable[[], None]) -> None:
    try:
        heard()
    except Exception:  # noqa: BLE001 - the other listeners shall hear
        _log.exception("A widget could not be told what changed.")
