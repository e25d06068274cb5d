"""Lists of tasks as text, also while somebody else changes the tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.plan import Plan
from pyruns_jupyter.api.tables import text_table
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.fs.atomic import dump_json
from pyruns_jupyter.core.tasks.edit import rename
from pyruns_jupyter.core.tasks.trash import trash
from pyruns_jupyter.studies.definition import Definition
from tests.core.making import script_workspace


def test_a_list_shows_the_tasks_that_are_left(tmp_path: Path) -> None:
    folder = script_workspace(tmp_path)
    workspace = Workspace(folder)
    workspace.create("lr: 1 | 2 | 3", "ab")
    found, table = workspace.tasks(), workspace.table("lr>1")
    rename(folder, found.names[0], "other")
    trash(folder, found.names[2])
    assert repr(found).splitlines() == ["status   name       lr  time", "pending  ab_2_lr=2  2"]
    assert "1 task<" in found._repr_html_()
    assert [row.name for row in table.rows] == ["ab_2_lr=2", "ab_3_lr=3"]
    assert repr(table).count("\n") == 2
    assert repr(workspace.table("lr>5")) == "no tasks"


def test_as_json_each_task_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(script_workspace(tmp_path))
    workspace.create("lr: 1 | 2", "grüße")
    monkeypatch.chdir(tmp_path)
    assert main(["ls", "--json"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("[", "]", 4)
    assert [json.loads(line.rstrip(","))["name"] for line in lines[1:-1]] == workspace.tasks().names
    assert json.loads(printed) == [row.to_dict() for row in workspace.table().rows]
    assert main(["ls", "--json", "nothing-like-this"]) == 0
    assert json.loads(capsys.readouterr().out) == []


HOSTILE = "a\u202eb\u0085\x9b2J\u2066"
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_nothing_that_is_shown_commands_a_terminal_or_turns_a_text_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names may hold such characters; those who made them may be others."""
    workspace = Workspace(script_workspace(tmp_path, "a\u202eb.py"))
    [task] = workspace.create("lr: 1", HOSTILE)
    task.notes = f"{HOSTILE}\x1b]0;title\x07"
    task.set_env(LR=f"{HOSTILE}\x1b[2J")
    trashed = workspace.create("lr: 2", f"{HOSTILE}2")
    trash(workspace.folder, trashed.names[0])
    study = Definition(HOSTILE, "lr: 1:9", HOSTILE, message=HOSTILE, state="failed", created_at=1.0)
    (workspace.folder.folder / "studies").mkdir()
    (workspace.folder.folder / "studies" / f"{HOSTILE}.json").write_bytes(dump_json(study.to_dict()))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    commands = [
        *(["ls"], ["ls", "--json"], ["status"], ["status", "--json"], ["show", HOSTILE], ["env", HOSTILE]),
        *(
            ["show", "--json", HOSTILE],
            ["trash"],
            ["studies"],
            ["studies", HOSTILE],
            ["queue"],
            ["queue", "--json"],
        ),
        *(
            ["show", f"{HOSTILE}x"],
            ["ls", "-w", HOSTILE],
            ["ls", f"{HOSTILE}:"],
            [HOSTILE],
            ["open", HOSTILE],
        ),
    ]
    for words in commands:
        main(words)
        out, err = capsys.readouterr()
        assert out or err, words
        assert ODD.search(out + err) is None, (words, out, err)
        if "--json" in words:
            assert "\\u202e" in out or "batches" in out
            json.loads(out)
    plan = Plan("", SweepPlan.parse('x: "1\u202e" | "1\u202e" | 2\n'), names=[HOSTILE, "two"])
    shown = [workspace, workspace.tasks(), task, workspace.studies, workspace.studies[HOSTILE], plan]
    for one in (*shown, workspace.queue):
        assert ODD.search(repr(one)) is None
        made = one._repr_html_() if hasattr(one, "_repr_html_") else ""
        assert ODD.search(made) is None


def test_columns_stand_below_each_other_and_nothing_commands_the_terminal() -> None:
    names = ["実験", "e\u0301a", "a\x1b[2J\u202eb", "plain"]
    lines = text_table(["name", "x"], [[name, "1"] for name in names]).splitlines()
    assert lines == [
        "name             x",
        "実験             1",
        "e\u0301a               1",
        r"a\x1b[2J\u202eb  1",
        "plain            1",
    ]
