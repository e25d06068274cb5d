"""Names of temporary files and folders, and removing those of processes that died.

A process may be killed at any instruction, so the name of everything temporary identifies the process that
makes it. A left-over is removed only if its process provably ended on this machine or, if that cannot be
determined here, if it was not changed for a day.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import boot_id, host_name, process_alive, start_time

_NAME = re.compile(r"-(?P<home>[0-9a-f]{8})-(?P<pid>\d{1,10})-(?P<start>\d{1,20})-[0-9a-f]{8}(?:\.tmp)?")
_MAX_AGE_SECONDS = 24 * 3600.0  # without a change; then a file of an unknown process may be removed


def maker_suffix() -> str:
    """Return `-<host_tag>-<pid>-<start>-<random>`, the end of the name of a temporary file or folder.

    `host_tag` stands for host, boot and pid namespace; `start` is the start time of this process in the units
    of the system.
    """
    return f"{_process_tag(os.getpid())}-{os.urandom(4).hex()}"


@lru_cache(maxsize=1)
def _process_tag(pid: int) -> str:
    return f"-{host_tag()}-{pid}-{start_time(pid) or 0}"


def is_left_over(path: Path) -> bool:
    """Return whether the process that made a temporary file has ended, or is unknown and the file is old.

    The name of `path` ends with a `maker_suffix`, or was given by another program.
    """
    found = _NAME.search(path.name)
    if found is not None and found["home"] == host_tag():
        return not _lives(int(found["pid"]), int(found["start"]))
    try:
        return time.time() - _last_change(path) > _MAX_AGE_SECONDS
    except OSError:
        return False


def tidy(folder: Path, wanted: Callable[[str], bool], names: Iterable[str] | None = None) -> list[str]:
    """Remove the left-overs in `folder` whose names are `wanted`, and return their names. Raises nothing.

    `names` are the names in the folder, if they are known already.
    """
    removed: list[str] = []
    try:
        listed = os.listdir(folder) if names is None else names
    except OSError:
        return removed
    for name in listed:
        if wanted(name) and is_left_over(path := folder / name):
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    import shutil  # slow to import, and left-overs are rare

                    shutil.rmtree(path)
                else:
                    path.unlink()
                removed.append(name)
    return removed


def is_temporary_file(name: str) -> bool:
    """Return whether `name` is that of a file being written (`.<name>-<maker>.tmp`)."""
    return name.startswith(".") and name.endswith(".tmp")


def _last_change(path: Path) -> float:
    """Return when a file, or a folder or something directly in it, was last changed (epoch, s)."""
    changed = [path.lstat().st_mtime]
    if path.is_dir() and not path.is_symlink():
        with os.scandir(path) as entries:
            changed += [entry.stat(follow_symlinks=False).st_mtime for entry in entries]
    return max(changed)


@cache
def host_tag() -> str:
    """Return 8 hexadecimal digits for host, boot and pid namespace, in which a pid is unique."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    text = "\0".join((host_name().lower(), boot_id(), space))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _lives(pid: int, start: int) -> bool:
    if not os.path.isdir("/proc/self"):
        return process_alive(pid, start / 1000)
    if not os.path.exists(f"/proc/{pid}"):
        try:  # it may be hidden (mount option hidepid)
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
    return start_time(pid) == start
