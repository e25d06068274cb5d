"""Running out of memory: which processes the kernel kills first, limits of tasks, and what is reserved."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.engine.gpus.reservations import MEMORY_VARIABLE
from pyruns_jupyter.engine.memory.group import MemoryGroup
from pyruns_jupyter.engine.memory.reservations import usable_memory
from pyruns_jupyter.engine.memory.watch import proportional_size, resident_size
from pyruns_jupyter.engine.processes.descendants import descendants
from pyruns_jupyter.engine.queue.status import read_queue
from tests.server.process import ServerProcess
from tests.support import wait_until

from .conftest import MakeProject
from .support import Project, python

MIB = 2**20
SCORE = Path("/proc/self/oom_score_adj")
HOLD = "echo up; while [ ! -e go ]; do sleep 0.1; done\n"

linux_only = pytest.mark.skipif(not SCORE.exists(), reason="only Linux has an OOM killer with scores")


@pytest.fixture(autouse=True)
def own_reservations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests reserve at the same time does not count."""
    (tmp_path / "memory").mkdir()
    monkeypatch.setenv(MEMORY_VARIABLE, str(tmp_path / "memory"))


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def message(project: Project, name: str, run: int = 1) -> str:
    return str(project.info(name)["pyruns_jupyter"].get("messages", {}).get(str(run), ""))


def score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


# Which processes are killed first


@linux_only
def test_only_tasks_and_their_children_have_a_higher_score(shell: Project) -> None:
    tell = "cat /proc/self/oom_score_adj; sh -c 'cat /proc/self/oom_score_adj; true'\n"
    names = [shell.task(name, tell) for name in ("first", "second")]
    shell.task("hold", HOLD)
    ours = int(SCORE.read_text())
    shell.submit(*names)  # one supervisor runs both
    assert shell.wait(*names) == ["completed"] * 2
    expected = f"{min(1000, ours + 500)}\n".encode() * 2
    assert [shell.output(name) for name in names] == [expected] * 2
    shell.submit("hold")
    shell.wait_for_output("hold", b"up")
    assert score(shell.scheduler_pid()) == score(shell.supervisor_pid("hold")) == ours
    (shell.folder / "go").touch()


@linux_only
def test_a_score_that_is_high_already_is_raised_no_further_than_the_kernel_allows(shell: Project) -> None:
    shell.task("T", "cat /proc/self/oom_score_adj")
    raised = f"echo 800 > {SCORE}; exec {sys.executable} -m pyruns_jupyter.cli run T"
    subprocess.run(["sh", "-c", raised], cwd=shell.folder, check=True, capture_output=True, timeout=120)
    assert shell.wait("T") == ["completed"]
    assert shell.output("T") == b"1000\n"


@pytest.fixture
def small_group(tmp_path: Path) -> Iterator[Path]:
    """A control group of the kernel's own with 300 MiB, of version 1 or 2."""
    top = Path("/sys/fs/cgroup")
    is_new = (top / "cgroup.controllers").is_file()
    folder = (top if is_new else top / "memory") / f"pyruns-test-memory-{os.getpid()}"
    try:
        if is_new:
            (top / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
        limits = {"memory.max": 300 * MIB, "memory.limit_in_bytes": 300 * MIB, "memory.swap.max": 0}
        for name, limit in limits.items():
            if (folder / name).exists():
                (folder / name).write_text(str(limit))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield folder
    for pid in (folder / "cgroup.procs").read_text().split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: not (folder / "cgroup.procs").read_text().split(), message="the group is empty")
    folder.rmdir()


