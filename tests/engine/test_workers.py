"""Supervisor processes that take one run after the other: what one run had is not the next one's."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support import wait_until

from .support import Project

# What the task sees of its supervisor: pid, open files, working folder, terminal.
LOOK = "echo pid $PPID\necho files $(ls /proc/$PPID/fd | wc -l)\necho at $(readlink /proc/$PPID/cwd)\n"


def seen(project: Project, name: str, what: str) -> str:
    """Return what a task said of its supervisor."""
    lines = project.log(name).decode().splitlines()
    return next(line.split(" ", 1)[1] for line in lines if line.startswith(f"{what} "))


def _words(process: psutil.Process) -> list[str]:
    """Return the command line of a process, empty if it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def run_in_turn(project: Project, *scripts: str) -> list[str]:
    """Run tasks one after the other, of one queueing; return their names."""
    names = [project.task(f"t{number:02}", script) for number, script in enumerate(scripts)]
    project.submit(*names, jobs=1)
    project.wait(*names, timeout=150)  # up to 120 runs
    return names


def test_short_runs_share_a_supervisor_and_leave_nothing_in_it(shell: Project) -> None:
    names = run_in_turn(shell, *[LOOK] * 30)
    assert len({seen(shell, name, "pid") for name in names}) == 1
    files = [int(seen(shell, name, "files")) for name in names]
    assert max(files) - min(files) < 10  # some are open for a moment; a leak would be one a run at least
    assert {seen(shell, name, "at") for name in names} == {str(shell.folder)}
    shell.wait_for_exit()
    for name in names:
        assert not shell.paths(name).owner(1).exists()
        assert "FINISH" in shell.log(name).decode()


def test_a_scheduler_keeps_a_supervisor_for_the_next_run(shell: Project) -> None:
    shell.settings("scheduler_linger_seconds: 600\n")
    names = [shell.task(name, LOOK) for name in ("first", "second", "third")]
    with shell.scheduler():
        shell.submit(*names[:2], jobs=2)
        shell.wait(*names[:2])
        scheduler = psutil.Process(shell.scheduler_pid())
        idle = ["pyruns-run", "(idle)", str(shell.folder)]
        wait_until(lambda: [_words(child)[:3] for child in scheduler.children()] == [idle])
        shell.submit(names[2])
        shell.wait(names[2])
    assert seen(shell, names[2], "pid") in {seen(shell, name, "pid") for name in names[:2]}


# A scheduler whose orphans this process inherits; prints whom it has reaped.
HEIR = """
import os, sys
from pyruns_jupyter.engine.processes.native import gather_orphans
from pyruns_jupyter.engine.scheduler.process import main

assert gather_orphans()
if os.fork() == 0:
    os._exit(main(sys.argv[1:]))
reaped = []
while True:
    try:
        reaped.append(os.wait()[0])
    except ChildProcessError:
        break
print("reaped", *reaped, "and no other", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a call for that")
def test_a_scheduler_that_leaves_reaps_its_last_supervisor(shell: Project) -> None:
    shell.settings("scheduler_linger_seconds: 0\n")
    shell.task("first", LOOK)
    with shell.scheduler(HEIR):
        scheduler = shell.scheduler_pid()
        shell.submit("first")
        shell.wait("first")
    wait_until(lambda: "and no other" in shell.scheduler_log(), message=shell.scheduler_log)
    assert f"reaped {scheduler} and no other" in shell.scheduler_log()


# Runs without a scheduler; prints which files the last one opens.
FILES = """
import os, sys
from contextlib import ExitStack
from pathlib import Path
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.processes.native import SignalPipe
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.run import heartbeat
from pyruns_jupyter.engine.run.supervisor import supervise
from pyruns_jupyter.engine.run.workers import warm_up

heartbeat._FIRST_SECONDS = 600.0  # on a busy machine, even these runs are not that short
opened = []
sys.addaudithook(lambda event, words: event == "open" and opened.append(str(words[0])))
warm_up(scripts=False)
signals = SignalPipe(is_supervisor=True)
for name in sys.argv[2:]:
    job = Job(Path(sys.argv[1]), "_shell_", name, name, "batch", {**os.environ}, sys.executable)
    with edit_task(job.paths.folder, durable=False) as info:
        runs.queue(info, attempt=name, batch="batch")
    opened.clear()
    with ExitStack() as held:
        supervise(job, {"gpus": []}, signals, held)
