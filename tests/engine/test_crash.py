"""Killing schedulers, supervisors and tasks with -9: nothing is lost, doubled, or shown falsely."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.fs.atomic import dump_json, read_json, write_atomic
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.trust.engine_key import BATCHES
from pyruns_jupyter.core.trust.signatures import SealedFolder
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.queue.options import QueueOptions
from tests.engine.conftest import MakeProject
from tests.engine.support import ENDED, Project
from tests.support import ROOT, wait_until

COUNT = 'echo run >> "$PYRUNS_TASK_DIR/count"; sleep 0.3; echo last\n'


def attended(project: Project, names: list[str]) -> Iterator[None]:
    """Look at the project again and again, as a front end does, until all tasks have ended."""
    while not all(project.status(name) in ENDED for name in names):
        ensure_running(project.root)
        yield


def test_a_killed_scheduler_loses_and_doubles_nothing(shell: Project) -> None:
    # The first ones run until `go` is there, the last one until all kills are done.
    hold = "while [ ! -e {} ]; do sleep 0.1; done; " + COUNT
    names = [shell.task(f"t{number:02}", hold.format("go")) for number in range(11)]
    names.append(shell.task("t11", hold.format("end")))
    shell.submit(*names, jobs=3)
    shell.wait_for_output("t02", b"START")
    shell.kill_scheduler()
    running = [name for name in names if shell.status(name) == "running"]
    assert running
    (shell.folder / "go").touch()
    # The tasks go on and end without any scheduler; what waits goes on waiting.
    assert set(shell.wait(*running)) == {"completed"}
    assert shell.status("t11") == "queued"
    kills = 1

    def all_done() -> bool:
        nonlocal kills
        ensure_running(shell.root)
        if kills == 4:
            (shell.folder / "end").touch()
        elif scheduler_alive(shell.root):
            shell.kill_scheduler()
            kills += 1
        return all(shell.status(name) in ENDED for name in names)

    wait_until(all_done, message=lambda: str([shell.status(name) for name in names]), interval=0.3)
    assert {shell.status(name) for name in names} == {"completed"}
    for name in names:
        assert (shell.paths(name).folder / "count").read_text() == "run\n"
        assert shell.output(name) == b"last\n"
        assert len(shell.info(name)["run_statuses"]) == 1
    assert kills == 4


def test_the_limit_holds_for_what_was_adopted(shell: Project) -> None:
    names = [shell.task(name, "sleep 600") for name in ("a", "b", "c")]
    shell.submit(*names, jobs=2)
    shell.wait_for_output("b", b"START")
    shell.kill_scheduler()
    wait_until(lambda: ensure_running(shell.root))
    pid = shell.scheduler_pid()
    os.kill(shell.pid("a"), signal.SIGKILL)
    shell.wait("a")
    shell.wait_for_output("c", b"START")
    assert shell.info("a")["exit_codes"] == [-9]  # its supervisor lived: the exit code is true
    assert shell.status("b") == "running"
    assert shell.scheduler_pid() == pid


@pytest.mark.parametrize("scheduler_too", [False, True])
def test_a_killed_supervisor(shell: Project, scheduler_too: bool) -> None:
    shell.task(
        "T",
        "trap '' HUP\nsetsid sh -c 'trap \"\" HUP TERM; echo P $$; sleep 600' &\necho P $$\n"
        'echo \'{"t": 1, "record": {"acc": 1}}\' > $PYRUNS_TASK_DIR/run_logs/run1.journal.jsonl\nsleep 600\n',
    )
    shell.task("next", "true")
    shell.submit("T", "next")
    journal = shell.paths("T").journal(1)
    wait_until(lambda: shell.output("T").count(b"P ") == 2 and journal.exists() and journal.stat().st_size)
    pids = [int(word) for word in shell.output("T").split() if word != b"P"]
    in_the_way = shell.paths("T").folder / ".pyruns-input-folder"
    in_the_way.mkdir()  # which cannot be removed like a file, and keeps no run from ending
    if scheduler_too:
        shell.kill_scheduler()
    os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    assert shell.wait("T") == ["failed"]
    info = shell.info("T")
    assert info["exit_codes"] == [None]
    assert info["run_statuses"] == ["failed"]
    assert info["records"] == [{"acc": 1}]
    assert "supervisor of this run was killed" in info["pyruns_jupyter"]["messages"]["1"]
    assert "runner_id" not in info
    wait_until(lambda: not any(map(psutil.pid_exists, pids)))  # nothing of it goes on unseen
    assert list(shell.paths("T").folder.glob(".pyruns-input-*")) == [in_the_way]
    assert shell.wait("next") == ["completed"]


def test_a_run_of_another_host_is_judged_by_its_lease(shell: Project) -> None:
    """Two hosts on one folder: there its pid names nobody of ours, and its lock may not be seen here."""
    shell.task("T", "sleep 600")
    shell.task("other", "true")
    shell.submit("T")
    shell.wait_for_output("T", b"START")
    shell.kill_scheduler()
    os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        owner = shell.paths("T").owner(1)
        write_atomic(owner, dump_json({**read_json(owner), "host": "elsewhere", "boot": "another"}))
        with edit_task(shell.paths("T").folder) as info:
            info["runner_host"] = "elsewhere"
            info["lease_until"] = time.time() + 600
            info["pids"] = [bystander.pid]
            info["pid_create_times"] = [psutil.Process(bystander.pid).create_time()]
        shell.submit("other")
        assert shell.wait("other") == ["completed"]  # so the scheduler has looked
        assert shell.status("T") == "running"

        with edit_task(shell.paths("T").folder) as info:
            info["lease_until"] = time.time() - 1
        assert shell.wait("T") == ["failed"]
        assert (
            "Lost contact with the supervisor on elsewhere"
            in shell.info("T")["pyruns_jupyter"]["messages"]["1"]
        )
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_supervisors_killed_at_any_moment(shell: Project) -> None:
    names = [shell.task(f"t{number:02}", COUNT) for number in range(9)]
    # The last one waits for the last kill, if it is not killed before.
    names.append(shell.task("t09", f"while [ ! -e go ]; do sleep 0.1; done; {COUNT}"))
    shell.submit(*names, jobs=4)
    killed = 0
    scheduler = psutil.Process(shell.scheduler_pid())
    for _ in attended(shell, names):
        if killed == 6:
            (shell.folder / "go").touch()
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself
            for child in scheduler.children() if killed < 6 else []:
                child.kill()
                killed += 1
                break
        time.sleep(0.05)
    assert killed
    for name in names:
        info = shell.info(name)
        path = shell.paths(name).folder / "count"
        runs = path.read_text() if path.exists() else ""
        assert runs in ("run\n", "")  # never twice
        assert info["status"] in ("completed", "failed")
        assert len(info["run_statuses"]) == 1
        if info["status"] == "completed":
            assert shell.output(name) == b"last\n"
        else:
            assert "1" in info["pyruns_jupyter"]["messages"]


def test_a_claim_that_a_power_failure_lost_is_made_again(shell: Project) -> None:
    """What a crash of the machine leaves: the batch file, synced, and the task file as it was before."""
    for name in ("A", "B", "C"):
        shell.task(name, "true")
    shell.submit("A")
    shell.wait("A")
    shell.wait_for_exit()
    done = str(shell.info("A")["_attempt_id"])
    tasks = (("A", done), ("B", "b" * 32), ("C", "c" * 32))
    for boot, expected in (("", "completed"), ("another boot", "completed")):
        batch = batches.Batch(
            batches.new_id(), "_shell_", QueueOptions(), dict(os.environ), sys.executable, tasks
        )
        write = {**batch.to_dict(), "boot": boot or batch.boot}
        path = shell.engine.batches / f"{batch.id}.json"
        SealedFolder(shell.key, BATCHES, ".json").write(batch.id, write)
        wait_until(lambda: ensure_running(shell.root))
        wait_until(lambda path=path: not path.exists(), message="the batch is done")  # type: ignore[misc]
        if boot:
            assert [shell.status(name) for name in "ABC"] == [expected] * 3
            assert len(shell.info("A")["run_statuses"]) == 1
        else:
            assert [shell.status(name) for name in "BC"] == ["pending"] * 2  # nothing crashed: nobody's claim
        shell.wait_for_exit()


def test_many_schedulers_started_at_once(shell: Project) -> None:
    """`PYRUNS_SCHEDULERS` says how many."""
    hold = "while [ ! -e go ]; do sleep 0.1; done; "
    names = [shell.task(f"t{number}", hold + COUNT) for number in range(4)]
    shell.submit(*names, jobs=2)
    shell.kill_scheduler()
    command = [sys.executable, "-m", "pyruns_jupyter.engine.scheduler", str(shell.root)]
    count = int(os.environ.get("PYRUNS_SCHEDULERS", "16"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(command, cwd=shell.folder, env=environment, stderr=subprocess.PIPE)
        for _ in range(count)
    ]
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) <= {"completed", "failed"}
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors.count(b"Traceback")) == (0, 0)
    for name in names:
        assert (shell.paths(name).folder / "count").read_text() == "run\n"
        assert len(shell.info(name)["run_statuses"]) == 1


def test_a_supervisor_that_stood_still_for_minutes(shell: Project) -> None:
    """As after the lid of a laptop was closed: its lease has run out, but it lives and keeps its run."""
    shell.task("T", "echo up; while [ ! -e go ]; do sleep 0.1; done; echo end; exit 3")
    shell.task("next", "true")
    shell.submit("T", "next", jobs=2)
    shell.wait("next")
    shell.wait_for_output("T", b"up")
    supervisor = shell.supervisor_pid("T")
    shell.pid("T")
    try:
        with edit_task(shell.paths("T").folder) as info:
            os.kill(supervisor, signal.SIGSTOP)  # while it does not hold the lock
            info["lease_heartbeat"] = time.time() - 600
            info["lease_until"] = time.time() - 480
        shell.kill_scheduler()
        (shell.folder / "go").touch()
        wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
        time.sleep(2.5)
        assert shell.status("T") == "running"
    finally:
        os.kill(supervisor, signal.SIGCONT)
    assert shell.wait("T") == ["failed"]
    info = shell.info("T")
    assert (info["run_statuses"], info["exit_codes"]) == (["failed"], [3])
    assert shell.output("T") == b"up\nend\n"


@pytest.mark.parametrize("killed", [False, True])
def test_a_host_that_got_another_name(shell: Project, killed: bool) -> None:
    """As a laptop does in another network: the boot is the same, so its locks speak."""
    shell.task("T", "echo up; while [ ! -e go ]; do sleep 0.1; done; exit 3")
    shell.submit("T")
    shell.wait_for_output("T", b"up")
    shell.kill_scheduler()
    owner = shell.paths("T").owner(1)
    owner.write_bytes(dump_json({**read_json(owner), "host": "former-name"}))
    with edit_task(shell.paths("T").folder) as info:
        info["runner_host"] = "former-name"
        info["lease_until"] = time.time() + 600
    if killed:
        os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    if not killed:
        time.sleep(1.5)
        assert shell.status("T") == "running"
        (shell.folder / "go").touch()
    assert shell.wait("T") == ["failed"]
    assert shell.info("T")["exit_codes"] == [None if killed else 3]


@pytest.mark.parametrize("room", ["for the log", "for the state"])
def test_a_disk_that_is_full(small_disk: Path, make_project: MakeProject, room: str) -> None:
    """What does not fit waits and comes whole when there is room again: output, and the final state."""
    shell = make_project(folder=small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(4_000_000))
    lines = 600_000 if room == "for the log" else 10
    go = small_disk.parent / "go"
    shell.task("T", f"echo up; while [ ! -e '{go}' ]; do sleep 0.1; done; seq {lines}; echo end; exit 3")
    shell.submit("T")
    shell.wait_for_output("T", b"up")
    more = os.open(small_disk / "more", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while room == "for the state":
            os.write(more, bytes(1000))
    os.close(more)
    go.touch()
    wait_until(lambda: shutil.disk_usage(small_disk).free < 4096)
    time.sleep(2)
    assert shell.status("T") == "running"
    filler.unlink()
    (small_disk / "more").unlink(missing_ok=True)
    assert shell.wait("T") == ["failed"]
    assert shell.info("T")["exit_codes"] == [3]
    numbers = "".join(f"{number}\n" for number in range(1, lines + 1))
    assert shell.output("T").decode() == f"up\n{numbers}end\n"
