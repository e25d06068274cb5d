"""Identity of hosts and boots: a reused pid or another machine must not be mistaken for ours."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from .errors import PyrunsError

STATE_VARIABLE = "PYRUNS_STATE_DIR"
RUNTIME_VARIABLE = "PYRUNS_RUNTIME_DIR"
_MAX_AGE_SECONDS = 90 * 86400.0  # after which the runtime folder of a boot is removed
CREATE_TIME_TOLERANCE = 1.5  # seconds; the source of create times rounds differently between programs


@cache
def host_name() -> str:
    """Return this machine's name as task files store it in `runner_host`."""
    if sys.platform == "win32":
        import socket

        return socket.gethostname()
    return os.uname().nodename  # the same, without the time that importing `socket` takes


@cache
def boot_id() -> str:
    """Return an id that changes with each boot of this machine, "" if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def pid_space() -> str:
    """Return an id of the pid namespace of this process, "" if the system has none.

    It changes when the container restarts. The number of a namespace may be reused, so the start time of its
    first process is part of the id.
    """
    try:
        space = os.readlink("/proc/self/ns/pid")
        first = Path("/proc/1/stat").read_bytes().rpartition(b")")[2].split()
        return f"{space}@{int(first[19])}"
    except (OSError, ValueError, IndexError):
        return ""


def user_id() -> int:
    """Return the id of the effective user, as in the status of its files; 0 on Windows, as there."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def user_name(uid: int) -> str:
    """Return the name of a user, the number `uid` itself if the system has no name for it."""
    if sys.platform == "win32":
        return str(uid)
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def state_folder() -> Path:
    """Return the path of this user's folder for permanent files that do not belong into a project.

    It is `PYRUNS_STATE_DIR`, by default `pyruns` in the state folder of the XDG base directories.

    Raises:
        PyrunsError: if this user has no home folder.
    """
    given = os.environ.get(STATE_VARIABLE)
    if given:
        return Path(given).absolute()
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(state) if state else Path.home() / ".local" / "state") / "pyruns"
    except RuntimeError:
        raise PyrunsError(
            f"This user has no home folder. Set {STATE_VARIABLE} to a permanent folder."
        ) from None


def runtime_folder() -> Path:
    """Return the path of this user's folder for files that are valid until this host restarts: GPU
    reservations, and the projects with running tasks. It is `PYRUNS_RUNTIME_DIR`, by default in the state
    folder.

    All processes of the user on this host, in any session, must find the same folder as long as one of them
    runs. `/run/user/<uid>` exists only while the user is logged in. `/tmp` and `/var/tmp` are private in
    services with PrivateTmp (many hubs use it), and old files in them are removed. `/dev/shm` is emptied when
    the user logs out (RemoveIPC of logind). The state folder has none of these problems, and nothing runs
    without it anyway. Hosts may share a home folder, so the boot id stands for the host. It is the same in
    all containers of a host, which share its GPUs.

    Raises:
        PyrunsError: if this user has no home folder.
    """
    given = os.environ.get(RUNTIME_VARIABLE)
    return Path(given).absolute() if given else state_folder() / "run" / (boot_id() or host_name())


def make_runtime_folder() -> Path:
    """Create `runtime_folder` if it is missing, and return it; folders of old boots are removed.

    Raises:
        PyrunsError: if it belongs to another user or is not a folder.
        OSError: if it cannot be created.
    """
    folder = runtime_folder()
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if RUNTIME_VARIABLE not in os.environ:
            _remove_old(folder)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user_id():
        raise PyrunsError(
            f"{folder} is not a folder, or it belongs to another user. Remove it, or set {RUNTIME_VARIABLE} "
            "to another folder."
        )
    return folder


def _remove_old(folder: Path) -> None:
    """Remove the folders next to `folder` that were unused for months; others may belong to other hosts."""
    import shutil  # at most once between two restarts of this host

    for name in os.listdir(folder.parent):
        other = folder.parent / name
        with suppress(OSError):
            if other != folder and time.time() - other.lstat().st_mtime > _MAX_AGE_SECONDS:
                shutil.rmtree(other)


def new_token() -> str:
    """Return a new random token of 32 hexadecimal digits, as used for `_attempt_id`."""
    return os.urandom(16).hex()


def runner_id(token: str) -> str:
    """Return `<host>:<pid>:<token>` for this process, the format of `runner_id` in a task file."""
    return f"{host_name()}:{os.getpid()}:{token}"


def start_time(pid: int) -> int | None:
    """Return when a process started (clock ticks since boot, or epoch milliseconds), None if it has ended.

    The processes of other users may be hidden.
    """
    if os.path.isdir("/proc/self"):
        try:
            with open(f"/proc/{pid}/stat", "rb") as stream:
                fields = stream.read().rpartition(b")")[2].split()
            return None if fields[0] in (b"Z", b"X") else int(fields[19])
        except (OSError, ValueError, IndexError):
            return None
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 1000)
    except psutil.Error:
        return None


def create_time(pid: int) -> float | None:
    """Return when a process started (epoch seconds), as other programs find it with psutil; None if it has
    ended. On Linux, psutil would be imported only for this.
    """
    if sys.platform == "linux" and (ticks := start_time(pid)) is not None:
        with suppress(OSError), open("/proc/stat", "rb") as stream:
            booted = next((line for line in stream if line.startswith(b"btime ")), b"btime 0").split()[1]
            return int(booted) + ticks / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def process_alive(pid: int, create_time: float | None) -> bool:
    """Return whether the process `pid` runs here, is not a zombie and started at `create_time` (epoch)."""
    import psutil

    if not 0 < pid < 2**31:  # of a damaged file
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return create_time is None or abs(process.create_time() - create_time) < CREATE_TIME_TOLERANCE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