def test_server_scheduler_and_supervisors_survive_a_lack_of_memory(
    make_project: MakeProject, small_group: Path, tmp_path: Path
) -> None:
    """No task is larger than the server: without scores the kernel would choose the server."""
    project = make_project()
    block = "import time, os\nheld = b'x' * (30 << 20)\nprint('up', flush=True)\n"
    block += "while not os.path.exists('go'):\n    time.sleep(0.05)\n"
    names = [project.task(f"t{number}", f"exec {python(block)}") for number in range(14)]
    project.task("later", "echo later")
    claim_engine(project.root)
    server = ServerProcess(project.folder, tmp_path / "home")
    try:
        (small_group / "cgroup.procs").write_text(str(server.process.pid))
        run = {"jobs": 14, "stop_after": 0}
        address = "/workspaces/{ws}/actions"
        body = {"action": "run", "names": names, "run": run}
        server.request("POST", address, body, ws="_pyruns_/_shell_")
        scheduler = project.scheduler_pid()
        assert str(scheduler) in (small_group / "cgroup.procs").read_text().split()

        def are_settled() -> bool:
            assert server.process.poll() is None, "the server was killed"
            return all(b"up" in project.output(name) or project.status(name) == "failed" for name in names)

        wait_until(are_settled, 120, lambda: str([project.status(name) for name in names]))
        killed = [name for name in names if project.status(name) == "failed"]
        assert killed
        for name in killed:
            assert message(project, name) == (
                "Killed, probably because the machine or the container ran out of memory."
            )
            assert project.info(name)["exit_codes"] == [-signal.SIGKILL]
        (project.folder / "go").touch()
        assert set(project.wait(*names)) == {"completed", "failed"}
        body = {"action": "run", "names": ["later"]}
        server.request("POST", address, body, ws="_pyruns_/_shell_")
        assert project.wait("later") == ["completed"]
        assert "lost its supervisor" not in project.scheduler_log()
        assert server.process.poll() is None
    finally:
        server.stop()


# Limits


ALLOCATE = "held = b'x' * (200 << 20)\nimport time\ntime.sleep(600)\n"


def test_a_task_that_needs_more_than_its_limit_is_killed_and_the_queue_goes_on(shell: Project) -> None:
    shell.task("hog", f"echo begins\n{python(ALLOCATE)}echo goes on\nsleep 600\n")
    shell.task("next", "echo next")
    shell.submit("hog", "next", memory=100 * MIB)
    assert shell.wait("hog", "next") == ["failed", "completed"]
    used = message(shell, "hog").removeprefix("Killed: out of memory (").removesuffix(" of 100 MiB).")
    assert float(used) > 100
    assert f"[PYRUNS] {message(shell, 'hog')}".encode() in shell.log("hog")
    assert b"goes on" not in shell.output("hog")
    assert shell.info("hog")["exit_codes"] == [-signal.SIGKILL]


def test_what_daemons_of_a_run_use_counts_too(shell: Project) -> None:
    program = shell.folder / "hog.py"
    program.write_text(ALLOCATE)
    shell.task("T", f"setsid -f {sys.executable} {program}\nsleep 600\n")
    shell.submit("T", memory=100 * MIB)
    assert shell.wait("T") == ["failed"]
    assert message(shell, "T").startswith("Killed: out of memory (")


def test_a_task_below_its_limit_is_left_alone(shell: Project) -> None:
    shell.task("T", HOLD)
    shell.submit("T", memory=200 * MIB)
    shell.wait_for_output("T", b"up")
    (shell.folder / "go").touch()
    assert shell.wait("T") == ["completed"]


def test_out_of_memory_is_retried_and_counts_as_one_kind_of_failure(shell: Project) -> None:
    shell.task("retried", python(ALLOCATE))
    shell.submit("retried", memory=100 * MIB, retries=1, retry_delay=0.01)
    assert shell.wait("retried") == ["failed"]
    assert shell.info("retried")["run_statuses"] == ["failed"] * 2
    names = [shell.task(f"t{number}", python(ALLOCATE)) for number in range(2)]
    shell.task("last", "true")
    shell.submit(*names, "last", memory=100 * MIB, stop_after=2)
    assert shell.wait(*names, "last") == ["failed", "failed", "cancelled"]


SHARED = r"""
import os, sys
held = b"x" * (100 << 20)
for _ in range(3):
    if os.fork() == 0:
        break
os.write(1, b"up\n")
sys.stdin.read()
"""


@linux_only
def test_what_processes_share_counts_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SHARED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(4)] == [b"up\n"] * 4
        pids = [process.pid, *descendants(process.pid)]
        assert sorted(pids) == sorted(
            [process.pid, *(one.pid for one in psutil.Process(process.pid).children(recursive=True))]
        )
        assert resident_size(pids) > 400 * MIB
        assert 100 * MIB < proportional_size(pids) < 200 * MIB
        process.stdin.close()


