"""The driver of a project's studies as a process:
`python -m pyruns_jupyter.studies.driver <_pyruns_> WORKSPACE STUDY`.

One process drives all active studies of a project that were started with the same Python interpreter, because
each process loads Optuna (50 MB). It is started for one study, takes the lock of the interpreter's driver (or
exits if another process holds it), and then serves every study whose marker names this interpreter. Each
interpreter has its own driver, since it runs the trials, parses the script and imports Optuna. The driver
serves its studies in turn in one thread. A turn is one step of one study (`ActiveStudy.steps`), which queues
at most one trial, so a study waits for at most one step of each of the others. The lock on a study's marker
decides which process drives it: if another one holds it, such as a driver of an earlier release, the study is
left to that process. A study that ends, fails or cannot be read is dropped; the others continue. The driver
exits when no study is left: it releases its lock, then checks the markers once more. A front end writes the
marker first and checks the lock afterwards: either it finds the lock free and starts a process, or the
driver's last check finds the marker. All state is on disk: after a kill at any moment the next driver
continues.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.trust.engine_key import EngineKey, require_engine
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.processes.native import become_daemon
from pyruns_jupyter.engine.queue.launch import ensure_running
from pyruns_jupyter.engine.scheduler.process import take_lock

from .active_study import POLL_SECONDS, ActiveStudy, log
from .definition import FAILED, StudyPaths, changing
from .launch import (
    Marker,
    StudyId,
    driver_lock_path,
    marker_path,
    read_marker,
    undriven_studies,
    unmark,
)
from .service import end

_CHECK_SECONDS = 5.0  # between two checks for a scheduler
_RETRY_SECONDS = 5.0  # after an error in a study whose end could not be stored


@dataclass
class _Turn:
    """The turns of one study: its remaining steps, the lock on its marker, and when its next step is due
    (monotonic seconds).
    """

    steps: Iterator[float]
    lock: FileLock
    due: float = 0.0


class Driver:
    """Drives the studies of a project that were started with one interpreter, whose `lock` is held."""

    def __init__(self, root: Path, python: str, lock: FileLock) -> None:
        self._root = root
        self._python = python
        self._lock = lock
        self._turns: dict[StudyId, _Turn] = {}
        self._retry_at: dict[StudyId, float] = {}
        self._checked_at = time.monotonic()

    def run(self) -> None:
        """Serve the studies in turn until none is left."""
        for pause in self.steps():
            time.sleep(pause)

    def steps(self) -> Iterator[float]:
        """Do the work of `run` step by step; yield how many seconds the next step can wait."""
        while True:
            self._take_up()
            if not self._turns and self._leave():
                return
            for study, turn in list(self._turns.items()):
                if turn.due <= time.monotonic():
                    self._advance(study, turn)
            self._ensure_scheduler()
            yield self._pause()

    def _undriven(self) -> list[StudyId]:
        """Return the studies without a driver that this one could serve."""
        now = time.monotonic()
        found = undriven_studies(self._root, self._python)
        return [study for study in found if self._retry_at.get(study, now) <= now]

    def _take_up(self) -> None:
        """Add one more study; its first step reads it."""
        for study in self._undriven():
            lock = FileLock(marker_path(self._root, *study), create=False)
            try:
                if not lock.try_acquire():
                    continue  # another process is checking it, or was faster
                key = require_engine(self._root)
                marker = read_marker(key, *study)
            except FileNotFoundError:  # stopped just now
                lock.release()
                continue
            except (PyrunsError, OSError) as error:
                lock.release()
                self._postpone(study, str(error))
                continue
            self._drop(study)  # stopped and resumed since its last step
            self._turns[study] = _Turn(_steps(key, study, lock, marker), lock)
            return

    def _drop(self, study: StudyId) -> None:
        turn = self._turns.pop(study, None)
        if turn is not None:
            turn.lock.release()

    def _advance(self, study: StudyId, turn: _Turn) -> None:
        """Run one step of a study; an error affects only this study."""
        try:
            pause = next(turn.steps)
            turn.due = time.monotonic() + pause
            return
        except StopIteration:
            pass
        except (NotFound, FileNotFoundError):  # removed, not written yet, or never written
            self._unmark_missing(study, turn)
        except Exception as error:  # noqa: BLE001 - the user must see any error
            self._fail(study, turn, error)
        self._drop(study)

    def _fail(self, study: StudyId, turn: _Turn, error: Exception) -> None:
        log("".join(traceback.format_exception(error)))
        if not self._is_marked(study, turn):
            return  # stopped, perhaps resumed since, or the project was moved
        reason = error.message if isinstance(error, PyrunsError) else f"{type(error).__name__}: {error}"
        try:
            end(WorkspaceFolder(self._root / study.workspace), study.name, FAILED, reason)
        except (PyrunsError, OSError) as second:
            if isinstance(second, (Unreadable, NotFound)):
                self._unmark(study, turn)  # until its file is repaired
            self._postpone(study, str(second))

    def _is_marked(self, study: StudyId, turn: _Turn) -> bool:
        """Return whether the marker that is locked for these turns still exists."""
        return turn.lock.is_at(marker_path(self._root, *study))

    def _unmark(self, study: StudyId, turn: _Turn) -> None:
        if self._is_marked(study, turn):
            unmark(self._root, *study)

    def _unmark_missing(self, study: StudyId, turn: _Turn) -> None:
        """Remove the marker of a study that has no file, unless the study is being created at this moment."""
        workspace = WorkspaceFolder(self._root / study.workspace)
        if not StudyPaths(workspace, study.name).folder.is_dir():
            self._unmark(study, turn)
            return
        with suppress(Busy), changing(workspace, study.name, create=True) as paths:
            if not os.path.lexists(paths.file):
                self._unmark(study, turn)

    def _postpone(self, study: StudyId, reason: str) -> None:
        log(f"{study.name}: {reason}")
        self._retry_at[study] = time.monotonic() + _RETRY_SECONDS

    def _leave(self) -> bool:
        """Release the lock if no study is left; return whether it is released."""
        self._lock.release()
        if not self._undriven():
            return True
        try:
            return not take_lock(self._lock)  # then another driver has it
        except OSError:
            return True

    def _ensure_scheduler(self) -> None:
        """Start a scheduler for the trials if necessary, once in a while."""
        if time.monotonic() - self._checked_at < _CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        try:
            ensure_running(self._root)
        except (PyrunsError, OSError) as error:
            log(str(error))

    def _pause(self) -> float:
        """Return the seconds until the next step is due, or the markers are checked again."""
        first = min((turn.due for turn in self._turns.values()), default=float("inf"))
        return min(POLL_SECONDS, max(0.0, first - time.monotonic()))


def _steps(key: EngineKey, study: StudyId, lock: FileLock, marker: Marker) -> Iterator[float]:
    """Yield the steps of a study; the first one reads it."""
    workspace = WorkspaceFolder(key.root / study.workspace)
    yield from ActiveStudy(workspace, study.name, lock, marker, key).steps()


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the named study and all others that were started with its interpreter; return the exit code.

    Exits at once if another process does that, or the study is not active.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if len(words) != 3:
        print(
            "usage: python -m pyruns_jupyter.studies.driver <_pyruns_ folder> WORKSPACE STUDY",
            file=sys.stderr,
        )
        return 2
    root = Path(words[0]).absolute()
    try:
        python = read_marker(require_engine(root), words[1], words[2]).python
        lock = FileLock(driver_lock_path(root, python))
        if not take_lock(lock):
            return 0
    except FileNotFoundError:
        return 0
    except (PyrunsError, OSError) as error:
        log(f"The driver of {words[2]} cannot start: {error}")
        return 1
    become_daemon()
    owner = {"pid": os.getpid(), "host": host_name(), "started": time.time(), "python": python}
    with suppress(OSError):  # for information only: a full disk must not stop the driver
        lock.write(json.dumps(owner).encode())
    Driver(root, python, lock).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
