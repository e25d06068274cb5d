"""The scheduler of a project from outside: starting, waking and pausing it, and how it exits.

A paused project has a file `_pyruns_/.engine/paused`: running tasks continue, and no others are started.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path

from pyruns_jupyter.core.common.errors import Busy, PyrunsError
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.atomic import dump_json, write_atomic
from pyruns_jupyter.core.fs.locks import SAFE_FLAGS, FileLock, is_locked, locked
from pyruns_jupyter.core.fs.regular_files import set_times
from pyruns_jupyter.core.taskfile.format_version import check_format, format_problem
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import claim_engine, require_engine, trusted_engine

from . import batches

ON_WINDOWS = "Running tasks on Windows is experimental: this project's tests have not run there yet."
_HANDOFF_TIMEOUT = 5.0  # seconds
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_started: dict[Path, float] = {}  # when this process last started a scheduler, monotonic seconds
_START_TIMEOUT_SECONDS = 2.0
# Variables that identify a run, which another run must not inherit.
RUN_VARIABLES = (
    "PYRUNS_RUN_INDEX",
    "PYRUNS_RUN_ATTEMPT_ID",
    "PYRUNS_TASK_DIR",
    "PYRUNS_ASSIGNED_GPUS",
    "PYRUNS_CHECKPOINT_DIR",
    "PYRUNS_RESUMED_FROM",
    "__PYRUNS_CONFIG__",
    "__PYRUNS_ROOT__",
)
# Variables of the front end's terminal or Jupyter session, which are wrong in a process that has its own.
_NOT_FOR_TASKS = (*RUN_VARIABLES, "COLUMNS", "LINES", "JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_API_TOKEN")


def scheduler_alive(root: Path) -> bool:
    """Return whether a scheduler of the project whose `_pyruns_` folder is `root` runs on this machine; False
    if that is hidden from this user.
    """
    try:
        return is_locked(EnginePaths(root).scheduler_lock)
    except OSError:
        return False


def ensure_scheduler(paths: EnginePaths) -> None:
    """Wake the scheduler, or start one, after a batch was written.

    A scheduler exits (`leave`) while it alone holds the handoff lock: it reads the batches once more, then
    releases its own lock. This function checks that lock under the (shared) handoff lock, after the batch was
    written. So either this comes first, and the last read finds the batch; or the scheduler comes first, and
    its lock is found to be free. A scheduler watches for wake-ups before it reads the batches, so none is
    missed. If two schedulers are started at once, the second one does not get the lock and exits.
    """
    try:
        with locked(paths.door_lock, timeout=_HANDOFF_TIMEOUT, shared=True):
            if is_locked(paths.scheduler_lock):
                wake(paths)
            else:
                start_scheduler(paths)
    except Busy:
        start_scheduler(paths)  # never wrong, because the lock decides


def ensure_running(root: Path) -> bool:
    """Start a scheduler if there is work for one (`batches.has_work`) and none is running; return whether one
    was started.

    Cheap if there is nothing to do: front ends call it whenever they read a project. Nothing is started in an
    engine folder that is not ours.
    """
    paths = EnginePaths(root)
    key = trusted_engine(root)
    if key is None or is_locked(paths.scheduler_lock) or not batches.has_work(key):
        return False
    if format_problem(root):
        return False  # a newer release is responsible
    if time.monotonic() - _started.get(root, -_START_TIMEOUT_SECONDS) < _START_TIMEOUT_SECONDS:
        return False  # it is starting
    ensure_scheduler(paths)
    return True


def wake(paths: EnginePaths) -> None:
    """Wake the running scheduler by touching a file that it watches."""
    try:
        descriptor = os.open(paths.wake, os.O_WRONLY | SAFE_FLAGS)
    except OSError:
        return  # there was no scheduler yet
    try:
        now = time.time_ns()  # more exact than the clock of the kernel's own time stamps
        set_times(descriptor, paths.wake, ns=(now, now))
    except OSError:
        pass  # it also checks periodically
    finally:
        os.close(descriptor)


def check_startable() -> None:
    """Check that schedulers can be started on this system.

    Raises:
        PyrunsError: if not.
    """
    if sys.platform == "win32":
        warnings.warn(ON_WINDOWS, stacklevel=2)
    from pyruns_jupyter.engine.processes.start_method import start_method  # slow to import

    start_method()
    if not sys.executable:
        raise PyrunsError("The scheduler cannot be started because sys.executable is empty.")


def start_scheduler(paths: EnginePaths) -> None:
    """Start a scheduler as a separate process; it exits at once if another one is running.

    Raises:
        PyrunsError: when it cannot be started; queued tasks wait for the next attempt.
    """
    from subprocess import CalledProcessError  # slow to import

    check_startable()
    check_format(paths.root)
    require_engine(paths.root)
    _started[paths.root] = time.monotonic()
    try:
        start_detached("pyruns_jupyter.engine.scheduler", [str(paths.root)], paths.log)
    except (OSError, CalledProcessError) as error:
        raise PyrunsError(
            f"The scheduler could not be started ({error}). Queued tasks wait until it can be started."
        ) from error


def start_detached(module: str, words: Sequence[str], log: Path, *, python: str = sys.executable) -> None:
    """Start a module of ours as a process that outlives this one; its output goes to the end of `log`.

    Raises:
        OSError, subprocess.CalledProcessError: if it cannot be started.
    """
    from pyruns_jupyter.engine.processes.native import spawn_daemon  # slow to import

    environment = {name: value for name, value in os.environ.items() if name not in RUN_VARIABLES}
    if _PACKAGE_PARENT.name not in ("site-packages", "dist-packages"):
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = (known + os.pathsep if known else "") + str(_PACKAGE_PARENT)
    spawn_daemon([python, "-m", module, *words], environment, log)


def front_end_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment that tasks inherit from a front end."""
    source = os.environ if environment is None else environment
    kept = {
        str(name): str(value)
        for name, value in source.items()
        if name and "=" not in name and "\0" not in f"{name}{value}" and name not in _NOT_FOR_TASKS
    }
    if kept.get("MPLBACKEND", "").startswith("module://"):
        del kept["MPLBACKEND"]  # draws into a notebook, which a task does not have
    return kept


