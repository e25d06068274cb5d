"""The driver of a project's studies as a process:
`python -m pyruns_jupyter.studies.driver <_pyruns_> WORKSPACE STUDY`.

One process drives all active studies of a project that were begun with the same Python interpreter, because
each process loads Optuna (50 MB). It is started for one study, takes the lock of the interpreter's driver (or
exits if another process holds it), and then serves every study whose marker names this interpreter. Each
interpreter has its own driver, since trials run with it, and it parses the script and imports Optuna. The
driver serves its studies in turn in one thread. A turn is one step of one study (`ActiveStudy.steps`), which
queues at most one trial, so a study waits for at most one step of each of the others. The lock on a study's
marker decides who drives it: a study whose marker another process holds, such as a driver of an earlier
release, is left to that process until the lock is free. A study that ends, fails or cannot be read is
dropped; the others continue. The driver exits when no study is left: it releases its lock, then looks for
markers once more. A front end writes the marker first and looks at the lock afterwards: either it finds the
lock free and starts a process, or the driver's last look finds the marker. All state is on disk: after a kill
at any moment the next driver continues.
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
from pyruns_jupyter.engine.queue.launch import ensure_running
from pyruns_jupyter.engine.queue.processes import become_daemon
from pyruns_jupyter.engine.scheduler.process import LOCK_TIMEOUT

from .active_study import LOOK_SECONDS, ActiveStudy, say
from .definition import FAILED
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

_ATTEND_SECONDS = 5.0
_RETRY_SECONDS = 5.0  # until a study that could not be driven, nor be ended, is tried again


@dataclass
class _Turn:
    """The turns of one study: its remaining steps, the lock on its marker, and when its next step is due
    (monotonic seconds).
    """

    steps: Iterator[float]
    lock: FileLock
    due: float = 0.0


class Driver:
    """Drives the studies of a project that were begun with one interpreter; `lock`, held, says so."""

    def __init__(self, root: Path, python: str, lock: FileLock) -> None:
        self._root = root
        self._python = python
        self._lock = lock
        self._turns: dict[StudyId, _Turn] = {}
        self._retry_at: dict[StudyId, float] = {}
        self._attended = time.monotonic()

    def run(self) -> None:
        """Serve the studies in turn until none is left."""
        while True:
            self._take_up()
            if not self._turns and self._leave():
                return
            for study, turn in list(self._turns.items()):
                if turn.due <= time.monotonic():
                    self._advance(study, turn)
            self._attend()
            time.sleep(self._pause())

    def _undriven(self) -> list[StudyId]:
        """Return the studies that need a driver, and this one could serve."""
        now = time.monotonic()
        found = undriven_studies(self._root, self._python)
        return [study for study in found if self._retry_at.get(study, now) <= now]

    def _take_up(self) -> None:
        """Take up one more study; its first step reads it."""
        for study in self._undriven():
            lock = FileLock(marker_path(self._root, *study), create=False)
            try:
                if not lock.try_acquire():
                    continue  # another process checks it just now, or was faster
                key = require_engine(self._root)
                marker = read_marker(key, *study)
            except FileNotFoundError:  # stopped just now
                lock.release()
                continue
            except (PyrunsError, OSError) as error:
                lock.release()
                self._put_off(study, str(error))
                continue
            self._drop(study)  # stopped and resumed since its last step
            self._turns[study] = _Turn(_steps(key, study, lock, marker), lock)
            return

    def _drop(self, study: StudyId) -> None:
        turn = self._turns.pop(study, None)
        if turn is not None:
            turn.lock.release()

    def _advance(self, study: StudyId, turn: _Turn) -> None:
        """Make one step of a study; whatever happens in it concerns this study alone."""
        try:
            pause = next(turn.steps)
            turn.due = time.monotonic() + pause
            return
        except StopIteration:
            pass
        except (NotFound, FileNotFoundError):  # removed, or never written
            self._unmark(study, turn)
        except Exception as error:  # noqa: BLE001 - the user should see it, whatever it is, and not wait
            self._fail(study, turn, error)
        self._drop(study)

    def _fail(self, study: StudyId, turn: _Turn, error: Exception) -> None:
        say("".join(traceback.format_exception(error)))
        if not self._is_marked(study, turn):
            return  # stopped, perhaps resumed since, or the project was moved
        reason = error.message if isinstance(error, PyrunsError) else f"{type(error).__name__}: {error}"
        try:
            end(WorkspaceFolder(self._root / study.workspace), study.name, FAILED, reason)
        except (PyrunsError, OSError) as second:
            if isinstance(second, (Unreadable, NotFound)):
                self._unmark(study, turn)  # until its file is mended
            self._put_off(study, str(second))

    def _is_marked(self, study: StudyId, turn: _Turn) -> bool:
        """Return whether the marker that was locked for these turns is still in its place."""
        return turn.lock.is_at(marker_path(self._root, *study))

    def _unmark(self, study: StudyId, turn: _Turn) -> None:
        if self._is_marked(study, turn):
            unmark(self._root, *study)

    def _put_off(self, study: StudyId, reason: str) -> None:
        say(f"{study.name}: {reason}")
        self._retry_at[study] = time.monotonic() + _RETRY_SECONDS

    def _leave(self) -> bool:
        """Give the lock back if no study is left; return whether that is so."""
        self._lock.release()
        if not self._undriven():
            return True
        try:
            self._lock.acquire(timeout=LOCK_TIMEOUT)
        except (Busy, OSError):
            return True  # another driver has it
        return False

    def _attend(self) -> None:
        """Start a scheduler from time to time if there is none for the trials."""
        if time.monotonic() - self._attended < _ATTEND_SECONDS:
            return
        self._attended = time.monotonic()
        try:
            ensure_running(self._root)
        except (PyrunsError, OSError) as error:
            say(str(error))

    def _pause(self) -> float:
        """Return how long to wait until the next step is due, or markers are looked at again."""
        first = min((turn.due for turn in self._turns.values()), default=float("inf"))
        return min(LOOK_SECONDS, max(0.0, first - time.monotonic()))


def _steps(key: EngineKey, study: StudyId, lock: FileLock, marker: Marker) -> Iterator[float]:
    """Read a study with the first step, then work on it."""
    workspace = WorkspaceFolder(key.root / study.workspace)
    yield from ActiveStudy(workspace, study.name, lock, marker, key).steps()


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the named study and all others that were begun with its interpreter; return the exit code.

    Exits at once if another process does, or the study is not active.
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
        lock.acquire(timeout=LOCK_TIMEOUT)
    except (FileNotFoundError, Busy):
        return 0
    except (PyrunsError, OSError) as error:
        say(f"The driver of {words[2]} does not start: {error}")
        return 1
    become_daemon()
    who = {"pid": os.getpid(), "host": host_name(), "started": time.time(), "python": python}
    with suppress(OSError):  # for people only: a full disk stops nothing
        lock.write(json.dumps(who).encode())
    Driver(root, python, lock).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
