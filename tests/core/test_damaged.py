"""Damaged, foreign, forbidden and huge task files: shown as such, in nobody's way, and left as they are."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import main
from pyruns_jupyter.core.common.errors import Conflict, NotFound, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.paths import MAX_RUNS, TaskPaths
from pyruns_jupyter.core.taskfile.runs import SLOTS
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import curves, logs, tasks

from .damage import DAMAGES, as_nobody, open_up, state_of
from .making import script_workspace

posix = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs, sockets and links of POSIX")


def three(project: Path) -> tuple[WorkspaceFolder, str, str, str]:
    """Return a workspace with three tasks; the second one has a log."""
    workspace = script_workspace(project)
    first, second, third = create_tasks(workspace, "lr: 1 | 2 | 3", "ab")
    paths = workspace.paths(second)
    paths.run_logs.mkdir(exist_ok=True)
    paths.log(1).write_text("one\n")
    paths.log(2).write_text("two\n")
    return workspace, first, second, third


def read_page(index: TaskIndex, **options: Any) -> dict[str, Any]:
    return tasks.task_page(index, tasks.TaskPageRequest(**options))()


@posix
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_task_is_shown_and_stops_nothing(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, first, bad, third = three(tmp_path)
    spoil, word = DAMAGES[damage]
    path = workspace.paths(bad).info
    spoil(path)
    monkeypatch.chdir(tmp_path)
    main(["ls"])  # whatever the first command of a project writes is written now
    capsys.readouterr()
    before = state_of(workspace.root)

    index = TaskIndex(workspace)
    for _ in range(2):
        index.refresh()
        assert set(index.rows) == {first, bad, third}
        row = index.rows[bad]
        assert not row.readable
        assert str(path) in (row.message or "")
        assert word in (row.message or "")
        assert index.rows[first].readable
    assert not index.refresh()
    assert set(index.configs()) == {first, third}
    page = read_page(index)
    assert page["total"] == 3
    assert [item["message"] for item in page["items"] if not item["readable"]] == [row.message]

    detail = tasks.detail(index, bad)
    assert detail["task"]["message"] == row.message
    assert detail["history"] == []
    assert "lr: 2" in detail["config"]
    assert logs.read_log(workspace, logs.LogRangeRequest(task=bad)).data == b"two\n"
    assert logs.read_log(workspace, logs.LogRangeRequest(task=bad, run=1)).data == b"one\n"
    with pytest.raises(Unreadable):
        curves.tracks(workspace, curves.TracksRequest(task=bad))
    with pytest.raises(Unreadable):
        read_task(path.parent)

    opened = Workspace(workspace)
    assert len(opened) == 3
    assert opened[bad].row.message == row.message
    assert opened[bad].log() == "two\n"
    assert opened[bad].config == {"lr": 2}
    assert opened[bad].runs == []
    assert bad in repr(opened.tasks())
    assert repr(opened[bad])
    assert opened.tasks()._repr_html_()
    opened.wait(timeout=30)

    assert main(["ls"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in (first, bad, third))
    assert "unreadable" in listed
    assert main(["status"]) == 0
    assert "1 unreadable" in capsys.readouterr().out
    assert main(["ls", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert main(["show", bad]) == 0
    shown = capsys.readouterr().out
    assert printable(row.message or "-") in shown
    assert "lr: 2" in shown
    assert main(["show", bad, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["readable"] is False
    assert main(["log", bad]) == 0
    assert capsys.readouterr().out == "two\n"
    assert state_of(workspace.root) == before


@posix
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_task_goes_to_the_trash_and_back(tmp_path: Path, damage: str) -> None:
    workspace, first, bad, third = three(tmp_path)
    DAMAGES[damage][0](workspace.paths(bad).info)
    before = state_of(workspace.paths(bad).folder)
    kept = trash.trash(workspace, bad)
    index = TaskIndex(workspace)
    index.refresh()
    assert set(index.rows) == {first, third}
    assert trash.trash_names(workspace) == [kept]
    assert trash.restore(workspace, kept) == bad
    index.refresh()
    assert not index.rows[bad].readable
    after = state_of(workspace.paths(bad).folder)
    assert {name: after[name] for name in before if name != "."} == {
        name: facts for name, facts in before.items() if name != "."
    }
    assert {name for name in after if name not in before} <= {".task_info.json.lock.guard"}
    trash.purge(workspace, trash.trash(workspace, bad))
    assert trash.trash_names(workspace) == []
    with pytest.raises(NotFound):
        trash.restore(workspace, kept)


@posix
def test_a_damaged_task_whose_run_lives_stays(tmp_path: Path) -> None:
    workspace, _, bad, _ = three(tmp_path)
    workspace.paths(bad).info.write_bytes(b"{")
    owner = FileLock(TaskPaths(workspace.paths(bad).folder).owner(2))
    assert owner.try_acquire()
    with pytest.raises(Conflict):
        trash.trash(workspace, bad)
    owner.release()
    trash.trash(workspace, bad)


@posix
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_task_is_not_written_to(tmp_path: Path, damage: str) -> None:
    workspace, first, bad, _ = three(tmp_path)
    DAMAGES[damage][0](workspace.paths(bad).info)
    before = state_of(workspace.paths(bad).folder)
    with pytest.raises(Unreadable), edit_task(workspace.paths(bad).folder) as info:
        info["notes"] = "x"
    with pytest.raises(Conflict):
        Workspace(workspace).run([bad])
    after = state_of(workspace.paths(bad).folder)
    changed = {name for name in after if after[name] != before.get(name)} - {"."}
    assert changed <= {".task_info.json.lock.guard"}
    assert read_task(workspace.paths(first).folder)["status"] == "pending"


STRANGE: dict[str, str] = {
    "nothing": "{}",
    "foreign": '{"hello": "world", "tasks": [1, 2, 3]}',
    "status": '{"status": 7}',
    "status list": '{"status": ["running"]}',
    "arrays of texts": json.dumps(dict.fromkeys(SLOTS, "many")),
    "arrays of numbers": json.dumps({**dict.fromkeys(SLOTS, 5), "status": "running"}),
    "arrays of arrays": json.dumps({**{key: [[[]]] for key in SLOTS}, "status": "failed"}),
    "lengths": json.dumps({"start_times": ["x"] * 3, "pids": [], "records": [{}], "status": "running"}),
    "numbers": '{"progress": NaN, "durations": [1e400], "pids": [-5], "exit_codes": [1e3], "order": 1e400}',
    "whole numbers": json.dumps(
        {"exit_codes": [10**400], "durations": [10**400], "records": [{"n": 10**400, "m": -(10**100)}]}
    ),
    "surrogates": json.dumps(
        {"notes": "\ud800", "records": [{"\udfff": "\ud800"}], "name": "\ud83d", "status": "failed"}
    ),
    "duplicates": '{"status": "running", "status": "completed", "notes": 1, "notes": "last"}',
    "million": json.dumps({key: [None] * 100_000 for key in SLOTS}),
    "wide": json.dumps({"records": [{f"k{number}": number for number in range(50_000)}]}),
    "long": json.dumps({"records": [{"t": "x" * 1_000_000, "k" * 10_000: 1}], "notes": "n" * 1_000_000}),
    "deep swept": json.dumps(
        {"pyruns_jupyter": {"swept": {"a": [[[[[[[[[1]]]]]]]]], "b": list(range(9999))}}}
    ),
    "own": json.dumps(
        {"pyruns_jupyter": {"swept": [1], "times": {"1": "x"}, "messages": {"1": 5}, "tags": "x"}}
    ),
    "own tags": json.dumps({"pyruns_jupyter": {"tags": [1, None, "good", "x" * 1000], "order": "first"}}),
    "gpus": json.dumps(
        {"start_times": [""], "run_environments": [{"gpus": {"a": 1}, "assigned_gpu_ids": "0"}]}
    ),
    "escapes": json.dumps(
        {"notes": "\x1b[2J", "records": [{"\x1b]0;x\x07": "\x1b[31m\n"}], "status": "failed"}
    ),
    "config": json.dumps({"config_file": "../../../../etc/passwd", "task_kind": ["shell"]}),
}


@posix
@pytest.mark.parametrize("case", STRANGE)
def test_strange_content_is_shown_as_far_as_it_makes_sense(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, first, odd, _ = three(tmp_path)
    workspace.paths(odd).info.write_text(STRANGE[case], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    main(["ls"])
    capsys.readouterr()
    before = state_of(workspace.root)
    index = TaskIndex(workspace)
    index.refresh()
    row = index.rows[odd]
    assert row.readable
    text = json.dumps(row.to_dict(), allow_nan=False)
    assert len(text) < 200_000  # a row is no place for megabytes
    assert len(row.notes) < 100_000
    assert row.runs <= MAX_RUNS
    detail = tasks.detail(index, odd)
    json.dumps(detail["task"], allow_nan=False)
    index.configs()
    for sort in ("created", "started", "duration", "exit_code", "name", "message"):
        assert read_page(index, sort=sort)["total"] == 3
    for words in (["ls"], ["ls", "--json"], ["show", odd], ["show", odd, "--json"]):
        assert main(words) == 0
        assert "\x1b" not in capsys.readouterr().out.replace("\\u001b", "")
    assert index.rows[first].readable
    assert state_of(workspace.root) == before


@posix
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    workspace, first, file, folder = three(tmp_path)
    workspace.paths(file).info.chmod(0)
    workspace.paths(folder).folder.chmod(0)
    open_up(tmp_path)
    TaskIndex(workspace).configs()  # what is imported late may lie where nobody may look
    try:
        found = as_nobody(lambda: messages(workspace))
    finally:
        workspace.paths(folder).folder.chmod(0o755)
    assert {name: message is None for name, message in found.items()} == {
        first: True,
        file: False,
        folder: False,
    }
    assert "Permission denied" in found[file]
    assert "Permission denied" in found[folder]
    index = TaskIndex(workspace)
    index.refresh()
    workspace.paths(file).info.chmod(0o600)  # this leaves no trace in the file's times
    index.refresh()
    assert index.rows[file].readable


def messages(workspace: WorkspaceFolder) -> dict[str, Any]:
    """Return the message of each row, which the task's detail tells too."""
    index = TaskIndex(workspace)
    index.refresh()
    index.configs()
    found = {}
    for name, row in index.rows.items():
        assert tasks.detail(index, name)["task"]["message"] == row.message
        found[name] = row.message
    return found


