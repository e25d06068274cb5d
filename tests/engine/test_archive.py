"""Archives of tasks: they open elsewhere and run there; hostile ones write nothing."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.export.archive import pack, unpack, unpacking
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
from tests.core.making import end_run, one_task, script_workspace, shell_workspace, snapshot, start_run
from tests.engine.support import stop_everything
from tests.support import wait_until

SCRIPT = """\
import argparse, os
import helper
from parts.model import Model
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
print("ran", os.path.dirname(os.path.abspath(__file__)), helper.double(args.lr), Model.name, flush=True)
os.makedirs(os.environ["PYRUNS_TASK_DIR"] + "/artifacts/run1", exist_ok=True)
open(os.environ["PYRUNS_TASK_DIR"] + "/artifacts/run1/model", "w").write("weights")
"""


def finished(workspace: WorkspaceFolder, *names: str) -> None:
    submit(workspace, names)

    def ended() -> bool:
        return all(runs.status_of(read_task(workspace.paths(name).folder)) in runs.ENDED for name in names)

    wait_until(ended)


def packed(workspace: WorkspaceFolder, path: Path, *names: str, **options: bool) -> list[str]:
    with path.open("wb") as stream:
        return pack(workspace, names, stream, **options).notices


@pytest.fixture
def project(tmp_path: Path) -> WorkspaceFolder:
    folder = tmp_path / "origin"
    (folder / "parts").mkdir(parents=True)
    (folder / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "model.py").write_text("from . import names\nclass Model:\n    name = names.NAME\n")
    (folder / "parts" / "names.py").write_text("NAME = 'big'\n")
    (folder / "not_needed.py").write_text("secret = 1\n")
    return script_workspace(folder, "job.py", SCRIPT)


def test_there_and_run(tmp_path: Path, project: WorkspaceFolder) -> None:
    names = create_tasks(project, "lr: 0.5 | 1\n", "t")
    tasks.change(
        project, names[0], metadata.TaskPatch(notes="n", tags=("a",), env={"A": "1", "MY_TOKEN": "hidden"})
    )
    (project.paths(names[0]).folder / "artifacts").mkdir()
    (project.paths(names[0]).folder / "artifacts" / "link").symlink_to("/etc")
    finished(project, *names)
    archive = tmp_path / "t.zip"
    notices = packed(project, archive, *names)
    assert any("MY_TOKEN" in notice for notice in notices)
    assert any("link" in notice for notice in notices)
    with zipfile.ZipFile(archive) as opened:
        assert b"hidden" not in b"".join(map(opened.read, opened.namelist()))
        assert "code/not_needed.py" not in opened.namelist()
    before = read_task(project.paths(names[0]).folder)
    stop_everything(tmp_path / "origin")  # what a scheduler still writes cannot be removed
    shutil.rmtree(tmp_path / "origin")

    other = tmp_path / "another place"
    other.mkdir()
    found = unpack(archive, other)
    assert found.created
    assert list(found.names.values()) == names
    assert found.workspace.script == other / "job.py"
    info = read_task(found.workspace.paths(names[0]).folder)
    assert (info["status"], info["notes"], metadata.tags_of(info)) == ("completed", "n", ("a",))
    assert metadata.env_of(info) == {"A": "1"}
    assert runs.runs(info)[0].duration == runs.runs(before)[0].duration
    assert info["script"] == str(other / "job.py")
    paths = found.workspace.paths(names[0])
    assert b"ran" in paths.log(1).read_bytes()
    assert (paths.artifact_dir(1) / "model").read_text() == "weights"
    assert not (paths.folder / ".task_info.json.lock.guard").exists()
    finished(found.workspace, *names)
    assert runs.status_of(read_task(paths.folder)) == "completed"
    assert f"ran {other} 1.0 big".encode() in paths.log(2).read_bytes()
    assert [name for name in os.listdir(other) if name.startswith(".pyruns")] == []

    again = unpack(archive, other)
    assert not again.created
    assert list(again.names) == names
    assert not set(again.names.values()) & set(names)
    assert len(again.notices) == 2


def test_without_artifacts_into_a_workspace_that_is_there(tmp_path: Path, project: WorkspaceFolder) -> None:
    (name,) = create_tasks(project, "lr: 0.5\n", "t")
    (project.paths(name).folder / "artifacts" / "run1").mkdir(parents=True)
    (project.paths(name).folder / "artifacts" / "run1" / "big").write_text("x")
    archive = tmp_path / "t.zip"
    packed(project, archive, name, artifacts=False)
    found = unpack(archive, project.script or tmp_path, as_name="again")
    assert found.names == {name: "again"}
    assert not found.created
    assert not (project.paths("again").folder / "artifacts").exists()
    (project.project / "helper.py").write_text("def double(x):\n    return 3 * x\n")
    more = unpack(archive, project.folder)
    assert any("helper.py" in notice for notice in more.notices)
    assert "3" in (project.project / "helper.py").read_text()
    with pytest.raises(InvalidInput, match="script workspace"):
        unpack(archive, shell_workspace(tmp_path / "shell").folder)


def test_tasks_that_wait_or_run_do_neither_in_an_archive(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "origin")
    for name in ("waits", "runs"):
        one_task(workspace, name)
    with edit_task(workspace.paths("waits").folder) as info:
        runs.queue(info, attempt="a", batch="b")
    start_run(workspace.paths("runs").folder, pid=os.getpid(), create_time=1.0)
    archive = tmp_path / "a.zip"
    packed(workspace, archive, "waits", "runs")
    (tmp_path / "new").mkdir()
    found = unpack(archive, tmp_path / "new")
    waits, ran = (read_task(found.workspace.paths(name).folder) for name in ("waits", "runs"))
    assert (waits["status"], ran["status"], ran["run_statuses"]) == ("pending", "failed", ["failed"])
    for info in (waits, ran):
        assert not {"runner_id", "runner_host", "lease_until", "queued_at"} & set(info)
        assert "queue" not in info["pyruns_jupyter"]
    end_run(workspace.paths("runs").folder)


def test_a_shell_task_runs_where_it_was_brought(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path / "origin")
    create_tasks(workspace, "pwd\n", "one")
    archive = tmp_path / "a.zip"
    packed(workspace, archive, "one")
    (tmp_path / "new").mkdir()
    found = unpack(archive, tmp_path / "new")
    finished(found.workspace, "one")
    assert str(tmp_path / "new").encode() in found.workspace.paths("one").log(1).read_bytes()


def test_stored_code_goes_along(tmp_path: Path, project: WorkspaceFolder) -> None:
    (project.root / "_pyruns_settings.yaml").write_text("snapshot_code: true\n")
    create_tasks(project, "lr: 0.5\n", "one")
    finished(project, "one")
    archive = tmp_path / "a.zip"
    packed(project, archive, "one")
    (tmp_path / "new").mkdir()
    found = unpack(archive, tmp_path / "new")
    stored = snapshot(found.workspace.root / ".code")
    assert [name for name in stored if name.startswith("manifests/")]
    assert b"def double(x):\n    return 2 * x\n" in stored.values()
    assert not found.notices


def test_a_large_log_goes_through(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "origin")
    folder = one_task(workspace)
    with (folder / "run_logs" / "run1.log").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    archive = tmp_path / "a.zip"
    packed(workspace, archive, "one")
    (tmp_path / "new").mkdir()
    found = unpack(archive, tmp_path / "new")
    assert found.workspace.paths("one").log(1).stat().st_size == 64 * 1024 * 1024


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_odd_times_and_names_of_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    workspace = script_workspace(tmp_path / "origin")
    artifacts = one_task(workspace) / "artifacts" / "run1"
    artifacts.mkdir(parents=True, exist_ok=True)
    for name, changed_at in (("old", 0), ("new", 2**33), ("a\\b", 1e9), ("c\nd", 1e9), ("e\udcff", 1e9)):
        (artifacts / name).write_text(name.encode(errors="replace").decode())
        os.utime(artifacts / name, (changed_at, changed_at))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        archive = tmp_path / "a.zip"
        notices = packed(workspace, archive, "one")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [notice.rpartition("'")[2] for notice in notices] == [
        " contains invalid characters. The file was omitted.",
        " contains invalid characters. The file was omitted.",
        " is not valid Unicode. The file was omitted.",
    ]
    (tmp_path / "new").mkdir()
    found = unpack(archive, tmp_path / "new").workspace.paths("one").folder
    assert sorted(path.name for path in (found / "artifacts" / "run1").iterdir()) == ["new", "old"]


Member = tuple[str | zipfile.ZipInfo, bytes]


def changed(source: Path, target: Path, *added: Member, without: str = "\0", **index: Any) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "archive.json":
                data = json.dumps({**json.loads(data), **index}).encode()
            if without not in name:
                new.writestr(name, data)
        for member, data in added:
            new.writestr(member, data)
    return target


def special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda old, new: changed(old, new, ("../out.py", b"x")),
        lambda old, new: changed(old, new, ("/etc/out.py", b"x")),
        lambda old, new: changed(old, new, ("tasks/one/../../../out", b"x")),
        lambda old, new: changed(old, new, ("tasks\\one\\x", b"x")),
        lambda old, new: changed(old, new, ("C:/x", b"x")),
        lambda old, new: changed(old, new, ("tasks/one/a\nb", b"x")),
        lambda old, new: changed(old, new, ("other/x", b"x")),
        lambda old, new: changed(old, new, ("code/_pyruns_/x", b"x")),
        lambda old, new: changed(old, new, ("tasks/one/" + "d/" * 200 + "x", b"x")),
        lambda old, new: changed(old, new, ("tasks/one/" + "n" * 300, b"x")),
        lambda old, new: changed(old, new, (special("tasks/one/artifacts/l", stat.S_IFLNK), b"/etc/passwd")),
        lambda old, new: changed(old, new, (special("tasks/one/artifacts/p", stat.S_IFIFO), b"")),
        lambda old, new: changed(old, new, ("tasks/one/config.yaml", b"twice")),
        lambda old, new: changed(old, new, ("tasks/one/config.yaml/x", b"x")),
        lambda old, new: changed(old, new, ("tasks/hidden/task_info.json", b"{}")),
        lambda old, new: changed(old, new, tasks=["one", "two"]),
        lambda old, new: changed(old, new, tasks=["../one"]),
        lambda old, new: changed(old, new, tasks=[]),
        lambda old, new: changed(old, new, script="../job.py"),
        lambda old, new: changed(old, new, kind="odd"),
        lambda old, new: changed(old, new, version=99),
        lambda old, new: changed(old, new, format="other"),
        lambda old, new: changed(old, new, without="archive.json"),
        lambda old, new: changed(old, new, without="code/"),
        lambda old, new: changed(old, new, ("tasks/one/task_info.json", b"{"), without="task_info.json"),
        lambda old, new: new.write_bytes(b"no zip"),
        lambda old, new: new.write_bytes(old.read_bytes()[:-30]),
        lambda old, new: new.write_bytes(b""),
        lambda old, new: new.mkdir(),
    ],
)
def test_hostile_archives_write_nothing(tmp_path: Path, spoil: Callable[[Path, Path], Any]) -> None:
    workspace = script_workspace(tmp_path / "origin")
    one_task(workspace)
    archive, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    packed(workspace, archive, "one")
    spoil(archive, bad)
    target = tmp_path / "new"
    target.mkdir()
    (target / "kept.py").write_text("mine")
    with pytest.raises(PyrunsError) as caught:
        unpack(bad, target)
    assert caught.value.message.endswith(".")
    assert snapshot(target) == {"kept.py": b"mine"}
    assert os.listdir(target) == ["kept.py"]
    assert not (tmp_path / "out.py").exists()


def test_damaged_content_and_bombs_write_nothing(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "origin")
    folder = one_task(workspace)
    (folder / "run_logs" / "run1.log").write_bytes(os.urandom(5000))
    archive = tmp_path / "good.zip"
    packed(workspace, archive, "one")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        member = opened.getinfo("tasks/one/run_logs/run1.log")
    data[member.header_offset + 200] ^= 0xFF
    (tmp_path / "bad.zip").write_bytes(data)
    # The same file a thousand times: small, but it says that it is enormous.
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name in opened_names(archive):
            made.writestr(name, zipfile.ZipFile(archive).read(name))
        made.writestr("tasks/one/artifacts/bomb", b"\0" * 10_000_000)
    raw = content.getvalue().replace(
        (10_000_000).to_bytes(4, "little"), (4_000_000_000).to_bytes(4, "little")
    )
    (tmp_path / "bomb.zip").write_bytes(raw)
    target = tmp_path / "new"
    target.mkdir()
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as made:
        for name in opened_names(archive):
            made.writestr(name, zipfile.ZipFile(archive).read(name))
    for name in ("bad.zip", "bomb.zip", "lzma.zip"):
        with pytest.raises(InvalidInput):
            unpack(tmp_path / name, target)
        assert os.listdir(target) == []
    with pytest.raises(NotFound):
        unpack(tmp_path / "none.zip", target)
    with pytest.raises(NotFound):
        unpack(archive, tmp_path / "nowhere")


def opened_names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_what_an_archive_says_of_owners_is_not_believed(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "origin")
    one_task(workspace)
    archive, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    packed(workspace, archive, "one")
    info = json.loads(zipfile.ZipFile(archive).read("tasks/one/task_info.json"))
    info |= {
        "status": "running",
        "pids": [1],
        "run_statuses": ["running"],
        "lease_until": 9e9,
        "name": "../x",
    }
    info |= {
        "config_file": "../../../train.py",
        "_namespace_operation": {"kind": "rename", "expires_at": 9e9},
    }
    changed(
        archive,
        bad,
        ("tasks/one/task_info.json", json.dumps(info).encode()),
        ("tasks/one/.task_info.json.lock", b"1 1 x 1 y"),
        ("tasks/one/run_logs/.run1.owner", b"{}"),
        without="task_info.json",
    )
    target = tmp_path / "new"
    target.mkdir()
    found = unpack(bad, target)
    info = read_task(found.workspace.paths("one").folder)
    assert (info["name"], info["status"]) == ("one", "failed")
    assert "_namespace_operation" not in info
    tasks.change(found.workspace, "one", metadata.TaskPatch(notes="mine"))
    assert trash.trash(found.workspace, "one") == "one"


def test_a_script_that_is_no_python_brings_nothing(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path / "origin")
    one_task(workspace)
    archive = tmp_path / "a.zip"
    packed(workspace, archive, "one")
    changed(archive, tmp_path / "b.zip", ("code/train.py", b"def (:"), without="code/")
    target = tmp_path / "new"
    target.mkdir()
    with pytest.raises(InvalidInput):
        unpack(tmp_path / "b.zip", target)
    assert os.listdir(target) == []
    open_workspace(workspace.project)


def test_only_modules_of_the_script_go_into_the_project(tmp_path: Path, project: WorkspaceFolder) -> None:
    (name,) = create_tasks(project, "lr: 0.5\n", "t")
    archive = tmp_path / "a.zip"
    packed(project, archive, name)
    odd = ("code/.ssh/authorized_keys", "code/jupyter_server_config.py", "code/parts/data.json")
    changed(archive, tmp_path / "b.zip", *((one, b"x = 1") for one in odd))
    target = tmp_path / "new"
    target.mkdir()
    found = unpack(tmp_path / "b.zip", target)
    assert found.left_out == {name.removeprefix("code/"): "it is not a module of the script" for name in odd}
    assert sorted(found.written) == [
        "helper.py",
        "job.py",
        "parts/__init__.py",
        "parts/model.py",
        "parts/names.py",
    ]
    assert sorted(os.listdir(target)) == ["_pyruns_", "helper.py", "job.py", "parts"]
    assert sorted(os.listdir(target / "parts")) == ["__init__.py", "model.py", "names.py"]


SHADOWS = (
    *("json", "torch", "numpy", "sitecustomize", "usercustomize", "conftest", "setup", "noxfile", "yaml"),
    *("jupyter_server_config", "ipython_config", "pytest", "pyruns_jupyter", "__main__", "psutil", "_pytest"),
)


@pytest.mark.parametrize("as_package", [False, True])
def test_no_module_comes_in_place_of_another(
    tmp_path: Path, project: WorkspaceFolder, as_package: bool
) -> None:
    """Other scripts and notebooks of the project would import it, and tools would run it."""
    (name,) = create_tasks(project, "lr: 0.5\n", "t")
    archive = tmp_path / "a.zip"
    packed(project, archive, name)
    paths = [f"{one}/__init__.py" if as_package else f"{one}.py" for one in SHADOWS]
    script = "".join(f"import {one}\n" for one in (*SHADOWS, "helper", "parts.model"))
    evil = [(f"code/{path}", b"raise SystemExit('evil')\n") for path in paths]
    inner = ("code/lib/json.py", b"x = 1\n"), ("code/parts/json.py", b"x = 1\n")
    script += "import lib.json, parts.json, lib\n"
    changed(
        archive,
        tmp_path / "b.zip",
        *evil,
        *inner,
        ("code/lib/__init__.py", b""),
        ("code/job.py", script.encode()),
        without="job.py",
    )
    target = tmp_path / "new"
    (target / "lib").mkdir(parents=True)
    (target / "lib" / "mine.py").write_text("import json\n")
    found = unpack(tmp_path / "b.zip", target)
    assert set(found.left_out) == {*paths, "lib/json.py", "lib/__init__.py"}
    assert "the module json" in found.left_out[paths[0]]
    assert sorted(os.listdir(target)) == ["_pyruns_", "helper.py", "job.py", "lib", "parts"]
    assert os.listdir(target / "lib") == ["mine.py"]
    assert (target / "parts" / "json.py").exists()  # the folder came with it, so no other script lies there
    told = "\n".join(found.warnings())
    assert all(path in told for path in paths)
    assert "parts/json.py" in found.written_text()


@pytest.mark.parametrize("name", ["json", "torch", "setup", "jupyter_server_config"])
def test_a_script_does_not_come_in_place_of_a_module(tmp_path: Path, name: str) -> None:
    workspace = script_workspace(tmp_path / "origin", f"{name}.py")
    one_task(workspace)
    archive = tmp_path / "a.zip"
    packed(workspace, archive, "one")
    target = tmp_path / "new"
    target.mkdir()
    with pytest.raises(InvalidInput, match=f"script {name}.py .* if you trust it"):
        unpack(archive, target)
    assert os.listdir(target) == []
    shutil.copy(tmp_path / "origin" / f"{name}.py", target)
    assert unpack(archive, target).names == {"one": "one"}


@pytest.mark.parametrize("place", [".code", ".code/objects", ".code/manifests", ".code/objects/*"])
def test_stored_code_is_not_written_through_links(
    tmp_path: Path, project: WorkspaceFolder, place: str
) -> None:
    (project.root / "_pyruns_settings.yaml").write_text("snapshot_code: true\n")
    create_tasks(project, "lr: 0.5\n", "one")
    finished(project, "one")
    archive = tmp_path / "a.zip"
    packed(project, archive, "one")
    (target := tmp_path / "new").mkdir()
    (elsewhere := tmp_path / "elsewhere").mkdir()
    root = unpack(archive, target).workspace.root
    prefixes = [path.name for path in (root / ".code" / "objects").iterdir()]
    shutil.rmtree(root / ".code")
    for prefix in prefixes:
        path = root / place.replace("*", prefix)
        if not path.is_symlink():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(elsewhere)
    with pytest.raises(Conflict, match="a symbolic link"):
        unpack(archive, target)
    assert os.listdir(elsewhere) == []


def test_what_is_in_the_way_of_a_module(tmp_path: Path, project: WorkspaceFolder) -> None:
    (name,) = create_tasks(project, "lr: 0.5\n", "t")
    archive = tmp_path / "a.zip"
    packed(project, archive, name)
    target = tmp_path / "new"
    target.mkdir()
    (target / "parts").write_text("no folder")
    with pytest.raises(Conflict, match="parts is not a folder"):
        unpack(archive, target)
    assert os.listdir(target) == ["parts"]
    (target / "parts").unlink()
    os.mkfifo(target / "helper.py")  # comparing it would wait for ever
    assert any("helper.py" in notice for notice in unpack(archive, target).notices)


def test_a_failed_import_leaves_the_tasks_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = script_workspace(tmp_path / "origin")
    one_task(workspace)
    archive, bad = tmp_path / "a.zip", tmp_path / "b.zip"
    packed(workspace, archive, "one")
    changed(archive, bad, ("tasks/one/run_logs", b"no folder"), without="run_logs")
    target = tmp_path / "new"
    target.mkdir()
    prepare = unpacking._prepare

    def meanwhile(source: Path, place: Path, info: Any, there: WorkspaceFolder, index: Any) -> None:
        create_tasks(there, "lr: 1\n", "of somebody else")
        prepare(source, place, info, there, index)

    monkeypatch.setattr(unpacking, "_prepare", meanwhile)
    with pytest.raises(InvalidInput, match="run_logs"):
        unpack(bad, target)
    found = WorkspaceFolder.at(target / "_pyruns_" / "train")
    assert found.task_names() == ["of somebody else"]
    assert sorted(os.listdir(found.root)) == [".gitignore", "_pyruns_settings.yaml", "train"]
    monkeypatch.undo()
    shutil.rmtree(target)
    target.mkdir()
    with pytest.raises(InvalidInput, match="run_logs"):
        unpack(bad, target)
    assert not (target / "train.py").exists()
    assert not (target / "_pyruns_" / "train").exists()
