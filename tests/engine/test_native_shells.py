"""Tasks in the shells of the system: of Windows on its runner, of POSIX elsewhere."""

from __future__ import annotations

import shutil
import sys

import pytest

from .support import Project

SHELLS = ["powershell", "cmd"] if sys.platform == "win32" else ["bash", "sh"]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("name", SHELLS)
def test_a_task_runs_in_the_shell_of_the_system(shell: Project, name: str, terminal: bool) -> None:
    path = shutil.which(name)
    assert path is not None
    shell.settings(f"shell_mode: custom\nshell_executable: '{path}'\nterminal: {str(terminal).lower()}\n")
    task = shell.task("a task's name", "echo hello\nexit 3\n")
    shell.submit(task)
    assert shell.wait(task) == ["failed"]
    assert shell.info(task)["exit_codes"] == [3]
    assert b"hello" in shell.output(task)
