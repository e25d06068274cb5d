"""Where the administrator says so, what a task leaves may be read by the owner's group."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.cli.test_cli import Terminal
from tests.engine.support import stop_everything

SCRIPT = "import pyruns_jupyter as pyruns\npyruns.track(loss=1)\npyruns.record(acc=0.5)\n"
GROUP = USER = 54321


def modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others can enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="pyruns-group-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize("group", [True, False])
def test_the_group_reads_what_it_may(folder: Path, group: bool) -> None:
    (folder / "train.py").write_text(SCRIPT)
    terminal = Terminal(folder)
    if group:
        terminal.environment["PYRUNS_GROUP_READS"] = "1"
    for words in (["open", "train.py"], ["sweep", "-", "-n", "one", "--run"], ["wait", "one"]):
        process = terminal.start(*words)  # which reads the variable when it starts
        assert process.communicate("{}\n", timeout=120)[1] == ""
    stop_everything(folder)  # what is still written may vanish while it is looked at
    workspace = WorkspaceFolder(folder / "_pyruns_" / "train")
    task = workspace.paths("one").folder
    found = modes(task)
    readable = "0o640" if group else "0o600"
    assert found["task_info.json"] == found["config.yaml"] == readable
    assert found["run_logs/run1.input.json"] == "0o600"  # it may hold secrets
    engine = folder / "_pyruns_" / ".engine"
    assert stat.S_IMODE(engine.stat().st_mode) == 0o700
    if os.getuid() == 0:
        assert reads_as_somebody_of_the_group(folder, task) == group


def reads_as_somebody_of_the_group(root: Path, task: Path) -> bool:
    """Tell whether another user of the files' group can read a task."""
    for path in (root, *root.rglob("*")):
        os.chown(path, -1, GROUP)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(GROUP)
            os.setuid(USER)
            os._exit(0 if read_task(task)["records"] == [{"acc": 0.5}] else 2)
        except BaseException:  # noqa: BLE001 - whatever it is, it could not
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
