"""Marking, copying, ordering, removing, exporting and archiving tasks from a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from tests.cli.test_cli import SCRIPT, Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a project with three tasks."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "sweep.yaml").write_text("lr: 0.1 | 0.2 | 0.3\n")
    made = Terminal(tmp_path)
    made("open", "train.py")
    made("sweep", "sweep.yaml", "-n", "t")
    return made


def test_tags_environment_and_order(terminal: Terminal) -> None:
    names = [row["name"] for row in terminal.json("ls")]
    assert "tagged" in terminal("tag", "good,two words", names[0], names[1])
    assert [row["name"] for row in terminal.json("ls", "tag:good")] == names[:2]
    terminal("tag", "good", names[0], "--off")
    assert terminal.json("ls", "tag:good")[0]["tags"] == ["good", "two words"]
    assert "Invalid tag" in terminal("tag", "x" * 60, names[0], code=1)
    assert "A=b c" in terminal("env", names[0], "A=b c", "MY_TOKEN=hidden", "=".join(("URL", "x=y")))
    told = terminal("env", names[0])
    assert "hidden" not in told
    assert "URL=x=y" in told
    assert "hidden" in terminal("env", names[0], "--show-secrets")
    assert "hidden" not in terminal("show", names[0]) + terminal("show", names[0], "--json")
    assert set(terminal.json("env", names[0], "-u", "A")) == {"MY_TOKEN", "URL"}
    assert "VALUE" in terminal("env", names[0], "A", code=1)
    terminal("reorder", names[2], "before", names[0])
    assert [row["name"] for row in terminal.json("ls", "--sort", "order")] == [names[2], *names[:2]]


def test_copies_and_the_trash(terminal: Terminal) -> None:
    name = terminal.json("ls")[0]["name"]
    assert "second" in terminal("copy", name, "second")
    assert terminal.json("copy", name)["done"]
    terminal("delete", "second")
    assert [one["name"] for one in terminal.json("trash")] == ["second"]
    assert "second" in terminal("trash")
    terminal("copy", name, "second")
    assert "another name" in terminal("restore", "second", code=1)
    terminal("restore", "second", "--as", "third")
    assert {"second", "third"} <= {row["name"] for row in terminal.json("ls")}
    terminal("delete", "--query", "name:second OR name:third")
    assert "No task matches" in terminal("delete", "--query", "name:third", code=1)
    assert "either task names" in terminal("delete", code=2)
    assert "Specify task names" in terminal("purge", code=1)
    assert terminal.json("purge", "third", "--older-than", "1")["done"] == []
    assert "third: deleted permanently" in terminal("purge", "third")
    assert "not in the trash" in terminal("purge", "third", code=1)
    assert terminal.json("purge", "--all")["done"] == ["second"]
    assert "empty" in terminal("trash")


def test_export(terminal: Terminal, wait_for_end: Callable[[Terminal], None]) -> None:
    names = [row["name"] for row in terminal.json("ls")]
    terminal("run", *names, "-j", "3")
    wait_for_end(terminal)
    rows = list(csv.DictReader(io.StringIO(terminal("export"))))
    assert [(row["task"], row["status"], row["lr"], row["acc"]) for row in rows] == [
        (name, "completed", lr, acc)
        for name, lr, acc in zip(names, ("0.1", "0.2", "0.3"), ("0.2", "0.4", "0.6"), strict=True)
    ]
    assert [row["task"] for row in json.loads(terminal("export", "-f", "json", "lr>0.1", "-lr=0.3"))] == [
        names[1]
    ]
    target = terminal.folder / "out.json"
    assert (
        terminal.start("export", "-o", "out.json", "--sort", "lr", "--order", "desc").communicate(
            timeout=120
        )[1]
        == "Exported 3 runs to out.json\n"
    )
    assert [row["task"] for row in json.loads(target.read_text())] == names[::-1]
    before = (terminal.folder / "train.py").read_bytes()
    assert "already exists" in terminal("export", "-o", "train.py", code=1)
    assert (terminal.folder / "train.py").read_bytes() == before
    process = terminal.start("export", "-o", "/dev/stdout", "--latest")
    out, _ = process.communicate(timeout=120)
    assert out.splitlines()[0].startswith("task,run,status")
    assert len(Workspace.open(terminal.folder / "train.py").results()) == 3


@pytest.fixture
def wait_for_end() -> Callable[[Terminal], None]:
    return lambda terminal: print(terminal("wait", "--timeout", "120"))


def test_an_archive_opens_in_another_project(terminal: Terminal, tmp_path: Path) -> None:
    names = [row["name"] for row in terminal.json("ls")]
    assert terminal.json("archive", names[0])["archive"] == f"{names[0]}.zip"
    assert "already exists" in terminal("archive", names[0], code=1)
    assert terminal.json("archive", *names, "-o", "all.zip")["tasks"] == names
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Terminal(other)
    said = elsewhere("import", "../all.zip")
    assert "imported" in said
    assert f"Written to {other}: train.py" in said
    assert [row["name"] for row in elsewhere.json("ls", "-w", "train")] == names
    again = elsewhere.json(
        "import", str(terminal.folder / f"{names[0]}.zip"), "--as", "again", "--into", "train.py"
    )
    assert again["names"] == {names[0]: "again"}
    assert (again["written"], again["left_out"]) == ([], {})
    assert "only a single task" in elsewhere("import", "../all.zip", "--as", "x", code=1)
    assert "not a zip file" in elsewhere("import", "train.py", code=1)


def test_what_the_disk_refuses_is_said_in_a_sentence(terminal: Terminal) -> None:
    name = terminal.json("ls")[0]["name"]
    workspace = Workspace.open(terminal.folder / "train.py").folder
    workspace.trash.write_text("in the way")
    assert "The operating system reported an error" in terminal("delete", name, code=1)
    (workspace.paths(name).folder / ".task_info.json.lock.guard").mkdir()
    told = terminal("rename", name, "other", code=1)
    assert str(workspace.paths(name).folder) in told
    assert "Traceback" not in told
