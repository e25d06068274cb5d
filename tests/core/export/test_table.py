"""Results as tables, and where they may be written."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.export.table import FACTS, Table, collected, table_chunks
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.output_file import output_file
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import end_run, one_task, script_workspace, shell_workspace, start_run
from tests.support import ROOT


def run_once(workspace: WorkspaceFolder, name: str, attempt: str = "a1", **facts: Any) -> None:
    folder = workspace.paths(name).folder
    start_run(folder, pid=1, create_time=1.0, attempt=attempt)
    end_run(folder, attempt=attempt, **facts)


def rows_of(workspace: WorkspaceFolder, names: list[str], which: str = "all") -> list[dict[str, Any]]:
    with collected(workspace, names, which) as table:
        return list(table.rows())


def text_of(workspace: WorkspaceFolder, names: list[str], form: str = "csv", **options: bool) -> str:
    with collected(workspace, names) as table:
        return b"".join(table_chunks(table, form, **options)).decode()


def test_a_row_a_run(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    (folder / "config.yaml").write_text("lr: 0.5\nnet: {depth: 3, name: big}\nlayers: [1, 2]\n")
    run_once(workspace, "one", records={"acc": 0.9}, tracks={"loss": [3, 2, 1], "acc": [0.1]})
    run_once(workspace, "one", "a2", exit_code=3)
    one_task(workspace, "two")
    tasks.change(workspace, "one", metadata.TaskPatch(notes="line 1\nline 2", tags=("a", "b c")))
    found = rows_of(workspace, ["one", "two", "nothing"])
    assert [(row["task"], row["run"], row["status"]) for row in found] == [
        ("one", 1, "completed"),
        ("one", 2, "failed"),
    ]
    first = found[0]
    assert first["exit_code"] == 0
    assert first["tags"] == ["a", "b c"]
    assert (first["lr"], first["net.depth"], first["net.name"], first["layers"]) == (0.5, 3, "big", [1, 2])
    assert (first["acc"], first["loss"]) == (0.9, 1)
    assert found[1]["loss"] is None
    assert list(first)[: len(FACTS)] == list(FACTS)
    assert list(first)[len(FACTS) :] == ["lr", "net.depth", "net.name", "layers", "loss", "acc"]
    latest = rows_of(workspace, ["two", "one"], "latest")
    assert [(row["task"], row["run"], row["status"]) for row in latest] == [
        ("two", None, "pending"),
        ("one", 2, "failed"),
    ]
    with pytest.raises(InvalidInput):
        rows_of(workspace, ["one"], "some")


def test_a_run_has_the_configuration_it_was_given(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    run_once(workspace, "one")
    record = {"task_kind": "python", "payload_text": "lr: 0.25\n"}
    (folder / "run_logs" / "run1.input.json").write_text(json.dumps(record))
    (folder / "config.yaml").write_text("lr: 7\n")
    run_once(workspace, "one", "a2")
    assert [row["lr"] for row in rows_of(workspace, ["one"])] == [0.25, 7]


def test_names_that_clash_get_a_prefix(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    (folder / "config.yaml").write_text("lr: 1\nstatus: x\nacc: 2\nconfig.acc: 5\n")
    run_once(workspace, "one", records={"acc": 3, "run": 4})
    row = rows_of(workspace, ["one"])[0]
    assert (row["status"], row["config.status"]) == ("completed", "x")
    assert (row["config.acc"], row["figure.acc"], row["config.acc (2)"]) == (2, 3, 5)
    assert (row["run"], row["figure.run"]) == (1, 4)
    assert row["lr"] == 1


def test_cells_are_safe_and_say_what_is_there(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace, "evil")
    (folder / "config.yaml").write_text(
        '"=cmd()": 1\ntext: "=1+2"\nminus: -5\nword: "-x"\nnone: null\nyes: true\n'
    )
    figures = {"nan": float("nan"), "inf": float("-inf"), "list": [1, "a"], "at": "@x", "umlaut": 'ä,"\n'}
    run_once(workspace, "evil", records=figures)
    content = text_of(workspace, ["evil"])
    header, row = csv.reader(io.StringIO(content))
    cells = dict(zip(header, row, strict=True))
    assert cells["'=cmd()"] == "1"
    assert cells["text"] == "'=1+2"
    assert cells["minus"] == "-5"
    assert cells["word"] == "'-x"
    assert cells["none"] == ""
    assert cells["yes"] == "true"
    assert (cells["nan"], cells["inf"], cells["list"], cells["at"]) == ("nan", "-inf", '[1, "a"]', "'@x")
    assert cells["umlaut"] == 'ä,"\n'
    assert cells["started_at"][4] == "-"
    assert "T" in cells["started_at"]
    raw = dict(zip(*csv.reader(io.StringIO(text_of(workspace, ["evil"], raw=True))), strict=True))
    assert (raw["=cmd()"], raw["text"]) == ("1", "=1+2")
    assert text_of(workspace, ["evil"], bom=True)[0] == "\ufeff"

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (found,) = json.loads(text_of(workspace, ["evil"], "json"), parse_constant=refuse)
    assert found["text"] == "=1+2"
    assert (found["nan"], found["inf"], found["list"], found["none"]) == ("NaN", "-Infinity", [1, "a"], None)
    lines = text_of(workspace, ["evil", "evil"], "jsonl").splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["evil", "evil"]
    assert json.loads(text_of(workspace, [], "json")) == []
    with pytest.raises(InvalidInput, match="xlsx"):
        text_of(workspace, [], "xlsx")


def test_odd_task_files_are_rows_too(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    for name in ("bad", "odd", "surrogate"):
        one_task(workspace, name)
    (workspace.paths("bad").info).write_text("{")
    with edit_task(workspace.paths("odd").folder) as info:
        info.update(records=[{"a": 10**400, "b": {"c": 1}}], durations=["x"], run_environments=[3], notes=5)
        info["config_file"] = "../../../../etc/passwd"
    (workspace.paths("surrogate").folder / "config.yaml").unlink()
    with edit_task(workspace.paths("surrogate").folder) as info:
        info.update(records=[{"x": "\ud800"}])
    found = rows_of(workspace, ["bad", "odd", "surrogate"])
    assert "task_info.json" in found[0]["message"]
    assert found[1]["b"] == {"c": 1}
    for form in ("csv", "json", "jsonl"):
        assert "surrogate" in text_of(workspace, ["bad", "odd", "surrogate"], form)


def test_shell_tasks_have_no_configuration(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    one_task(workspace)
    run_once(workspace, "one", records={"n": 1})
    assert rows_of(workspace, ["one"])[0]["n"] == 1


def test_many_rows_take_little_memory(tmp_path: Path) -> None:
    table = Table()
    for number in range(20_000):
        table.add({"task": f"t{number}", "run": 1}, {"lr": number, "text": "x" * 100}, {"loss": 0.5})
    target = tmp_path / "out.csv"
    with target.open("wb") as stream:
        for chunk in table_chunks(table):
            stream.write(chunk)
    table.close()
    assert len(target.read_text().splitlines()) == 20_001


def write(path: Path, data: bytes = b"new", **options: Any) -> None:
    with output_file(path, **options) as stream:
        stream.write(data)


def write_half(path: Path) -> None:
    with output_file(path, force=True) as stream:
        stream.write(b"half")
        raise RuntimeError


def test_files_are_replaced_whole_and_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    write(target)
    assert target.read_bytes() == b"new"
    with pytest.raises(Conflict, match="already exists"):
        write(target, b"x")
    write(target, b"again", replaceable={".csv"})
    assert target.read_bytes() == b"again"
    script = tmp_path / "train.py"
    script.write_text("code")
    script.chmod(0o750)
    with pytest.raises(Conflict):
        write(script, replaceable={".csv"})
    write(script, b"forced", force=True)
    assert script.read_bytes() == b"forced"
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    with pytest.raises(RuntimeError):
        write_half(target)
    assert target.read_bytes() == b"again"
    assert sorted(os.listdir(tmp_path)) == ["out.csv", "train.py"]


def test_devices_pipes_links_and_folders_stay_what_they_are(tmp_path: Path) -> None:
    write(Path("/dev/null"))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe, b"x" * 300_000)
    reader.join()
    assert read == [b"x" * 300_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    real = tmp_path / "real.csv"
    real.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    write(link, b"through", force=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"through"
    (tmp_path / "second.csv").hardlink_to(real)
    write(real, b"both", force=True)
    assert (tmp_path / "second.csv").read_bytes() == b"both"
    with pytest.raises(RuntimeError):
        write_half(real)
    assert real.read_bytes() == b"both"
    with pytest.raises(InvalidInput, match="folder"):
        write(tmp_path, force=True)
    with pytest.raises(NotFound):
        write(tmp_path / "no" / "out.csv")
    with pytest.raises(NotFound):
        write(real / "out.csv")
    with pytest.raises(OSError, match="space"):
        write(Path("/dev/full"))


def test_nothing_is_written_among_the_tasks(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    info = workspace.paths("one").info
    before = info.read_bytes()
    (tmp_path / "link.json").symlink_to(info)
    for path in (info, tmp_path / "link.json", workspace.folder / "new.csv"):
        with pytest.raises(InvalidInput, match="_pyruns_"):
            write(path, force=True, replaceable={".json"})
    assert info.read_bytes() == before


@pytest.mark.parametrize("redirect", [">", ">>"])
def test_standard_output_by_its_name(tmp_path: Path, redirect: str) -> None:
    target = tmp_path / "all.txt"
    target.write_text("first\n")
    code = (
        "from pathlib import Path; from pyruns_jupyter.core.taskfile.output_file import output_file\n"
        "print('second')\n"
        "with output_file(Path('/dev/stdout')) as stream: stream.write(b'third\\n')\n"
        "print('fourth')\n"
    )
    command = f'"{sys.executable}" -c "$CODE" {redirect} all.txt'
    environment = {**os.environ, "CODE": code, "PYTHONPATH": str(ROOT)}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=True)
    first = "first\n" if redirect == ">>" else ""
    assert target.read_text() == first + "second\nthird\nfourth\n"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert piped.stdout == b"second\nthird\nfourth\n"


def test_no_two_columns_have_one_title(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    (folder / "config.yaml").write_text('task: 1\nconfig.task: 2\n"config.task (2)": 3\n')
    run_once(workspace, "one")
    header, row = csv.reader(io.StringIO(text_of(workspace, ["one"]), newline=""))
    assert len(set(header)) == len(header) == len(row)
    assert row[len(FACTS) :] == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["a\0b", "../../train.py", "..", 5])
def test_an_odd_name_of_a_configuration_harms_nobody(tmp_path: Path, name: Any) -> None:
    workspace = script_workspace(tmp_path)
    for task in ("odd", "good"):
        one_task(workspace, task)
    with edit_task(workspace.paths("odd").folder) as info:
        info["config_file"] = name
    assert [row["lr"] for row in rows_of(workspace, ["odd", "good"], "latest")] == [0.5, 0.5]
