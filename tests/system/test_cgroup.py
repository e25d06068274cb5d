"""The share that a control group leaves, read from folders like the kernel's, and from a real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.system import host
from pyruns_jupyter.system.cgroup import CpuShare, MemoryShare, cpu_share, memory_share, usable_cores

Group = Callable[..., None]


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    return tmp_path / "fs"


@pytest.fixture
def group(mount: Path) -> Group:
    """Make a group with files of these contents."""

    def make(name: str, **files: str) -> None:
        folder = mount / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file.replace("__", ".")).write_text(content + "\n")

    return make


def test_a_container(groups: Path, mount: Path, group: Group) -> None:
    """Version 2, as a container sees it: its group is the root."""
    groups.write_text("0::/\n")
    group(
        "",
        cpu__max="150000 100000",
        cpu__stat="usage_usec 2500000\nuser_usec 2000000",
        memory__max=str(4 << 30),
        memory__current=str(3 << 30),
        memory__stat=f"anon 5\ninactive_file {1 << 30}",
    )
    assert cpu_share(groups, mount) == CpuShare(1.5, 2.5)
    assert memory_share(groups, mount) == MemoryShare(4 << 30, 2 << 30)


@pytest.mark.parametrize(
    ("allowed", "quota", "cores"),
    [(8, "max 100000", 8), (8, "350000 100000", 3), (2, "350000 100000", 2), (8, "50000 100000", 1)],
)
def test_the_cores_that_may_be_kept_busy(
    groups: Path,
    mount: Path,
    group: Group,
    monkeypatch: pytest.MonkeyPatch,
    allowed: int,
    quota: str,
    cores: int,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)))
    groups.write_text("0::/\n")
    group("", cpu__max=quota, cpu__stat="usage_usec 0")
    assert usable_cores(groups, mount) == cores
    groups.write_text("3:cpu,cpuacct:/job\n")
    microseconds, period = quota.replace("max", "-1").split()
    group("cpu,cpuacct/job", cpu__cfs_quota_us=microseconds, cpu__cfs_period_us=period, cpuacct__usage="0")
    assert usable_cores(groups, mount) == cores


def test_the_tightest_of_nested_groups(groups: Path, mount: Path, group: Group) -> None:
    """As systemd makes them for a user of a hub: the limit is on the slice above."""
    groups.write_text("0::/user.slice/user-7.slice/session.scope\n")
    group("user.slice", cpu__max="max 100000", memory__max="max", memory__current="9")
    group(
        "user.slice/user-7.slice",
        cpu__max="400000 100000",
        cpu__stat="usage_usec 1000000",
        memory__max="1000",
        memory__current="900",
    )
    group(
        "user.slice/user-7.slice/session.scope",
        cpu__max="800000 100000",
        cpu__stat="usage_usec 5",
        memory__max="5000",
        memory__current="300",
    )
    assert cpu_share(groups, mount) == CpuShare(4.0, 1.0)
    assert memory_share(groups, mount) == MemoryShare(1000, 900)


@pytest.mark.parametrize("name", ["/docker/abc", "/"])
def test_version_1(groups: Path, mount: Path, group: Group, name: str) -> None:
    """In a container its group has the host's name, but only the group itself is mounted."""
    groups.write_text(f"12:cpu,cpuacct:{name}\n7:memory:{name}\n1:name=systemd:{name}\n")
    group(
        "cpu,cpuacct",
        cpu__cfs_quota_us="50000",
        cpu__cfs_period_us="100000",
        cpuacct__usage="3000000000",
    )
    group(
        "memory",
        memory__limit_in_bytes="2000",
        memory__usage_in_bytes="1500",
        memory__stat="total_inactive_file 600",
    )
    assert cpu_share(groups, mount) == CpuShare(0.5, 3.0)
    assert memory_share(groups, mount) == MemoryShare(2000, 900)


def test_version_1_says_that_there_is_no_limit(groups: Path, mount: Path, group: Group) -> None:
    groups.write_text("7:memory:/\n")
    group("memory", memory__limit_in_bytes="9223372036854771712", memory__usage_in_bytes="1500")
    assert memory_share(groups, mount) is None


@pytest.mark.parametrize(
    "text", ["", "0::/\n", "0::/../../x\n", "garbage", "0::", "4:cpu:/\n0::/a\n", "\0:\xff:/\n"]
)
def test_no_limits(groups: Path, mount: Path, group: Group, text: str) -> None:
    groups.write_text(text, encoding="latin-1")
    group("", cpu__max="max 100000", cpu__stat="usage_usec 7", memory__max="max", memory__current="5")
    group("cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000", cpuacct__usage="1")
    assert cpu_share(groups, mount) is None
    assert memory_share(groups, mount) is None
    assert cpu_share(groups / "missing", mount / "missing") is None


