"""Opening and finding workspaces on disk."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.paths import find_root
from pyruns_jupyter.core.workspace.discovery import discover
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import SCRIPT, one_task, script_workspace, shell_workspace, snapshot


def test_a_script_gets_a_workspace_beside_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    workspace, created = open_workspace(tmp_path / "train.py")
    assert created
    assert workspace.folder == tmp_path / "_pyruns_" / "train"
    assert (workspace.kind, workspace.script, workspace.project) == (
        "script",
        tmp_path / "train.py",
        tmp_path,
    )
    assert workspace.problem() is None
    info = json.loads((workspace.folder / "script_info.json").read_bytes())
    assert list(info) == ["workspace_kind", "script_name", "script_path", "created_at"]
    assert info["script_path"] == str(tmp_path / "train.py")
    assert "lr: 0.1  # learning rate\n" in workspace.template_text()
    assert (workspace.root / ".gitignore").read_text() == "*\n"
    assert Settings.load(workspace.root).problem is None
    assert sorted(path.name for path in workspace.root.iterdir()) == [
        ".gitignore",
        "_pyruns_settings.yaml",
        "train",
    ]
    for path in (workspace.folder / "script_info.json", workspace.root / "_pyruns_settings.yaml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_workspace(tmp_path / "train.py") == (workspace, False)
    assert open_workspace(workspace.folder) == (workspace, False)
    assert WorkspaceFolder.at(workspace.folder) == workspace
    assert find_root(workspace.tasks) == workspace.root


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    (workspace.root / "_pyruns_settings.yaml").write_text("python_executable: /x/python  # mine\n")
    (workspace.folder / "config_default.yaml").write_text("lr: 7\n")
    before = snapshot(tmp_path)
    assert open_workspace(tmp_path / "train.py")[1] is False
    assert open_workspace(tmp_path)[1] is True
    assert before.items() <= snapshot(tmp_path).items()


def test_a_load_script_takes_the_configuration_beside_it(tmp_path: Path) -> None:
    text = "# mine\ntraining:\n  lr: 0.1  # rate\n"
    (tmp_path / "config.yaml").write_text(text)
    workspace = script_workspace(
        tmp_path, "main.py", "import pyruns_jupyter as pyruns\ncfg = pyruns.load()\n"
    )
    assert workspace.template_text() == text
    bare = script_workspace(tmp_path / "bare", "main.py", "from pyruns_jupyter import load\nload()\n")
    assert bare.template_text().startswith("# Configuration of main.py")


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("bad.py", "def broken(:\n", "script"),
        ("_shell_.py", SCRIPT, "path"),
        ("a?.py", SCRIPT, "path"),
        ("c.yaml", "a: 1\n", "path"),
        ("c.txt", "", "path"),
    ],
)
def test_what_cannot_be_opened_writes_nothing(tmp_path: Path, name: str, content: str, field: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInput) as caught:
        open_workspace(tmp_path / name)
    assert caught.value.field == field
    assert name in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_workspace(tmp_path / "none.py")
    with pytest.raises(NotFound):
        WorkspaceFolder.at(tmp_path)
    with pytest.raises(NotFound):
        script_workspace(tmp_path).existing("../train")


def test_a_folder_has_a_shell_workspace_and_a_shell_file_its_text(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    assert (workspace.name, workspace.kind, workspace.script) == ("_shell_", "shell", None)
    assert workspace.problem() is None
    info = workspace.info()
    assert list(info)[:4] == ["workspace_kind", "script_name", "script_path", "project_root"]
    (tmp_path / "job.sh").write_text("echo job\n")
    assert open_workspace(tmp_path / "job.sh") == (workspace, False)
    assert workspace.template_text() == "echo job\n"


def test_a_moved_project_finds_its_script(tmp_path: Path) -> None:
    script_workspace(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    folder = tmp_path / "new" / "_pyruns_" / "train"
    workspace = WorkspaceFolder.at(folder)
    assert workspace.script == tmp_path / "new" / "train.py"
    assert workspace.problem() is None
    (tmp_path / "new" / "train.py").unlink()
    gone = WorkspaceFolder.at(folder)
    assert gone.script is None
    assert "train.py" in (gone.problem() or "")


def test_a_missing_interpreter_is_a_problem(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    (workspace.root / "_pyruns_settings.yaml").write_text("python_executable: /no/such/python\n")
    assert "/no/such/python" in (workspace.problem() or "")


def test_a_half_made_folder_is_completed(tmp_path: Path) -> None:
    folder = tmp_path / "_pyruns_" / "train"
    (folder / "tasks" / "kept").mkdir(parents=True)
    (folder / "config_default.yaml").write_text("lr: 9\n")
    workspace = script_workspace(tmp_path)
    assert workspace.info()["workspace_kind"] == "script"
    assert workspace.template_text() == "lr: 9\n"
    assert (folder / "tasks" / "kept").is_dir()
    assert not [path for path in workspace.root.iterdir() if path.name.startswith(".pyruns-workspace-")]


def test_many_open_at_once(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    results: list[bool] = []
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            results.append(open_workspace(tmp_path / "train.py")[1])
        except BaseException as error:  # noqa: BLE001 - the test shows it
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert results.count(True) == 1
    left = sorted(path.name for path in (tmp_path / "_pyruns_").iterdir())
    assert left == [".gitignore", "_pyruns_settings.yaml", "train"]


def test_links_are_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "_pyruns_").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="symbolic link"):
        script_workspace(tmp_path / "project")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    workspace = script_workspace(tmp_path / "other")
    folder = one_task(workspace)
    (workspace.tasks / "linked").symlink_to(folder)
    assert workspace.task_names() == ["one"]
    with pytest.raises(NotFound):
        workspace.existing("linked")


def test_discover_is_bounded_and_skips_what_is_not_the_users(tmp_path: Path) -> None:
    near = script_workspace(tmp_path / "a")
    script_workspace(tmp_path / "a", "second.py")
    script_workspace(tmp_path / "a" / "b" / "c" / "d" / "e" / "f")
    for skipped in (".hidden", "node_modules", ".venv"):
        script_workspace(tmp_path / skipped)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = discover(tmp_path)
    assert {workspace.name for workspace in found} == {"train", "second"}
    assert near in found
    assert len(discover(tmp_path, limit=1)) == 1
    assert discover(tmp_path / "a" / "b", depth=0) == []


def test_where_the_first_configuration_came_from(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import pyruns\ncfg = pyruns.load()\n")
    (tmp_path / "config.yaml").write_text("lr: 1  # kept\n")
    info = open_workspace(tmp_path / "train.py")[0].info()
    assert info["config_default_source"] == str(tmp_path / "config.yaml")
    assert info["config_default_source_name"] == "config.yaml"