print(len(opened), *opened)
"""


def test_a_short_run_opens_few_files(shell: Project) -> None:
    names = [shell.task(f"t{number}", "true\n") for number in range(3)]
    words = [sys.executable, "-c", FILES, str(shell.root), *names]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [shell.status(name) for name in names] == ["completed"] * 3
    count, *opened = done.stdout.split()
    assert "/proc/stat" not in opened  # slow on machines with many cores
    assert int(count) <= 32, opened


def test_a_supervisor_ends_after_many_runs(shell: Project) -> None:
    names = run_in_turn(shell, *["echo pid $PPID\n"] * 120)
    assert len({seen(shell, name, "pid") for name in names}) == 2


def test_what_one_run_leaves_behind_is_not_the_next_ones(shell: Project) -> None:
    left = "setsid sh -c 'touch left; exec sleep 600' > /dev/null 2>&1 &\n"
    left += "while [ ! -e left ]; do sleep 0.1; done\n"
    first, second = run_in_turn(shell, LOOK + left, LOOK)
    assert seen(shell, first, "pid") != seen(shell, second, "pid")


def test_a_stop_and_a_time_limit_concern_one_run(shell: Project) -> None:
    scripts = [LOOK, LOOK + "kill -TERM $PPID; sleep 600\n", LOOK, LOOK + "sleep 600\n", LOOK]
    names = [shell.task(f"t{number}", script) for number, script in enumerate(scripts)]
    with shell.scheduler():
        shell.submit(*names[:3], jobs=1)
        assert shell.wait(*names[:3]) == ["completed", "cancelled", "completed"]
        shell.submit(*names[3:], jobs=1, time_limit=3600.0)
        shell.wait_for_output(names[3], b"\nat ")  # not that of the first line
        shell.pass_time()
        assert shell.wait(*names[3:]) == ["failed", "completed"]


def test_no_supervisor_outlives_a_killed_scheduler_without_a_job(shell: Project) -> None:
    hold = "while [ ! -e go ]; do sleep 0.1; done\n"
    names = [shell.task(f"t{number}", LOOK + hold) for number in range(3)]
    shell.submit(*names, jobs=1)
    shell.wait_for_output(names[0], b"pid ")
    shell.kill_scheduler()
    supervisor = int(seen(shell, names[0], "pid"))
    (shell.folder / "go").touch()
    shell.wait(names[0])
    wait_until(lambda: not psutil.pid_exists(supervisor))
    assert "Traceback" not in shell.scheduler_log()


# The executors, without a scheduler, so that its supervisor can be stopped between two jobs.
BETWEEN = """
import os, signal, sys, time
from pathlib import Path
import psutil
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.engine.scheduler.executors import Executors

def wait_until(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)

def waiting(name, filler=""):
    job = Job(root, "_shell_", name, name, "batch", {**os.environ, "FILLER": filler}, sys.executable)
    with edit_task(job.paths.folder) as info:
        runs.queue(info, attempt=name, batch="batch")
    return job

root, how = Path(sys.argv[1]), int(sys.argv[2])
executors, first, ended = Executors(claim_engine(root)), waiting("first"), []
executors.start(first)
wait_until(lambda: ended.extend(executors.poll()) or ended == [first])
(supervisor,) = [child for child in psutil.Process().children() if child.name() == "pyruns-run"]
supervisor.send_signal(how)
wanted = {
    signal.SIGSTOP: psutil.STATUS_STOPPED,
    signal.SIGCONT: psutil.STATUS_SLEEPING,
    signal.SIGUSR1: psutil.STATUS_SLEEPING,
}
wait_until(lambda: supervisor.status() == wanted.get(how, psutil.STATUS_ZOMBIE))
sys.modules.update(dict.fromkeys(sys.argv[3:]))  # modules that cannot be imported any more
second = waiting("second", "x" * (100_000 if how == signal.SIGCONT else 1))  # more than a pipe holds
executors.start(second)
wait_until(lambda: ended.extend(executors.poll()) or ended == [first, second])
if how == signal.SIGSTOP:
    supervisor.send_signal(signal.SIGCONT)
executors.rest()
wait_until(lambda: not executors.poll() and len(psutil.Process().children()) == 1)  # the second one's
"""


def run_between(shell: Project, how: signal.Signals, *gone: str) -> bool:
    """Run two tasks, and send a signal to the supervisor in between; return whether it takes both. The
    modules `gone` cannot be imported after the first one.
    """
    for name in ("first", "second"):
        shell.task(name, "echo pid $PPID\n")
    words = [sys.executable, "-c", BETWEEN, str(shell.root), str(int(how)), *gone]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [shell.status(name) for name in ("first", "second")] == ["completed", "completed"]
    return seen(shell, "first", "pid") == seen(shell, "second", "pid")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_one_that_is_gone_or_stands_still_gets_no_job(shell: Project, how: signal.Signals) -> None:
    assert not run_between(shell, how)


def test_an_update_of_the_package_does_not_end_the_scheduler(shell: Project) -> None:
    assert not run_between(shell, signal.SIGKILL, "pyruns_jupyter.engine.run.stack_dump")


def test_a_job_that_is_larger_than_the_pipe_goes_to_another_one(shell: Project) -> None:
    assert not run_between(shell, signal.SIGCONT)


def test_a_signal_between_two_runs_is_not_for_the_next_one(shell: Project) -> None:
    assert run_between(shell, signal.SIGUSR1)
    assert b"SIGUSR1" not in shell.log("second")
