"""What `open`, `add`, `sweep` and `run` say about scripts and configurations that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

from .test_cli import Terminal

UNCALLED = """\
import argparse

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.parse_args()
"""
SAID = "Line 3: Nothing in this file calls main(), so running it has no effect.\n"


def said(terminal: Terminal, *words: str) -> tuple[str, str]:
    """Run a command that succeeds; return what it wrote to its two streams."""
    process = terminal.start(*words)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def test_a_script_that_does_nothing_is_told(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "train.py").write_text(UNCALLED, encoding="utf-8")
    assert said(terminal, "open", "train.py") == ("train: no tasks yet\n", SAID)
    (tmp_path / "one.yaml").write_text("lr: 0.5\n", encoding="utf-8")
    assert said(terminal, "sweep", "one.yaml", "-n", "one")[1] == SAID
    out, _ = said(terminal, "sweep", "one.yaml", "-n", "two", "--json")
    assert json.loads(out)["notices"] == [SAID.strip()]
    (tmp_path / "train.py").write_text(UNCALLED + "main()\n", encoding="utf-8")
    assert said(terminal, "sweep", "one.yaml", "-n", "three")[1] == ""


def test_running_a_configuration(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "train.py").write_text(UNCALLED + "main()\n", encoding="utf-8")
    terminal("open", "train.py")
    (tmp_path / "two.yaml").write_text("lr: 0.5 | 0.25\n", encoding="utf-8")
    assert "Created 2 tasks: a_" in terminal("add", "two.yaml", "-n", "a")
    ended = terminal.json("run", "--config", "two.yaml", "-n", "b", "--wait")
    assert ended == {"b_1_lr=0.5": "completed", "b_2_lr=0.25": "completed"}
    assert "either --config or the tasks" in terminal("run", "b_1_lr=0.5", "--config", "two.yaml", code=2)
    assert "--name requires --config" in terminal("run", "b_1_lr=0.5", "-n", "c", code=2)
    assert len(terminal.json("ls")) == 4


def test_run_waits_for_the_outcome(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "train.py").write_text(UNCALLED + "main()\nraise SystemExit(3)\n", encoding="utf-8")
    terminal("open", "train.py")
    terminal("sweep", "-", "-n", "one", given="lr: 1\n")
    assert "one: queued\n" in (shown := terminal("run", "one", "--wait", code=1)) and "failed" in shown
