"""The lock around every change of a task file, understood by every program that shares the folder.

Source: `docs/disk-format.md`, "The lock". A kernel lock on a permanent guard file is taken first; a second
file that exists only while the lock is held is for programs (and hosts) that know only that one.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from .errors import Busy
from .filelock import FILE_MODE, locked
from .host import host_name

TIMEOUT = 5.0  # seconds


@cache
def protocol() -> str:
    """Return the word by which programs of this host recognise each other's lock files."""
    parts = (os.name, sys.platform, host_name().lower(), os.environ.get("WSL_DISTRO_NAME", ""))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
    return "guard-v2:" + digest.hexdigest()


@contextmanager
def task_lock(folder: Path, name: str = "task_info.json", *, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock `.<name>.lock` of `folder` for the length of a `with` block (keep it to milliseconds).

    Raises:
        Busy: when somebody else holds it for longer than `timeout` seconds.
        OSError: when the folder is gone or not writable.
    """
    lock_file = folder / f".{name}.lock"
    with locked(folder / f".{name}.lock.guard", timeout=timeout):
        _create(lock_file, time.monotonic() + timeout)
        try:
            yield
        finally:
            lock_file.unlink(missing_ok=True)


def _create(lock_file: Path, deadline: float) -> None:
    line = f"{os.getpid()} {threading.get_ident()} {host_name()} {time.time():.6f} {protocol()}\n"
    while True:
        try:
            descriptor = os.open(lock_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            if _left_behind(lock_file):
                lock_file.unlink(missing_ok=True)
                continue
            if time.monotonic() >= deadline:
                raise Busy(
                    f"{lock_file} is held by another program ({_holder(lock_file)}). "
                    "If that program is gone, remove the file."
                ) from None
            time.sleep(0.005)
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(line)
        return


def _left_behind(lock_file: Path) -> bool:
    """Tell whether the writer of `lock_file` is dead: it used our guard, and we hold the guard."""
    words = _holder(lock_file).split()
    return bool(words) and words[-1] == protocol()


def _holder(lock_file: Path) -> str:
    try:
        with lock_file.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(1000).strip()
    except OSError:
        return ""