def test_a_control_group_of_a_run(tmp_path: Path) -> None:
    """Files in place of the kernel's: where nothing is delegated to us there is nothing else to try."""
    own = tmp_path / "service" / "main"
    own.mkdir(parents=True)
    groups = tmp_path / "groups"
    groups.write_text("0::/service/main\n")
    (own / "cgroup.procs").touch()
    assert MemoryGroup.make("a1", 5 * MIB, groups, tmp_path) is None
    assert [one.name for one in (tmp_path / "service").iterdir()] == ["main"]
    (tmp_path / "service" / "cgroup.subtree_control").write_text("cpu memory\n")
    group = MemoryGroup.make("a1", 5 * MIB, groups, tmp_path)
    assert group is not None
    folder = tmp_path / "service" / "pyruns-a1"
    assert (folder / "memory.max").read_text() == str(5 * MIB)
    assert (folder / "memory.oom.group").read_text() == "1"
    with group.entered():
        assert (folder / "cgroup.procs").read_text() == str(os.getpid())
    assert (own / "cgroup.procs").read_text() == str(os.getpid())
    assert group.peak_if_killed() is None
    (folder / "memory.events").write_text("oom 1\noom_kill 2\n")
    (folder / "memory.peak").write_text(f"{5 * MIB}\n")
    assert group.peak_if_killed() == 5 * MIB


def test_a_delegated_control_group_kills_at_the_limit() -> None:
    group = MemoryGroup.make(f"test{os.getpid()}", 60 * MIB)
    if group is None:
        pytest.skip("no control group (version 2) with the memory controller is delegated to this process")
    try:
        with group.entered():
            process = subprocess.Popen([sys.executable, "-c", ALLOCATE])
        assert process.wait(60) == -signal.SIGKILL
        assert (group.peak_if_killed() or 0) > 50 * MIB
    finally:
        group.remove()


# Reservations


def test_tasks_wait_for_memory_that_others_have_reserved(make_project: MakeProject) -> None:
    total = usable_memory()
    half = total // 2 + MIB
    one, other = make_project(), make_project(name="other")
    for project in (one, other):
        project.task("T", HOLD)
    one.submit("T", memory=half)
    one.wait_for_output("T", b"up")
    other.submit("T", memory=half)
    wait_until(lambda: "Waiting for memory. The task needs " in why(other), message=lambda: why(other))
    assert " are not reserved by running tasks." in why(other)
    assert other.status("T") == "queued"
    one.kill_scheduler()  # the supervisor holds the reservation
    other.kill_scheduler()
    other.task("small", "true")
    other.submit("small", memory=MIB)
    assert other.wait("small") == ["completed"]
    assert other.status("T") == "queued"
    (one.folder / "go").touch()
    other.wait_for_output("T", b"up")
    (other.folder / "go").touch()
    assert one.wait("T") + other.wait("T") == ["completed"] * 2


def test_more_memory_than_there_is_is_refused(shell: Project) -> None:
    too_much = r"tasks on this machine may use at most .* GiB in total"
    with pytest.raises(InvalidInput, match=too_much) as refused:
        parse_options(shell.workspace, {"memory": "999T"})
    assert refused.value.field == "memory"
    cluster = parse_options(shell.workspace, {"memory": "999T", "engine": "slurm"})
    assert cluster.memory == 999 << 40  # its nodes may have more than this machine
    shell.task("T", "true")  # of a machine that had more
    shell.submit("T", memory=1 << 50)
    wait_until(lambda: re.search(too_much, why(shell)), message=lambda: why(shell))
    assert shell.status("T") == "queued"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1G", 1 << 30), ("1GiB", 1 << 30), ("1.5g", 3 << 29), ("800 M", 800 << 20), ("7MB", 7 << 20)],
)
def test_amounts(shell: Project, text: str, size: int) -> None:
    assert parse_options(shell.workspace, {"memory": text}).memory == size


@pytest.mark.parametrize(
    "given", ["0G", "0", "16", 16, "-1G", "G", "much", "16P", "", True, [], "1e9G", "9" * 99]
)
def test_what_is_no_amount_is_refused(shell: Project, given: object) -> None:
    with pytest.raises(InvalidInput, match="memory must be a size with a unit") as refused:
        parse_options(shell.workspace, {"memory": given})
    assert refused.value.field == "memory"
