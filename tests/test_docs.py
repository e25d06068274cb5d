"""What the first page of the documentation tells people to do works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from pyruns_jupyter.api import Workspace
from tests.engine.support import stop_everything
from tests.support import ROOT

START = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", START, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


def test_the_five_minutes(tmp_path: Path) -> None:
    [script] = blocks("python")
    (tmp_path / "train.py").write_text(script)
    [commands] = [block for block in blocks("") if block.startswith("jupyter pyruns open")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    try:
        said = subprocess.run(
            ["sh", "-e"],
            input=commands,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        workspace = Workspace.open(tmp_path / "train.py")
        tasks = workspace.wait(timeout=60)
    finally:
        stop_everything(tmp_path)
    assert said.stderr == ""
    assert said.stdout.count("first_") >= 3
    assert {task.name: task.status for task in tasks} == {
        f"first_{number}_lr={lr}": "completed" for number, lr in enumerate((0.01, 0.1, 0.5), 1)
    }
    best = workspace.tasks(sort="final")[0]
    assert best.records() == {"final": 0.5**10}
