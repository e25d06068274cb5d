"""Seeing to it that a scheduler lives: waking the one that does, starting one where none does."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pyruns_jupyter.core.common.errors import Busy, PyrunsError
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, is_locked, locked
from pyruns_jupyter.core.taskfile.format_version import check_format, format_problem
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import require_engine, trusted_engine

from . import batches
from .client_environment import RUN_VARIABLES

DOOR_TIMEOUT = 5.0  # seconds
_LOG_BYTES = 1024 * 1024
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_started: dict[Path, float] = {}  # when this process last started a scheduler, monotonic seconds
_START_TIMEOUT_SECONDS = 2.0


def scheduler_alive(root: Path) -> bool:
    """Tell whether a scheduler of the project whose `_pyruns_` folder is `root` lives on this machine.

    False also where that is hidden from us, as in a project of another user.
    """
    try:
        return is_locked(EnginePaths(root).scheduler_lock)
    except OSError:
        return False


def ensure_scheduler(paths: EnginePaths) -> None:
    """Have a living scheduler look at a batch that is in place already: wake it, or start one.

    A scheduler leaves while it holds the door alone: it looks at the batches once more and gives its lock up.
    We look at that lock while we hold the door, after our batch is in place. So either we come first, and its
    last look finds our batch; or it comes first, and we see that there is no scheduler. Its listening starts
    before its first look at the batches, so a wake that nobody hears is not missed either. Two schedulers
    started at once do no harm: the second one does not get the lock and ends.
    """
    try:
        with locked(paths.door_lock, timeout=DOOR_TIMEOUT, shared=True):
            if is_locked(paths.scheduler_lock):
                wake(paths)
            else:
                start_scheduler(paths)
    except Busy:
        start_scheduler(paths)  # never wrong: the lock decides


def ensure_running(root: Path) -> bool:
    """Start a scheduler if tasks are queued here, or a dead process left something, and none lives; return
    whether one was started.

    Cheap when there is nothing to do: front ends call it whenever they look at a project. Nothing is started
    in an engine folder that is not ours.
    """
    paths = EnginePaths(root)
    key = trusted_engine(root)
    if key is None or is_locked(paths.scheduler_lock) or not batches.has_work(key):
        return False
    if format_problem(root):
        return False  # the release that has it sees to it
    if time.monotonic() - _started.get(root, -_START_TIMEOUT_SECONDS) < _START_TIMEOUT_SECONDS:
        return False  # on its way
    ensure_scheduler(paths)
    return True


def wake(paths: EnginePaths) -> None:
    """Make the living scheduler look around, by touching a file that it watches."""
    flags = os.O_WRONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(paths.wake, flags)
    except OSError:
        return  # no scheduler has been here
    try:
        now = time.time_ns()  # exact, unlike the clock that the kernel takes for time stamps
        os.utime(descriptor, ns=(now, now))
    except OSError:
        pass  # it looks around on its own a little later
    finally:
        os.close(descriptor)


def check_startable() -> None:
    """Check that schedulers can be started at all.

    Raises:
        PyrunsError: when this system cannot do that.
    """
    if os.name == "nt":
        raise PyrunsError("Tasks cannot be started on Windows yet.")
    if not sys.executable:
        raise PyrunsError("This Python does not know its own executable, so the scheduler cannot be started.")


def start_scheduler(paths: EnginePaths) -> None:
    """Start a scheduler as a process of its own; it leaves at once when one lives.

    Raises:
        PyrunsError: when it cannot be started; what is queued waits for the next try.
    """
    check_startable()
    check_format(paths.root)
    require_engine(paths.root)
    _started[paths.root] = time.monotonic()
    try:
        start_detached("pyruns_jupyter.engine.scheduler", [str(paths.root)], paths.log)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PyrunsError(
            f"The scheduler could not be started ({error}). What is queued waits until the next try."
        ) from error


def start_detached(module: str, words: Sequence[str], log: Path, *, python: str = sys.executable) -> None:
    """Start a module of ours as a process that outlives this one; what it says goes to the end of `log`.

    Raises:
        OSError, subprocess.CalledProcessError: when it cannot be started.
    """
    environment = {name: value for name, value in os.environ.items() if name not in RUN_VARIABLES}
    if _PACKAGE_PARENT.name not in ("site-packages", "dist-packages"):
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = (known + os.pathsep if known else "") + str(_PACKAGE_PARENT)
    # The shell forks it and ends: nothing is left to be waited for in a front end that lives for weeks. The
    # working folder is none that others fill, since Python imports modules from it.
    command = ["/bin/sh", "-c", '"$@" & exit 0', "sh"]
    command += [python, "-m", module, *words]
    with _open_log(log) as stream:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=os.sep,
            env=environment,
            start_new_session=True,
            check=True,
        )


def _open_log(path: Path) -> BinaryIO:
    """Open a log of ours for appending, not through a link; it starts anew when it has grown large."""
    with suppress(OSError):
        if path.lstat().st_size > _LOG_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, PRIVATE_MODE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "ab")
