"""`stacks`: what the processes of a run do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from tests.recorder import Recorder


def test_stored_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text("import pyruns_jupyter\npyruns_jupyter.load()\n")
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.open(tmp_path / "train.py")
    (task,) = workspace.create("lr: 1\n", "t")
    assert main(["stacks", "t"]) == 1
    assert "Run 1 of 't' has no stored stacks" in capsys.readouterr().err
    run = Recorder(workspace.folder, "t")
    run.start()
    run.paths.stacks(1).write_text("Process 1: a\x1b[31m\n")
    assert main(["stacks", "t", "--stored"]) == 0
    assert capsys.readouterr().out == "Process 1: a\\x1b[31m\n"
    run.finish()
    assert task.stacks() == task.stacks(1, stored=True) == "Process 1: a\\x1b[31m\n"
    assert main(["stacks", "t@1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stacks": task.stacks()}
    assert main(["stacks", "t@2"]) == 1
