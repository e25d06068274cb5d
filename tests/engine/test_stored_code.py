"""Runs that start from the code as it was when they were queued."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.provenance.snapshots import store
from pyruns_jupyter.engine.client.doctor import examine
from tests.support import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import MakeProject
    from tests.engine.support import Project

SCRIPT = """\
import argparse, json, os, pathlib, sys, time
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--wait")
options = parser.parse_args()
here = pathlib.Path(__file__).parent
while options.wait and not os.path.exists(options.wait):
    time.sleep(0.02)
print(json.dumps({
    "value": helper.value, "cwd": os.getcwd(), "here": str(here), "first": sys.path[0], "lr": options.lr,
    "by_cwd": open("data/x.npy").read(), "by_file": (here / "data" / "x.npy").read_text(),
    "searched": os.environ.get("PYTHONPATH"),
}))
(here / "written.txt").write_text("result")
"""


def script_project(make_project: MakeProject) -> Project:
    project = make_project(SCRIPT)
    (project.folder / "helper.py").write_text("value = 'before'\n")
    (project.folder / "data").mkdir()
    (project.folder / "data" / "x.npy").write_text("numbers")
    (project.folder / "src").mkdir()
    (project.folder / "src" / "other.py").write_text("")
    project.settings("snapshot_code: true\nglobal_env: {PYTHONPATH: 'src:/elsewhere'}\n")
    return project


def trees(project: Project) -> list[Path]:
    folder = project.key.state / "trees"
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def test_editing_and_deleting_does_not_change_what_waits(make_project: MakeProject, tmp_path: Path) -> None:
    project = script_project(make_project)
    gate = tmp_path / "gate"
    project.task("first", f"wait: {gate}\n")
    project.task("second", "lr: 0.5\n")
    project.submit("first", "second")
    wait_until(lambda: project.status("first") == "running")
    (project.folder / "helper.py").write_text("value = 'after'\n")
    project.script.unlink()
    gate.touch()
    assert project.wait("first", "second") == ["completed", "completed"]
    said = json.loads(project.output("second"))
    assert said["value"] == "before"
    assert said["cwd"] == str(project.folder)
    assert said["here"] == said["first"] != str(project.folder)
    assert (said["by_cwd"], said["by_file"], said["lr"]) == ("numbers", "numbers", 0.5)
    assert said["searched"].split(":") == [f"{said['here']}/src", "/elsewhere"]

    info = project.info("second")
    facts = info["pyruns_jupyter"]["sources"]["1"]
    assert f"[PYRUNS] Code snapshot {facts['code'][:12]}\n".encode() in project.log("second")
    assert json.loads(project.paths("second").input(1).read_bytes())["pyruns_jupyter"] == facts
    assert project.info("first")["pyruns_jupyter"]["sources"]["1"] == facts
    task = Workspace.open(project.root / "job")["second"]
    assert set(task.code()) == {"job.py", "helper.py", "src/other.py"}
    exported = task.export_code(1, tmp_path / "code")
    assert (exported / "helper.py").read_text() == "value = 'before'\n"
    assert (exported / "job.py").read_text() == SCRIPT
    wait_until(lambda: not trees(project), message="the tree goes when nobody needs it")
    assert (project.folder / "written.txt").read_text() == "result"


CONSTANTS = """\
import os, time
import helper
WAIT = "."
LR = 0.1
while not os.path.exists(WAIT):
    time.sleep(0.02)
