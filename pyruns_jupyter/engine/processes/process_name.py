"""The name and the command line that process lists show for a process of ours; on Linux only."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from functools import cache

_SET_NAME = 15  # prctl(2)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def prctl(option: int, argument: int | bytes) -> bool:
    """Call prctl(2); return whether it succeeded, which is False on other systems than Linux."""
    return sys.platform == "linux" and bool(_library().prctl(option, argument, 0, 0, 0) == 0)


def name_process(name: str, *words: str) -> None:
    """Set the name (15 bytes) and the command line that process lists show for this process, on Linux only.

    `words` follow the name in the command line; by default they are the arguments of the program.
    """
    if prctl(_SET_NAME, name.encode()[:15]):
        _show_command_line([name, *(words or sys.argv[1:])])


def _show_command_line(words: Sequence[str]) -> None:
    """Overwrite the arguments that the kernel shows; Python has its own copy of them.

    If there is not enough room, the second word is truncated.
    """
    place = _argument_memory()
    if place is None:
        return
    start, room = place
    encoded = [os.fsencode(word) for word in words]
    missing = sum(map(len, encoded)) + len(encoded) - room
    if missing > 0 and len(encoded) > 1:
        encoded[1] = encoded[1][: max(0, len(encoded[1]) - missing)]
    text = b"\0".join(encoded)[: room - 1]
    ctypes.memmove(start, text.ljust(room, b"\0"), room)


@cache
def _argument_memory() -> tuple[int, int] | None:
    """Return the address and the size of the arguments of this process, None if they are unknown."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            numbers = stream.read().rpartition(b")")[2].split()
        start, end = int(numbers[45]), int(numbers[46])  # "arg_start" and "arg_end" in proc_pid_stat(5)
    except (OSError, ValueError, IndexError):
        return None
    return (start, end - start) if 0 < start < end else None
