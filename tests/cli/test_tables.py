"""Lists of tasks as text, also while somebody else changes the tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.tables import text_table
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.tasks import rename, trash
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