print("lr is", LR, helper.value, os.path.dirname(os.path.dirname(__file__)))
"""


def test_constants_are_set_in_a_copy_of_the_stored_script(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(CONSTANTS)
    (project.folder / "helper.py").write_text("value = 'before'\n")
    project.settings("snapshot_code: true\n")
    gate = tmp_path / "gate"
    project.task("first", f"constants: {{WAIT: {gate}}}\n")
    project.task("second", "constants: {LR: 0.5}\n")
    project.submit("first", "second")
    wait_until(lambda: project.status("first") == "running")
    (project.folder / "helper.py").write_text("value = 'after'\n")
    project.script.write_text(CONSTANTS.replace("LR", "RATE"))
    gate.touch()
    assert project.wait("first", "second") == ["completed", "completed"]
    folder = project.key.state / "trees"
    assert f"lr is 0.5 before {folder}" in project.log("second").decode()


def test_a_script_that_starts_itself_is_named_in_the_log(make_project: MakeProject) -> None:
    project = make_project("import sys\nLR = 0.1\nprint(LR, [sys.executable, __file__])\n")
    project.task("a", "constants: {LR: 0.5}\n")
    project.submit("a")
    assert project.wait("a") == ["completed"]
    assert b"[PYRUNS] Line 3 starts the script by __file__, without the changed" in project.log("a")


def test_two_queueings_of_different_code(make_project: MakeProject) -> None:
    project = script_project(make_project)
    for name, value in (("one", "before"), ("two", "after")):
        (project.folder / "helper.py").write_text(f"value = '{value}'\n")
        project.task(name, "")
        project.submit(name)
    assert project.wait("one", "two") == ["completed", "completed"]
    assert [json.loads(project.output(name))["value"] for name in ("one", "two")] == ["before", "after"]


def test_shell_tasks_run_in_place_and_say_so(shell: Project) -> None:
    (shell.folder / "tool.sh").write_text("echo before\n")
    shell.settings("snapshot_code: true\n")
    shell.task("A", "sh tool.sh\n")
    shell.submit("A")
    assert shell.wait("A") == ["completed"]
    assert shell.output("A") == b"before\n"
    facts = shell.info("A")["pyruns_jupyter"]["sources"]["1"]
    assert facts["in_place"] is True
    assert set(store.load(shell.root, facts["code"]).files) == {"tool.sh"}


def test_too_much_code_queues_nothing(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project = script_project(make_project)
    project.task("A", "")
    before = project.info("A")
    monkeypatch.setattr(store, "MAX_TOTAL_BYTES", 10)
    with pytest.raises(InvalidInput, match="too large"):
        project.submit("A")
    assert project.info("A") == before


def test_lost_code_fails_the_run_with_a_sentence(make_project: MakeProject, tmp_path: Path) -> None:
    project = script_project(make_project)
    gate = tmp_path / "gate"
    project.task("first", f"wait: {gate}\n")
    project.task("second", "")
    project.submit("first", "second")
    wait_until(lambda: project.status("first") == "running")
    (project.root / ".code" / "manifests" / f"{code_of(project, 'second')}.json").write_text("{}")
    gate.touch()
    assert project.wait("first", "second") == ["completed", "failed"]
    assert "damaged" in project.info("second")["pyruns_jupyter"]["messages"]["1"]
    assert b"damaged" in project.log("second")


def code_of(project: Project, name: str) -> str:
    """The hash of the code that a queued task will start from."""
    batch = project.info(name)["pyruns_jupyter"]["queue"]["batch"]
    return str(json.loads((project.engine.batches / f"{batch}.json").read_bytes())["code"])


def test_without_the_setting_nothing_is_stored(make_project: MakeProject) -> None:
    project = script_project(make_project)
    project.settings("")
    project.task("A", "")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert not (project.root / ".code").exists()
    assert json.loads(project.output("A"))["here"] == str(project.folder)
    with pytest.raises(NotFound, match="snapshot_code: true"):
        Workspace.open(project.root / "job")["A"].code()
    assert sys.executable in json.dumps(project.info("A")["run_environments"])


def hostile_store(project: Project, digest: str) -> None:
    """Add to the stored code what a clone or an archive could bring, old enough to belong to nobody."""
    tree = project.root / ".code" / "trees" / f"{digest[:16]}.old"
    for name in (".bash_profile", ".ipython/profile_default/startup/00.py", "notes.txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("evil")
    for path in (*tree.rglob("*"), tree):
        os.utime(path, (1, 1))


def all_entries(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("listed", [True, False])
def test_trees_that_came_with_a_project_are_left_alone(
    make_project: MakeProject, tmp_path: Path, listed: bool
) -> None:
    home = tmp_path / "home" / "x"
    home.mkdir(parents=True)
    project = make_project(SCRIPT, "y", home)
    (project.folder / "helper.py").write_text("value = 1\n")
    (project.folder / "data").mkdir()
    (project.folder / "data" / "x.npy").write_text("numbers")
    project.settings("snapshot_code: true\n")
    data = store.Manifest("x/y", {}).dump()
    digest = hashlib.sha256(data).hexdigest()
    hostile_store(project, digest)
    if listed:
        (project.root / ".code" / "manifests").mkdir()
        (project.root / ".code" / "manifests" / f"{digest}.json").write_bytes(data)
    before = all_entries(project.root / ".code" / "trees")
    project.task("A", "")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    project.wait_for_exit()
    assert (project.folder / "written.txt").read_text() == "result"
    assert all_entries(project.root / ".code" / "trees") == before
    assert not list((project.root / ".code").glob("kept-*"))
    assert os.listdir(tmp_path / "home") == ["x"]
    assert os.listdir(home) == ["y"]


def test_a_link_in_place_of_the_trees_is_not_followed(make_project: MakeProject, tmp_path: Path) -> None:
    project = script_project(make_project)
    home = tmp_path / "home"
    for name in ("thesis/text.tex", "notes.txt", ".newsboat/urls"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("mine")
    for path in (*home.rglob("*"), home):
        os.utime(path, (1, 1))
    (project.root / ".code").mkdir()
    (project.root / ".code" / "trees").symlink_to(home)
    before = all_entries(home)
    project.task("A", "")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    project.wait_for_exit()
    assert all_entries(home) == before


@pytest.mark.parametrize("name", [".code", ".code/objects", ".code/manifests"])
def test_nothing_is_stored_through_a_link(make_project: MakeProject, tmp_path: Path, name: str) -> None:
    project = script_project(make_project)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".newsboat").mkdir()
    os.utime(home / ".newsboat", (1, 1))
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).symlink_to(home)
    project.task("A", "")
    with pytest.raises(Conflict, match="must be a real folder"):
        project.submit("A")
    assert project.status("A") == "pending"
    assert all_entries(home) == {".newsboat"}


def test_stored_code_of_tasks_that_are_gone_is_removed_by_a_repair(make_project: MakeProject) -> None:
    project = script_project(make_project)
    for name, value in (("stays", "1"), ("goes", "2")):
        (project.folder / "helper.py").write_text(f"value = {value}\n")
        project.task(name, "")
        project.submit(name)
        assert project.wait(name) == ["completed"]
    project.wait_for_exit()
    workspace = Workspace.open(project.root / "job")
    for path in (project.root / ".code").rglob("*"):
        os.utime(path, (1, 1))
    workspace["goes"].delete()
    assert not [one for one in examine(project.root, gpus=False) if one.repair is not None]
    workspace.purge()
    (found,) = (one for one in examine(project.root, gpus=False) if one.repair is not None)
    assert "Stored code (1 snapshot, " in found.what
    assert found.repair is not None
    assert "was removed" in found.repair()
    assert set(workspace["stays"].code()) == {"job.py", "helper.py", "src/other.py"}
    assert workspace["stays"].export_code(1, project.folder.parent / "out").is_dir()
    assert len(list((project.root / ".code" / "manifests").iterdir())) == 1
