"""Who makes a temporary file or folder, as a part of its name, and tidying up after makers that died.

A maker may be killed at any instruction. Its name stands in the name of what it makes, so there is no moment
in which a left-over does not say whose it is. Only what provably belongs to nobody goes: the maker's process
is gone, on this very machine; or, when that cannot be judged from here, nothing was done to it for a day.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import boot_id, host_name, process_alive

_NAME = re.compile(r"-(?P<home>[0-9a-f]{8})-(?P<pid>\d{1,10})-(?P<start>\d{1,20})-[0-9a-f]{8}(?:\.tmp)?")
_MAX_AGE_SECONDS = 24 * 3600.0  # without a change; then a file of an unknown maker may be removed
_known: tuple[int, str] = (0, "")
_home_known = ""


def maker_suffix() -> str:
    """Return `-<host_tag>-<pid>-<start>-<random>`, an end for the name of something temporary.

    `host_tag` stands for host, boot and pid namespace; `start` is when the process began, in the units of
    the system.
    """
    global _known
    pid = os.getpid()
    if _known[0] != pid:  # not that of the process that forked us
        _known = (pid, f"-{host_tag()}-{pid}-{_start(pid) or 0}")
    return f"{_known[1]}-{os.urandom(4).hex()}"


def is_left_over(path: Path) -> bool:
    """Return whether the process that made a temporary file is gone, or is unknown and the file is old.

    `path` has a name that `maker_suffix` ended, or that some other program gave it.
    """
    found = _NAME.search(path.name)
    if found is not None and found["home"] == host_tag():
        return not _lives(int(found["pid"]), int(found["start"]))
    try:
        return time.time() - _last_change(path) > _MAX_AGE_SECONDS
    except OSError:
        return False


def tidy(folder: Path, wanted: Callable[[str], bool], names: Iterable[str] | None = None) -> list[str]:
    """Remove the left-overs in `folder` whose names are `wanted`; return their names. Nothing is raised.

    `names` are the names in the folder, when they are known already.
    """
    import shutil

    gone = []
    try:
        listed = os.listdir(folder) if names is None else names
    except OSError:
        return []
    for name in listed:
        path = folder / name
        if wanted(name) and is_left_over(path):
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                gone.append(name)
    return gone


def is_temporary_file(name: str) -> bool:
    """Return whether `name` is one that files have while they are written (`.<name>-<maker>.tmp`)."""
    return name.startswith(".") and name.endswith(".tmp")


def _last_change(path: Path) -> float:
    """Return when something was last changed, or what lies directly in it (epoch, s)."""
    changed = [path.lstat().st_mtime]
    if path.is_dir() and not path.is_symlink():
        with os.scandir(path) as entries:
            changed += [entry.stat(follow_symlinks=False).st_mtime for entry in entries]
    return max(changed)


def host_tag() -> str:
    """Return 8 hexadecimal digits for host, boot and pid namespace: where a pid means one process."""
    global _home_known
    if not _home_known:
        try:
            space = os.readlink("/proc/self/ns/pid")
        except OSError:
            space = ""
        text = "\0".join((host_name().lower(), boot_id(), space))
        _home_known = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return _home_known


def _start(pid: int) -> int | None:
    """Return when a process began (clock ticks since the boot, or epoch milliseconds); None: it is gone.

    Where processes of others are hidden nobody else's can be judged: `_lives` asks for that.
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


def _lives(pid: int, start: int) -> bool:
    if not os.path.isdir("/proc/self"):
        return process_alive(pid, start / 1000)
    if not os.path.exists(f"/proc/{pid}"):
        try:  # it may be hidden from us (the mount option hidepid)
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
    return _start(pid) == start
