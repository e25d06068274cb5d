"""The limits and the usage of a Linux control group, such as that of a container or of a user of a hub.

Sources: the kernel's documentation of control groups, version 2 ("cpu.max", "cpu.stat", "memory.max",
"memory.current", "memory.stat") and version 1 ("cpu.cfs_quota_us", "cpuacct.usage", "memory.limit_in_bytes").
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from .kernel_files import read_kernel_file

GROUPS = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # or more bytes: how version 1 says that there is no limit
_HOST_COUNTS = Path("/proc/vmstat")


class CpuShare(NamedTuple):
    """The number of cores that a group may use, and the CPU seconds that it has used so far."""

    cores: float
    used: float


class MemoryShare(NamedTuple):
    """The bytes that a group may use and uses, without cache that the kernel can drop at once."""

    total: int
    used: int


def cpu_share(groups: Path = GROUPS, mount: Path = MOUNT) -> CpuShare | None:
    """Return the tightest CPU limit of this process, None if there is none."""
    found: list[CpuShare] = []
    for folder in group_folders(groups, mount, ""):
        quota, _, period = group_text(folder / "cpu.max").partition(" ")
        with suppress(ValueError, ZeroDivisionError):
            used = group_field(group_text(folder / "cpu.stat"), "usage_usec") / 1e6
            found.append(CpuShare(int(quota) / int(period), used))
    for folder in group_folders(groups, mount, "cpu"):
        with suppress(ValueError, ZeroDivisionError):
            quota_us = int(group_text(folder / "cpu.cfs_quota_us"))
            if quota_us > 0:
                cores = quota_us / int(group_text(folder / "cpu.cfs_period_us"))
                found.append(CpuShare(cores, _used_by(folder, groups, mount)))
    return min(found, key=lambda share: share.cores, default=None)


def usable_cores(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """Return how many cores this process may keep busy, at least 1: those that it may run on, or fewer if a
    control group limits its CPU time.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = cpu_share(groups, mount)
    return max(1, cores if share is None else min(cores, math.floor(share.cores)))


def memory_share(groups: Path = GROUPS, mount: Path = MOUNT) -> MemoryShare | None:
    """Return the tightest memory limit of this process, None if there is none."""
    found: list[MemoryShare] = []
    for names, controller in (
        (("memory.max", "memory.current", "inactive_file"), ""),
        (("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"), "memory"),
    ):
        for folder in group_folders(groups, mount, controller):
            with suppress(ValueError):
                total = int(group_text(folder / names[0]))
                if total < _UNLIMITED:
                    current = int(group_text(folder / names[1]))
                    dropped = group_field(group_text(folder / "memory.stat"), names[2])
                    found.append(MemoryShare(total, max(0, current - dropped)))
    return min(found, key=lambda share: share.total, default=None)


def oom_kills() -> int:
    """Return how many processes the kernel has killed because memory ran out: in the group of this process,
    or on the whole host if groups do not count them.
    """
    return group_field(group_text(_oom_counter()), "oom_kill")


@cache
def _oom_counter() -> Path:
    """Return the kernel file that counts the kills of this process' group. Processes stay in their group."""
    for controller, name in (("", "memory.events"), ("memory", "memory.oom_control")):
        for folder in group_folders(GROUPS, MOUNT, controller)[:1]:
            if "oom_kill " in group_text(folder / name):
                return folder / name
    return _HOST_COUNTS


def group_folders(groups: Path, mount: Path, controller: str) -> tuple[Path, ...]:
    """Return the folders of this process' group and its parents; an empty `controller` means version 2.

    In a container the names in `groups` may be those of the host, of which only a part is mounted.
    """
    return _folders_in(group_text(groups), mount, controller)


@lru_cache(maxsize=16)  # they are needed every second
def _folders_in(groups: str, mount: Path, controller: str) -> tuple[Path, ...]:
    for line in groups.splitlines():
        _, controllers, name = [*line.split(":", 2), "", ""][:3]
        if controller not in controllers.split(","):
            continue
        top = mount / controllers if controller and (mount / controllers).is_dir() else mount / controller
        own = top / name.strip("/")
        if ".." in own.parts or not own.is_dir():
            own = top
        return (own, *(folder for folder in own.parents if folder.is_relative_to(top)))
    return ()


def _used_by(folder: Path, groups: Path, mount: Path) -> float:
    """Return the CPU seconds of a group of version 1; often its own folder has them."""
    for place in (folder, *group_folders(groups, mount, "cpuacct")):
        with suppress(ValueError):
            return int(group_text(place / "cpuacct.usage")) / 1e9
    raise ValueError("no CPU usage")


def group_field(text: str, name: str) -> int:
    """Return the number of a line such as `name 5`; 0 if there is no such line."""
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def group_text(path: Path) -> str:
    """Return the content of a kernel file; empty if it cannot be read."""
    try:
        return read_kernel_file(path).decode("ascii", "replace").strip()
    except OSError:
        return ""
