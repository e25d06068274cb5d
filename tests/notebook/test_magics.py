"""The magics in a real interactive shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from pyruns_jupyter import Workspace
from tests.support import wait_until


class Shell:
    """An interactive shell and what its cells write."""

    def __init__(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell = shell
        self._capsys = capsys

    def cell(self, text: str) -> str:
        """Run a cell that succeeds; return what it wrote."""
        self._capsys.readouterr()
        result = self.shell.run_cell(text)  # type: ignore[no-untyped-call]
        written = self._capsys.readouterr()
        assert result.success, written.err + written.out
        return written.out

    def failing(self, text: str) -> str:
        """Run a cell that fails; return what the user is told."""
        self._capsys.readouterr()
        result = self.shell.run_cell(text)  # type: ignore[no-untyped-call]
        written = self._capsys.readouterr()
        assert not result.success
        told = written.err + written.out
        assert "Traceback" not in told
        assert told.startswith("UsageError: ")
        return told.removeprefix("UsageError: ").strip()


@pytest.fixture
def shell(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """A shell in the project's folder with the extension loaded."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("IPYTHONDIR", str(project / ".ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    interactive = InteractiveShell.instance(config=config)
    made = Shell(interactive, capsys)
    made.cell("%load_ext pyruns_jupyter")
    yield made
    InteractiveShell.clear_instance()


def test_open_makes_the_workspace_current(shell: Shell, project: Path) -> None:
    assert shell.cell("%pyruns open train.py") == "train: no tasks yet\n"
    assert (project / "_pyruns_" / "train" / "config_default.yaml").is_file()
    shell.cell("%pyruns open .")
    assert json.loads(shell.cell("%pyruns status --json"))["workspace"] == "_shell_"


def test_a_sweep_is_made_run_and_read(shell: Shell) -> None:
    shell.cell("%pyruns open train.py")
    made = shell.cell("%%pyruns sweep -n lr\nlr: 0.1 | 0.2\n")
    assert "Created 2 tasks: lr_1_lr=0.1, lr_2_lr=0.2" in made
    assert "queued" in shell.cell("%pyruns run lr_1_lr=0.1")
    shell.cell("%pyruns wait --timeout 60 lr_1_lr=0.1")
    assert "lr is 0.1" in shell.cell("%pyruns log lr_1_lr=0.1")
    rows = {row["name"]: row for row in json.loads(shell.cell("%pyruns ls --json"))}
    assert rows["lr_1_lr=0.1"]["status"] == "completed"
    assert rows["lr_1_lr=0.1"]["figures"] == {"acc": 0.2}
    assert rows["lr_2_lr=0.2"]["status"] == "pending"
    listed = shell.cell("%pyruns ls status:completed")
    assert "lr_1_lr=0.1" in listed
    assert "lr_2_lr=0.2" not in listed


def test_a_sweep_opens_its_script_and_runs(shell: Shell) -> None:
    made = shell.cell("%%pyruns sweep train.py -n go --run -j 2\nlr: 1 | 2\n")
    assert "queued them" in made
    shell.cell("%pyruns wait --timeout 60")
    counts = json.loads(shell.cell("%pyruns status --json"))["counts"]
    assert counts["completed"] == 2


def test_stop(shell: Shell) -> None:
    shell.cell("%%pyruns sweep train.py -n long --run\nseconds: 600\n")
    workspace = Workspace.open("train.py")
    wait_until(lambda: workspace["long"].status == "running", message="the task to run")
    assert "long" in shell.cell("%pyruns stop long")
    wait_until(lambda: workspace["long"].status == "cancelled", message="the task to stop")
    assert "lr is" in shell.cell("%pyruns log --tail 1000 long")


def test_a_shell_script(shell: Shell) -> None:
    made = json.loads(shell.cell("%%pyruns shell -n hello --run --json\necho hello from a cell\n"))
    assert made == {"workspace": "_shell_", "names": ["hello"], "queued": True}
    shell.cell("%pyruns open .")
    shell.cell("%pyruns wait --timeout 60 hello")
    assert "hello from a cell" in shell.cell("%pyruns log hello")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%pyruns run", ["NAME", "usage: %pyruns run"]),
        ("%pyruns explode", ["explode"]),
        ("%pyruns open nowhere.py", ["nowhere.py"]),
        ("%pyruns log nix", ["nix"]),
        ("%pyruns run nix", ["nix"]),
        ('%pyruns ls "x', ["quotation"]),
        ("%pyruns ls '\"a'", ["quote"]),
        ("%pyruns sweep -", ["%%pyruns sweep"]),
        ("%%pyruns sweep -n bad\nlr: [1,\n", ["line 2"]),
        ("%%pyruns sweep -n bad\nlr: 1\nlr: 2\n", ["line 2", "lr"]),
        ("%%pyruns sweep -n bad\nlr: (1 | 2)\nseconds: (1 | 2 | 3)\n", ["line 2", "seconds"]),
        ("%%pyruns sweep -n bad\nseconds: fast\n", ["line 1", "fast"]),
        ("%%pyruns sweep -n bad\nrate: 1 | 2\n", ["rate"]),
        ("%%pyruns sweep -n a/b\nlr: 1\n", ["a/b"]),
        ("%%pyruns shell\n", ["empty"]),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(
    shell: Shell, project: Path, cell: str, words: list[str]
) -> None:
    shell.cell("%pyruns open train.py")
    told = shell.failing(cell)
    for word in words:
        assert word in told
    assert [*(project / "_pyruns_" / "train" / "tasks").iterdir()] == []


def test_a_script_with_a_mistake(shell: Shell, project: Path) -> None:
    (project / "broken.py").write_text("def f(:\n", encoding="utf-8")
    assert "broken.py" in shell.failing("%pyruns open broken.py")
    assert not (project / "_pyruns_" / "broken").exists()


def test_help(shell: Shell) -> None:
    assert "sweep" in shell.cell("%pyruns --help")
    assert "--jobs" in shell.cell("%pyruns run --help")


def test_the_table_and_the_workspace_show_themselves_live(shell: Shell) -> None:
    shell.cell("%%pyruns sweep train.py -n lr\nlr: 0.1 | 0.2\n")
    for text in ("%pyruns", "%pyruns manager"):
        assert "lr_2_lr=0.2" in shell.cell(text)
    formatter = shell.shell.display_formatter
    assert formatter is not None
    bundle: Any = formatter.format(Workspace.open("train.py"))  # type: ignore[no-untyped-call]
    data = bundle[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "lr_1_lr=0.1" in data["text/html"]
