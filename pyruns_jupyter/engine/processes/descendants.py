"""Finding the processes of a run: by descent, or by a variable in the environment they were started with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


def descendants(pid: int) -> list[int]:
    """Return the pids of all descendants of a process."""
    try:
        found = _children(pid)
    except OSError:  # not Linux, or a kernel without CONFIG_PROC_CHILDREN
        import psutil

        try:
            return [one.pid for one in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []
    for child in found:  # it grows meanwhile
        try:
            found += _children(child)
        except OSError:  # it has ended
            continue
    return found


def _children(pid: int) -> list[int]:
    """Return the pids of the children of all threads of a process, without a scan of all processes."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
            found += map(int, file.read().split())
    return found


def marked_processes(variable: str, value: str) -> list[psutil.Process]:
    """Return the user's processes that were started with an environment variable set to `value`."""
    import psutil  # slow to import, and most processes need no others

    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
