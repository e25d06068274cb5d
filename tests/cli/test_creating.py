"""What `open`, `add`, `sweep` and `run` say about scripts and configurations that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

from .test_cli import SCRIPT, Terminal

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


LOOP = """\
import argparse, random
parser = argparse.ArgumentParser()
for name, default in random.sample([("lr", 0.5)], 1):
    parser.add_argument("--" + name, type=float, default=default)
args = parser.parse_args()
print("lr is", args.lr)
"""


def test_asking_a_script(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "loop.py").write_text(LOOP, encoding="utf-8")
    hints = said(terminal, "open", "loop.py")[1]
    assert "To ask the script for its parameters, run: jupyter pyruns open loop.py --ask" in hints
    out, hints = said(terminal, "open", "loop.py", "--ask")
    assert out == "loop: no tasks yet\n" and hints.startswith(
        "The script has 1 parameter (argparse, asked with "
    )
    assert said(terminal, "open", "loop.py")[1] == ""
    (tmp_path / "two.yaml").write_text("lr: 1 | 2\n", encoding="utf-8")
    terminal("plan", "two.yaml", "--check")
    terminal("sweep", "two.yaml", "-n", "a", "--check", "--run")
    assert set(terminal.json("wait").values()) == {"completed"}
    assert "lr is 2.0" in terminal("log", "a_2_lr=2")
    text = LOOP.replace("type=float", "choices=[1], type=float")
    (tmp_path / "loop.py").write_text(text, encoding="utf-8")
    refused = terminal("sweep", "two.yaml", "-n", "b", "--check", code=1)
    why = "The script rejects the command line of task 2 (lr: 2): argument --lr: invalid choice: 2.0"
    assert why in refused.replace("'2.0'", "2.0")  # as Python 3.13 writes it
    assert len(terminal.json("ls")) == 2
    terminal("open", ".")
    refused = terminal("sweep", "-", "-n", "c", "--check", code=2, given="echo\n")
    assert "--check requires the workspace of a script, and _shell_ has shell tasks" in refused
    assert terminal.json("ls") == []


def test_a_script_that_cannot_be_asked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "plain.py").write_text("import not_installed_here\n", encoding="utf-8")
    refused = terminal("open", "plain.py", "--ask", code=1)
    assert "failed in line 1" in refused and "Install not_installed_here" in refused
    assert "--stub-missing requires --ask" in terminal("open", "plain.py", "--stub-missing", code=2)
    refused = terminal("open", "plain.py", "--ask", "--stub-missing", code=1)
    assert "ended without using a command-line parser" in refused


def test_a_parser_library_in_which_nothing_was_found(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "options.py").write_text("import argbind\n", encoding="utf-8")
    (tmp_path / "train.py").write_text("import docopt\n", encoding="utf-8")
    (tmp_path / "main.py").write_text("import options\n", encoding="utf-8")
    assert "The script uses docopt, but no parameters were found" in said(terminal, "open", "train.py")[1]
    assert "A file that the script imports uses argbind" in said(terminal, "open", "main.py")[1]
    (tmp_path / "plain.py").write_text("print(1)\n", encoding="utf-8")
    assert said(terminal, "open", "plain.py")[1] == ""


CONSTANTS = """\
import sys
from pathlib import Path
import helper
LR = 0.1
print("lr is", LR, Path(__file__).parent.name, sys.argv[1:], helper.__name__)
if LR > 1:
    raise SystemExit(1)
"""


def test_constants_of_a_script(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    script = tmp_path / "train.py"
    script.write_text(CONSTANTS, encoding="utf-8")
    (tmp_path / "helper.py").touch()
    terminal("open", "train.py")
    (tmp_path / "two.yaml").write_text("constants: {LR: 0.1 | 0.5}\ncommand_line: x\n", encoding="utf-8")
    shown = terminal("plan", "two.yaml", "--commands")
    assert shown == "python train.py x\npython train.py x  # LR = 0.5\n"
    terminal("sweep", "two.yaml", "-n", "a", "--run")
    assert set(terminal.json("wait").values()) == {"completed"}
    names = sorted(one["name"] for one in terminal.json("ls"))
    logs = [terminal("log", name) for name in names]
    place = tmp_path.name
    assert f"lr is 0.1 {place} ['x'] helper" in logs[0] and "copy of the script" not in logs[0]
    assert f"lr is 0.5 {place} ['x'] helper" in logs[1] and "A copy of the script with LR = 0.5:" in logs[1]
    task = tmp_path / "_pyruns_" / "train" / "tasks" / names[1]
    copy = task / "artifacts" / "run1" / "changed_script" / "train.py"
    assert copy.read_text(encoding="utf-8").startswith(
        "import sys\nfrom pathlib import Path\nimport helper\nLR = 0.5\n"
    )
    assert script.read_text(encoding="utf-8") == CONSTANTS

    script.write_text(CONSTANTS.replace("LR", "RATE"), encoding="utf-8")
    terminal("run", names[1])
    assert set(terminal.json("wait", names[1], code=1).values()) == {"failed"}
    assert "The script has no constant LR that can be set" in terminal("log", names[1])


FILE = """\
import json, sys
print(sys.argv[1][-5:], json.load(open(sys.argv[1])))
"""


def test_a_file_with_the_values_of_the_task(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "train.py").write_text(FILE, encoding="utf-8")
    terminal("open", "train.py")
    text = "command_line: '{config.json}'\nlr: 0.1 | 0.2\nmodel: {depth: 3}\nname: lr-${lr}\n"
    (tmp_path / "two.yaml").write_text(text, encoding="utf-8")
    assert terminal("plan", "two.yaml", "--commands") == "python train.py config.json\n" * 2
    terminal("sweep", "two.yaml", "-n", "a", "--run")
    assert set(terminal.json("wait").values()) == {"completed"}
    name = sorted(one["name"] for one in terminal.json("ls"))[1]
    expected = ".json {'lr': 0.2, 'model': {'depth': 3}, 'name': 'lr-0.2'}"
    assert expected in terminal("log", name)
    left = [one.name for one in (tmp_path / "_pyruns_" / "train" / "tasks" / name).iterdir()]
    assert not [one for one in left if one.startswith(".pyruns-input-")]


def test_commands_of_modules_and_notebooks(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "pkg")
    (tmp_path / "pkg").mkdir()
    for name in ("__init__.py", "train.py", "my-train.py"):
        (tmp_path / "pkg" / name).write_text(SCRIPT if name != "__init__.py" else "", encoding="utf-8")
    terminal("open", "my-train.py")
    terminal("open", "train.py")
    (tmp_path / "pkg" / "one.yaml").write_text("lr: 0.5\n", encoding="utf-8")
    settings = tmp_path / "pkg" / "_pyruns_" / "_pyruns_settings.yaml"
    settings.write_text(
        "workspaces: {train: {as_module: true}, my-train: {as_module: true}}", encoding="utf-8"
    )
    assert terminal("plan", "one.yaml", "--commands") == "python -m pkg.train --lr 0.5\n"
    refused = terminal("plan", "one.yaml", "--commands", "-w", "my-train", code=1)
    assert "my-train.py cannot be started as a module" in refused
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "lr = 0.1"}
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "pkg" / "nb.ipynb").write_text(text, encoding="utf-8")
    terminal("open", "nb.ipynb")
    shown = terminal("plan", "one.yaml", "--commands")
    assert shown == "python -m pyruns_jupyter.notebook.nbrun nb.ipynb\n"