def test_files_that_say_nothing_sensible(groups: Path, mount: Path, group: Group) -> None:
    groups.write_text("0::/\n")
    group("", cpu__max="100 0", memory__max="many", memory__stat="inactive_file x")
    assert cpu_share(groups, mount) is None
    assert memory_share(groups, mount) is None


def test_the_share_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([10.0, 10.0, 10.0 + 1e9])
    monkeypatch.setattr(host, "cpu_share", lambda: CpuShare(0.5, next(used)))
    monkeypatch.setattr(host, "memory_share", lambda: MemoryShare(1000, 250))
    meter = host.CpuMeter()
    first = meter.read()
    assert (first["cores"], first["limited"], first["percent"]) == (0.5, True, 0.0)
    assert meter.read()["percent"] == 100.0
    memory = host.MemoryMeter()
    assert memory.read() == {"used": 250, "total": 1000, "limited": True}
    monkeypatch.setattr(host, "memory_share", lambda: MemoryShare(1 << 60, 250))
    assert memory.read()["total"] == psutil.virtual_memory().total


def test_a_limit_that_is_set_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit, it is searched for a few times a minute."""
    now, limit, searches = 1000.0, list[CpuShare](), list[float]()
    memory_limit, memory_searches = list[MemoryShare](), list[float]()

    def share() -> CpuShare | None:
        searches.append(now)
        return limit[0] if limit else None

    def share_of_memory() -> MemoryShare | None:
        memory_searches.append(now)
        return memory_limit[0] if memory_limit else None

    monkeypatch.setattr(host, "cpu_share", share)
    monkeypatch.setattr(host, "memory_share", share_of_memory)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    meter, memory = host.CpuMeter(), host.MemoryMeter()
    for _ in range(9):
        assert not (meter.read()["limited"] and limit)
        assert not memory.read()["limited"]
        now += 1
    assert searches == memory_searches == [1000.0]
    limit.append(CpuShare(0.5, 1.0))
    memory_limit.append(MemoryShare(1000, 250))
    for _ in range(3):
        found, used = meter.read(), memory.read()
        now += 1
    assert (found["cores"], used["total"]) == (0.5, 1000)
    assert searches == memory_searches == [1000.0, 1010.0, 1011.0]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@pytest.mark.skipif(_cores() < 2, reason="needs two cores")
def test_only_the_cores_that_we_may_use() -> None:
    code = (
        "import os\nfrom pyruns_jupyter.system.host import CpuMeter\n"
        "os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])\n"
        "found = CpuMeter().read()\nprint(found['cores'], found['limited'], len(found['per_core']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True", "1"]


LIMITS = {
    "cpu.max": "50000 100000",
    "memory.max": str(300 << 20),
    "cpu.cfs_period_us": "100000",
    "cpu.cfs_quota_us": "50000",
    "memory.limit_in_bytes": str(300 << 20),
}


@pytest.fixture
def real_group() -> Iterator[list[Path]]:
    """A group of the kernel's own with half a core and 300 MB, in all hierarchies that it needs."""
    top = Path("/sys/fs/cgroup")
    name, made = f"pyruns-test-{os.getpid()}", list[Path]()
    try:
        if (top / "cgroup.controllers").is_file():
            (top / "cgroup.subtree_control").write_text("+cpu +memory")
            made.append(top / name)
        else:
            made += [top / controller / name for controller in ("cpu", "cpuacct", "memory")]
        for folder in made:
            folder.mkdir()
            for file, limit in LIMITS.items():
                if (folder / file).exists():
                    (folder / file).write_text(limit)
        yield made
    except OSError:
        pytest.skip("no control groups can be made here")
    finally:
        for folder in made:
            if folder.is_dir():
                folder.rmdir()


def test_a_real_group(real_group: list[Path]) -> None:
    """A process that keeps as busy as it may is seen to use what it gets of its share."""
    assert shutil.which("sh")
    code = """
import time
from pyruns_jupyter.system.host import CpuMeter, MemoryMeter
meter, began = CpuMeter(), time.monotonic()
meter.read()
used, until = time.process_time(), time.monotonic() + 1.5
while time.monotonic() < until:
    pass
used = time.process_time() - used
found = meter.read()
# What the kernel gave it, of half a core in all the time.
given = 100 * used / (0.5 * (time.monotonic() - began))
print(found["cores"], found["percent"], MemoryMeter().read()["total"], given)
"""
    move = "".join(f"echo $$ > {folder}/cgroup.procs && " for folder in real_group)
    move += f'exec {sys.executable} -c "$0"'
    done = subprocess.run(["sh", "-c", move, code], capture_output=True, text=True, check=True)
    cores, percent, total, given = done.stdout.split()
    assert (float(cores), int(total)) == (0.5, 300 << 20)
    assert float(percent) > min(100, float(given)) / 2
