"""What `ps` shows of our processes: which project and task each of them works for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import wait_until

from .support import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process do that")

HOLD = "echo up; while [ ! -e go ]; do sleep 0.1; done"


def shown(pid: int) -> str:
    """The command line of a process as `ps` shows it."""
    return subprocess.check_output(["ps", "-ww", "-o", "args=", "-p", str(pid)], text=True).strip()


@pytest.mark.usefixtures("new_daemons")
def test_a_supervisor_shows_its_task_and_project(shell: Project) -> None:
    names = [shell.task("short", HOLD), shell.task("a" * 190, HOLD)]
    shell.submit(*names, jobs=2)
    for name in names:
        shell.wait_for_output(name, b"up")
    assert shown(shell.supervisor_pid("short")) == f"pyruns-run _shell_/short {shell.folder}"
    long = shown(shell.supervisor_pid("a" * 190))
    assert long.startswith("pyruns-run _shell_/aaa")  # as much as there is room for
    assert long.endswith(f"a {shell.folder}")
    scheduler = shown(shell.scheduler_pid())
    assert scheduler.endswith(f"-m pyruns_jupyter.engine.scheduler {shell.root}")
    (shell.folder / "go").touch()
    assert shell.wait(*names) == ["completed"] * 2


def test_a_supervisor_of_several_runs_shows_the_present_one(shell: Project) -> None:
    for number in range(4):
        name = shell.task(f"quick{number}", "true")
        shell.submit(name)
        shell.wait(name)
    shell.task("last", HOLD)
    shell.submit("last")
    shell.wait_for_output("last", b"up")
    wait_until(lambda: shown(shell.supervisor_pid("last")) == f"pyruns-run _shell_/last {shell.folder}")
    (shell.folder / "go").touch()
    assert shell.wait("last") == ["completed"]
