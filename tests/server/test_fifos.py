"""A FIFO in place of any file of a project keeps no request waiting."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.peer_tracks import STORE_NAME
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.metrics.test_peer_tracks import INFO as STORED
from tests.core.metrics.test_peer_tracks import store
from tests.recorder import Recorder
from tests.server.client import OPENAPI, Api
from tests.server.conftest import WS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs of POSIX")

TIMEOUT_SECONDS = 20.0  # of one request; most take milliseconds
HYDRA = """
import hydra

@hydra.main(config_path="conf", config_name="config")
def main(cfg):
    pass

main()
"""


@pytest.fixture
def project(jp_root_dir: Path, train: WorkspaceFolder) -> Path:
    """A project with all that a look may read: a task with a run and its files, a study, stored facts."""
    create_tasks(train, "lr: 1\n", "one")
    task = Recorder(train, "one")
    log = task.start()
    log.write_text("done\n")
    task.finish(tracks={"loss": [[0, 1.0], [1, 0.5]]}, records={"acc": 1.0})
    task.paths.artifact_dir(1).mkdir(parents=True)
    (task.paths.artifact_dir(1) / "notes.txt").write_text("notes")
    for path in (task.paths.input(1), task.paths.owner(1)):
        path.write_text("{}")
    for path in (task.paths.journal(1), task.paths.times(1), task.paths.curves(1)):
        path.touch()
    store(task.paths.folder).close()
    (task.paths.folder / f"{STORE_NAME}-journal").touch()
    with edit_task(task.paths.folder) as info:
        info.update(STORED)
    (task.paths.folder / ".task_info.json.lock").write_text("1 1 elsewhere 1 other")
    (train.folder / "studies").mkdir()
    (train.folder / "studies" / "found.json").write_text("{}")
    engine = EnginePaths(train.root)
    engine.folder.mkdir(exist_ok=True)
    for name in ("format", "queue.json", "scheduler.lock", "door.lock"):
        (engine.folder / name).touch()
    (engine.folder / "format").write_text("1\n")
    (train.root / ".active_workspace").write_text("train")
    (jp_root_dir / "conf").mkdir()
    (jp_root_dir / "conf" / "config.yaml").write_text("lr: 1\n")
    (jp_root_dir / "train.py").write_text("import helper\n" + HYDRA)
    (jp_root_dir / "helper.py").write_text("x = 1\n")
    return jp_root_dir


async def look(api: Api) -> None:
    """Ask everything that can be asked about the task, each request with a time limit."""
    given = {"ws": WS, "task": "one", "run": "1", "path": "notes.txt", "study": "found"}
    for address, described in OPENAPI["paths"].items():
        if "get" in described and not address.endswith("stream") and not address.endswith("events"):
            query: dict[str, Any] = {"pattern": "done"} if address.endswith("search") else {}
            answer = api.raw("get", api.path(address, query, **given))
            found = await asyncio.wait_for(answer, TIMEOUT_SECONDS)
            assert found.code < 500, (address, found.body)
    preview = api.raw("post", api.path("/workspaces/{ws}/preview", None, **given), b'{"text": "lr: 1 | 2"}')
    await asyncio.wait_for(preview, TIMEOUT_SECONDS)


async def test_no_request_waits_for_a_fifo(api: Api, project: Path) -> None:
    await look(api)
    seen = 0
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        aside = path.with_name(f"{path.name}.aside")
        path.rename(aside)
        os.mkfifo(path)
        try:
            await look(api)
        except asyncio.TimeoutError:
            pytest.fail(f"A request waits for a FIFO at {path}.")
        finally:
            path.unlink(missing_ok=True)
            aside.rename(path)
        seen += 1
    assert seen > 20
