"""A control group (version 2) of a run, whose limit the kernel enforces, if groups are delegated.

Source: the kernel's documentation of control groups, "Delegation" and "Memory Interface Files". A group with
processes cannot have child groups with limits, so the group of a run is created next to ours, or below it if
ours is the root of the hierarchy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyruns_jupyter.system.cgroup import GROUPS, MOUNT, group_field, group_folders, group_text

_PROCESSES = "cgroup.procs"


class MemoryGroup:
    """The group of one run; `own` is the one of this process."""

    def __init__(self, folder: Path, own: Path) -> None:
        self._folder = folder
        self._own = own

    @classmethod
    def make(cls, attempt: str, limit: int, groups: Path = GROUPS, mount: Path = MOUNT) -> MemoryGroup | None:
        """Create the group of the run of an attempt with a limit of bytes; None if that is not possible."""
        places = group_folders(groups, mount, "")[:2]
        for place in places:
            if "memory" not in group_text(place / "cgroup.subtree_control").split():
                continue
            folder = place / f"pyruns-{attempt}"
            try:
                _move_to(places[0])  # our own group: check that this process may return to it
                folder.mkdir()
            except OSError:
                continue
            group = cls(folder, places[0])
            try:
                (folder / "memory.max").write_text(str(limit))
                (folder / "memory.oom.group").write_text("1")
            except OSError:
                group.remove()
                continue
            with suppress(OSError):  # a kernel without swap
                (folder / "memory.swap.max").write_text("0")
            return group
        return None

    @staticmethod
    def discard(attempt: str) -> None:
        """Remove the group of a supervisor that was killed."""
        for place in group_folders(GROUPS, MOUNT, "")[:2]:
            with suppress(OSError):
                (place / f"pyruns-{attempt}").rmdir()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Move this process to the group for a `with` block, so that a child starts in it."""
        try:
            _move_to(self._folder)
        except OSError:  # not delegated after all; `MemoryWatch` checks the limit anyway
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):  # `make` has checked it
                _move_to(self._own)

    def peak_if_killed(self) -> int | None:
        """Return the peak memory (bytes) if the kernel killed the run at its limit, else None."""
        if not group_field(group_text(self._folder / "memory.events"), "oom_kill"):
            return None
        peak = group_text(self._folder / "memory.peak")  # since Linux 5.19
        return int(peak if peak.isdigit() else group_text(self._folder / "memory.max"))

    def remove(self) -> None:
        """Remove the group; it stays if it still has a process of the run."""
        with suppress(OSError):
            self._folder.rmdir()


def _move_to(folder: Path) -> None:
    (folder / _PROCESSES).write_text(str(os.getpid()))
