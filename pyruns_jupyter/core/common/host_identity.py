"""Who we are: host, boot and process, so that a recycled pid or another machine is never taken for ours."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .errors import PyrunsError

STATE_VARIABLE = "PYRUNS_STATE_DIR"
RUNTIME_VARIABLE = "PYRUNS_RUNTIME_DIR"
_MAX_AGE_SECONDS = 90 * 86400.0  # after which the runtime folder of a boot is removed
CREATE_TIME_TOLERANCE = 1.5  # seconds; the source of create times rounds differently between programs


@cache
def host_name() -> str:
    """Return this machine's name as it stands in `runner_host`."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Return what changes with each boot of this machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def pid_space() -> str:
    """Return what changes when the container or other namespace is started anew in which pids mean what they
    mean here; empty where the system does not say. A namespace's number may be used again, so the start of
    its first process goes with it.
    """
    try:
        space = os.readlink("/proc/self/ns/pid")
        first = Path("/proc/1/stat").read_bytes().rpartition(b")")[2].split()
        return f"{space}@{int(first[19])}"
    except (OSError, ValueError, IndexError):
        return ""


def state_folder() -> Path:
    """Return the path of this user's folder for what has to last but does not belong into a project.

    It is `PYRUNS_STATE_DIR`, by default `pyruns` in the state folder of the XDG base directories.

    Raises:
        PyrunsError: if this user has no home.
    """
    given = os.environ.get(STATE_VARIABLE)
    if given:
        return Path(given).absolute()
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(state) if state else Path.home() / ".local" / "state") / "pyruns"
    except RuntimeError:
        raise PyrunsError(f"This user has no home. Set {STATE_VARIABLE} to a folder that lasts.") from None


def runtime_folder() -> Path:
    """Return the path of this user's folder for what counts on this host until it restarts: GPU reservations,
    and the projects in which something runs. It is `PYRUNS_RUNTIME_DIR`, by default in the state folder.

    All processes of the user on this host must find the same folder, whatever session they belong to, as long
    as any of them lives. `/run/user/<uid>` exists only while the user is logged in. `/tmp` and `/var/tmp` are
    private in services with PrivateTmp, as many hubs have it, and old files in them are removed. `/dev/shm`
    is emptied when the user logs out (RemoveIPC of logind). The state folder has none of these problems, and
    nothing runs without it anyway. A home may be shared by hosts, so the id of the boot names the host. It
    is the same in the containers of a host, which use the same GPUs.

    Raises:
        PyrunsError: if this user has no home.
    """
    given = os.environ.get(RUNTIME_VARIABLE)
    return Path(given).absolute() if given else state_folder() / "run" / (boot_id() or host_name())


def make_runtime_folder() -> Path:
    """Return `runtime_folder`, which is there afterwards; what earlier boots left is removed.

    Raises:
        PyrunsError: when another user's folder, or something else, is in its place.
        OSError: when it cannot be made.
    """
    folder = runtime_folder()
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if RUNTIME_VARIABLE not in os.environ:
            _remove_old(folder)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PyrunsError(f"{folder} is not a folder of yours. Remove it, or set {RUNTIME_VARIABLE}.")
    return folder


def _remove_old(folder: Path) -> None:
    """Remove the folders next to `folder` that were not used for long; others may be those of other hosts."""
    for name in os.listdir(folder.parent):
        other = folder.parent / name
        with suppress(OSError):
            if other != folder and time.time() - other.lstat().st_mtime > _MAX_AGE_SECONDS:
                shutil.rmtree(other)


def new_token() -> str:
    """Return a fresh random token of 32 hexadecimal digits, as `_attempt_id` uses it."""
    return os.urandom(16).hex()


def runner_id(token: str) -> str:
    """Return `<host>:<pid>:<token>` for this process, as `runner_id` in a task file."""
    return f"{host_name()}:{os.getpid()}:{token}"


@dataclass(frozen=True)
class ProcessId:
    """A process of some host and boot; a pid alone names nobody. `space` is where it means this process."""

    host: str
    boot: str
    pid: int
    create_time: float
    space: str = ""

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Return the identity of living process `pid` of this host.

        Raises:
            psutil.NoSuchProcess: when there is none.
        """
        import psutil

        return cls(host_name(), boot_id(), pid, psutil.Process(pid).create_time(), pid_space())

    @classmethod
    def ours(cls) -> ProcessId:
        """Return the identity of this process."""
        global _ours
        if _ours is None or _ours.pid != os.getpid():  # not that of the process that forked us
            _ours = cls.of(os.getpid())
        return _ours

    @classmethod
    def from_dict(cls, value: Any) -> ProcessId | None:
        """Return the identity stored by `to_dict`, or None when `value` is not one."""
        import msgspec  # where it is needed: what scripts import stays light

        try:
            return msgspec.convert(value, cls)
        except (msgspec.ValidationError, UnicodeEncodeError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as JSON-ready data."""
        return dict(vars(self))

    @property
    def here(self) -> bool:
        """Whether it is of this host and this boot, so that we may judge whether it lives."""
        return self.host == host_name() and self.boot == boot_id()

    def alive(self) -> bool:
        """Return whether this very process, not a later one with its pid, lives; only for `here` ones."""
        return self.here and process_alive(self.pid, self.create_time)


_ours: ProcessId | None = None


def process_alive(pid: int, create_time: float | None) -> bool:
    """Return whether process `pid` of this host lives, is not a zombie and began at `create_time` (epoch)."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return create_time is None or abs(process.create_time() - create_time) < CREATE_TIME_TOLERANCE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
