"""Links and stored paths that lead out of a project show nothing of what is there."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics import journal
from pyruns_jupyter.core.taskfile.paths import DEFAULT_CONFIG, SCRIPT_INFO, SETTINGS_NAME
from pyruns_jupyter.core.tasks.trash import trash
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import OPENAPI, Api
from tests.server.conftest import WS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")

SECRET = "8147c5"  # a number, a name and a text
SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", default="{default}")
parser.parse_args()
"""
HYDRA = """\
import hydra

@hydra.main(config_path="{folder}", config_name="{name}")
def main(cfg):
    pass

main()
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A project of the same user that the server is not to show, with tasks, runs, a study and the trash."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT.format(default=SECRET))
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "config.yaml").write_text(f"key: {SECRET}\n")
    (folder / "conf" / "model" / "big.yaml").write_text(f"key: {SECRET}\n")
    workspace = open_workspace(folder / "train.py")[0]
    create_tasks(workspace, f"lr: {SECRET}\n", "one")
    run(workspace, SECRET)
    create_tasks(workspace, "lr: 1\n", f"removed{SECRET}")
    trash(workspace, f"removed{SECRET}")
    (workspace.folder / "studies").mkdir()
    (workspace.folder / "studies" / f"found{SECRET}.json").write_text("{}")
    (workspace.root / SETTINGS_NAME).write_text(f"# {SECRET}\npython_executable: {SECRET}\n")
    return folder


def run(workspace: WorkspaceFolder, word: str) -> Recorder:
    """Let the task `one` run, and not end."""
    task = Recorder(workspace, "one")
    task.start().write_text(word)
    task.paths.journal(1).write_bytes(journal.encode(journal.TRACK, {f"loss{word}": 1.0}, 1.0))
    task.paths.input(1).write_text(json.dumps({"payload_text": word, "launch_argv": [word]}))
    task.paths.artifact_dir(1).mkdir(parents=True)
    (task.paths.artifact_dir(1) / f"{word}.txt").write_text(word)
    return task


@pytest.fixture
def here(jp_root_dir: Path, train: WorkspaceFolder) -> WorkspaceFolder:
    """The project below the server's root that leads out."""
    create_tasks(train, "lr: 1\n", "one")
    run(train, "plain")
    return train


def link(path: Path, target: Path) -> None:
    """Put a link where something is."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def script_path(here: WorkspaceFolder, outside: Path) -> None:
    here.project.joinpath("train.py").unlink()
    path = here.folder / SCRIPT_INFO
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "script_path": str(outside / "train.py")}))


def hydra(folder: str, name: str = "config") -> Callable[[WorkspaceFolder, Path], None]:
    def write(here: WorkspaceFolder, outside: Path) -> None:
        (here.project / "conf").mkdir()
        (here.project / "conf" / "linked").symlink_to(outside / "conf")
        (here.project / "conf" / "file.yaml").symlink_to(outside / "conf" / "config.yaml")
        (here.project / "conf" / "group.yaml").write_text(f"defaults:\n  - /{outside}/conf/model: big\n")
        text = HYDRA.format(folder=folder.format(outside=outside), name=name.format(outside=outside))
        (here.project / "train.py").write_text(text)

    return write


def named(*parts: str) -> Callable[[WorkspaceFolder, Path], None]:
    """Replace something of the workspace by a link to the same of the project outside."""

    def write(here: WorkspaceFolder, outside: Path) -> None:
        link(here.folder.joinpath(*parts), (outside / "_pyruns_" / "train").joinpath(*parts))

    return write


WAYS: dict[str, Callable[[WorkspaceFolder, Path], None]] = {
    "tasks": named("tasks"),
    "task": named("tasks", "one"),
    "trash": named("tasks", ".trash"),
    "logs": named("tasks", "one", "run_logs"),
    "artifacts": named("tasks", "one", "artifacts"),
    "task file": named("tasks", "one", "task_info.json"),
    "configuration": named("tasks", "one", "config.yaml"),
    "studies": named("studies"),
    "default": named(DEFAULT_CONFIG),
    "description": named(SCRIPT_INFO),
    "settings": lambda here, outside: link(here.root / SETTINGS_NAME, outside / "_pyruns_" / SETTINGS_NAME),
    "script": lambda here, outside: link(here.project / "train.py", outside / "train.py"),
    "script path": script_path,
    "hydra, absolute": hydra("{outside}/conf"),
    "hydra, relative": hydra("../outside/conf"),
    "hydra, linked folder": hydra("conf/linked"),
    "hydra, linked file": hydra("conf", "file"),
    "hydra, linked name": hydra("conf", "linked/config"),
    "hydra, absolute name": hydra("conf", "{outside}/conf/config"),
    "hydra, absolute group": hydra("conf", "group"),
}


async def look(api: Api) -> dict[str, str]:
    """What each address answers about the task."""
    said = {}
    given = {"ws": WS, "task": "one", "run": "1", "path": f"{SECRET}.txt", "study": "other"}
    for address, described in OPENAPI["paths"].items():
        if "get" not in described or address.endswith(("stream", "events")):
            continue
        query: dict[str, Any] = {}
        if address.endswith("search"):
            query = {"pattern": "."}
        if address.endswith(("curves", "compare")):
            query = {"task": "one", "tasks": "one", "names": "one", "keys": f"loss{SECRET}"}
        answer = await api.raw("get", api.path(address, query, **given))
        assert answer.code < 500, (address, answer.body)
        text = answer.body.decode("utf-8", "replace")
        said[address] = text.replace(given["path"], "") if answer.code == 404 else text
    return said


async def test_what_is_looked_for_would_be_seen(api: Api, here: WorkspaceFolder, outside: Path) -> None:
    """The same content as plain files is shown: so the test below looks where it has to."""
    shutil.copytree(outside, here.project, dirs_exist_ok=True)
    shown = {address for address, text in (await look(api)).items() if SECRET in text}
    for place in ("settings", "parameters", "trash", "studies", "input", "tracks", "artifacts", "logs"):
        assert any(address.endswith(place) for address in shown), place


@pytest.mark.parametrize("way", WAYS)
async def test_what_lies_outside_is_not_shown(
    api: Api, here: WorkspaceFolder, outside: Path, way: str
) -> None:
    before = sorted(outside.rglob("*"))
    WAYS[way](here, outside)
    shown = {address: text for address, text in (await look(api)).items() if SECRET in text}
    assert shown == {}
    assert sorted(outside.rglob("*")) == before


async def test_a_script_that_is_opened_shows_nothing_from_outside(
    api: Api, jp_root_dir: Path, outside: Path
) -> None:
    (jp_root_dir / "loads.py").write_text(
        f"import pyruns_jupyter\npyruns_jupyter.load({str(outside / 'conf' / 'config.yaml')!r})\n"
    )
    (jp_root_dir / "linked.py").write_text("import pyruns_jupyter\npyruns_jupyter.load()\n")
    (jp_root_dir / "linked.yaml").symlink_to(outside / "conf" / "config.yaml")
    (jp_root_dir / "composed.py").write_text(HYDRA.format(folder=outside / "conf", name="config"))
    for name in ("loads", "linked", "composed"):
        await api.post("/workspaces", {"path": f"{name}.py"})
        assert SECRET not in (jp_root_dir / "_pyruns_" / name / DEFAULT_CONFIG).read_text()