@posix
def test_names_that_are_no_names_are_no_tasks(tmp_path: Path) -> None:
    workspace, *names = three(tmp_path)
    source = workspace.paths(names[0]).folder
    for odd in (b"new\nline", b"esc\x1b[2J", b"bytes\xff\xfe", b"-dash", b".dot", b"star*", b" space"):
        shutil.copytree(
            source, os.path.join(os.fsencode(workspace.tasks), odd).decode("utf-8", "surrogateescape")
        )
    (workspace.tasks / "empty").mkdir()
    (workspace.tasks / "link").symlink_to(source)
    (workspace.tasks / "file").write_text("{}")
    index = TaskIndex(workspace)
    index.refresh()
    assert set(index.rows) == set(names)
    assert set(Workspace(workspace).tasks().names) == set(names)


def test_folders_that_come_and_go_while_they_are_read(tmp_path: Path) -> None:
    workspace, *names = three(tmp_path)
    index = TaskIndex(workspace)
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            copy = workspace.tasks / f"copy{number % 7}"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(workspace.tasks / names[0], copy)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            index.refresh()
            index.configs()
            assert set(names) <= set(index.rows)
            assert sum(index.counts.values()) == len(index.rows)
    finally:
        stop.set()
        thread.join()
    shutil.rmtree(workspace.paths(names[1]).folder)
    index.refresh()
    assert names[1] not in index.rows
    assert set(index.rows) == {path.name for path in workspace.tasks.iterdir() if path.name[0] != "."}
    assert all(row.readable for row in index.rows.values())