class ExitAttempt(Enum):
    """The result of a scheduler's attempt to exit."""

    GONE = auto()  # its lock is released
    WAIT = auto()  # another process holds the handoff lock: retry
    STAY = auto()  # there is new work


def leave(paths: EnginePaths, lock: FileLock, finds_work: Callable[[], bool]) -> ExitAttempt:
    """Release the scheduler's lock unless `finds_work` returns True; `ensure_scheduler` says why this is
    safe.
    """
    handoff = FileLock(paths.door_lock)
    try:
        alone = handoff.try_acquire()
    except FileNotFoundError:  # the project is gone
        return ExitAttempt.GONE
    if not alone:
        return ExitAttempt.WAIT
    try:
        if finds_work():
            return ExitAttempt.STAY
        lock.release()
        return ExitAttempt.GONE
    finally:
        handoff.release()


def pause(root: Path) -> bool:
    """Pause the queue of the project whose `_pyruns_` folder is `root`; return whether it was not paused.

    Raises:
        OSError: if that cannot be stored.
    """
    if is_paused(root):
        return False
    claim_engine(root)
    paths = EnginePaths(root)
    write_atomic(paths.paused, dump_json({"paused_at": time.time(), "host": host_name()}))
    wake(paths)
    return True


def resume(root: Path) -> bool:
    """Resume the queue; return whether it was paused.

    Raises:
        OSError: if the file cannot be removed.
    """
    if not is_paused(root):
        return False
    claim_engine(root)
    paths = EnginePaths(root)
    paths.paused.unlink(missing_ok=True)
    wake(paths)
    ensure_running(root)
    return True


def is_paused(root: Path) -> bool:
    """Return whether the queue of a project is paused."""
    return os.path.lexists(_pause_file(root))


@lru_cache(maxsize=16)  # a scheduler looks at it before each start
def _pause_file(root: Path) -> str:
    return str(EnginePaths(root).paused)