def test_a_task_file_of_millions_of_lists_is_not_parsed(tmp_path: Path) -> None:
    workspace, first, bad, _ = three(tmp_path)
    path = workspace.paths(bad).info
    path.write_bytes(b'{"a": [' + b"[]," * 10_000_000 + b"[]]}")
    index = TaskIndex(workspace)
    began = time.process_time()
    index.refresh()
    assert time.process_time() - began < 5  # it was 14 s, in which no other request was answered
    assert "larger than 16 MiB" in (index.rows[bad].message or "")
    assert index.rows[first].readable
    with pytest.raises(Unreadable, match="larger than 16 MiB"):
        read_task(path.parent)
    with pytest.raises(Unreadable, match="larger than 16 MiB"), edit_task(path.parent):
        pass


def test_a_task_file_with_a_million_points_is_read(tmp_path: Path) -> None:
    workspace, first, _, _ = three(tmp_path)
    folder = workspace.paths(first).folder
    info = read_task(folder)
    info["tracks"] = [{"loss": [0.123456] * 1_000_000}]
    info["run_statuses"], info["run_index"] = ["completed"], 1
    (folder / "task_info.json").write_bytes(dump_json(info))
    assert (folder / "task_info.json").stat().st_size > 16 * 1024 * 1024
    assert len(read_task(folder)["tracks"][0]["loss"]) == 1_000_000
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows[first].figures == {"loss": 0.123456}


@pytest.mark.parametrize("end", ["]}", "oops"])
def test_the_garbage_collector_is_back_after_large_files(end: str) -> None:
    data = b'{"a": [' + b"[]," * 500_000 + b"[]" + end.encode()
    assert gc.isenabled()

    def read() -> None:
        with suppress(Unreadable):
            parse_json(data, "file")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()
    gc.disable()
    try:
        read()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_huge_description_of_a_workspace_is_not_parsed(tmp_path: Path) -> None:
    workspace, *_ = three(tmp_path)
    (workspace.folder / "script_info.json").write_bytes(b'{"a": [' + b"[]," * 10_000_000 + b"[]]}")
    began = time.process_time()
    assert "larger than 1 MiB" in (workspace.problem() or "")
    assert workspace.kind == "script"
    assert time.process_time() - began < 2
