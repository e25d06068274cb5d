"""Runs of other programs are imported over REST, from folders below the root only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.import_runs.support import mlflow_database, mlflow_store
from tests.server.client import Api
from tests.server.conftest import WS

IMPORTS = "/workspaces/{ws}/imports"


async def test_a_preview_and_an_import(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    mlflow_store(jp_root_dir / "old runs", runs=4)
    preview = await api("post", IMPORTS, {"path": "/old runs/", "dry_run": True}, ws=WS)
    assert preview.status == 200
    assert {key: preview.body[key] for key in ("created", "skipped", "notices")} == {
        "created": 4,
        "skipped": 0,
        "notices": [],
    }
    assert preview.body["left_out"] == [
        {
            "reason": "Its artifacts are not copied (1 file, 0.0 MiB).",
            "count": 4,
            "names": ["trial-0", "trial-1", "trial-2"],
        }
    ]
    first = preview.body["runs"][0]
    assert (first["task"], first["program"], first["status"]) == ("trial-0", "MLflow", "completed")
    assert first["parameters"] == {"lr": 0.1, "opt/name": "adam | sgd: [x"}
    assert sorted(first["metrics"]) == ["loss", "step", "val/acc"]
    assert list(Workspace(train)) == []

    done = await api("post", IMPORTS, {"path": "old runs", "artifacts": True}, ws=WS)
    assert (done.status, done.body["created"], done.body["left_out"]) == (201, 4, [])
    listed = await api.get("/workspaces/{ws}/tasks", ws=WS)
    assert listed["counts"]["completed"] == 1
    assert listed["total"] == 4
    again = await api("post", IMPORTS, {"path": "old runs", "dry_run": True}, ws=WS)
    assert (again.body["created"], again.body["skipped"]) == (0, 4)
    assert "It was imported as trial-0." in [one["reason"] for one in again.body["left_out"]]


async def test_a_url_of_a_database(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    mlflow_database(jp_root_dir / "mlflow.db", runs=1)
    body = {"path": "sqlite:///mlflow.db", "dry_run": True}
    assert (await api("post", IMPORTS, body, ws=WS)).body["created"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../outside", 400),
        ("/etc", 404),
        ("sub folder/../../outside", 400),
        ("link", 400),
        ("link/mlruns", 400),
        ("sqlite:///../outside/mlflow.db", 400),
        ("sqlite:////etc/passwd", 404),
        ("postgresql://host/optuna", 400),
        ("x\0", 400),
        ("train.py", 400),
        ("nothing", 404),
        ("sub folder", 404),  # no runs
        ("_pyruns_", 400),
        ("", 404),  # the root, which has no runs
    ],
)
async def test_paths(api: Api, train: WorkspaceFolder, jp_root_dir: Path, path: str, status: int) -> None:
    outside = jp_root_dir.parent / "outside"
    outside.mkdir()
    mlflow_store(outside, runs=1)
    mlflow_database(outside / "mlflow.db", runs=1)
    (jp_root_dir / "link").symlink_to(outside)
    for dry_run in (True, False):
        answer = await api("post", IMPORTS, {"path": path, "dry_run": dry_run}, ws=WS)
        assert answer.status == status, answer.body
        assert answer.body["message"]
    assert list(Workspace(train)) == []


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"tasks_at_once": 3}}], ids=[""])
async def test_the_number_of_tasks_is_limited(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    mlflow_store(jp_root_dir, runs=4)
    for dry_run in (True, False):
        answer = await api("post", IMPORTS, {"path": "mlruns", "dry_run": dry_run}, ws=WS)
        assert answer.status == 400
        assert "would create 4 tasks, but the limit is 3" in answer.body["message"]
    assert list(Workspace(train)) == []


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"roots": ["sub folder"]}}], ids=[""])
async def test_the_administrator_narrows_the_paths(api: Api, jp_root_dir: Path) -> None:
    opened = await api.post("/workspaces", {"path": "sub folder/nested.py"})
    mlflow_store(jp_root_dir, runs=1)
    answer = await api("post", IMPORTS, {"path": "mlruns"}, ws=opened["id"])
    assert (answer.status, answer.body["field"]) == (400, "path")
    mlflow_store(jp_root_dir / "sub folder", runs=1)
    answer = await api("post", IMPORTS, {"path": "sub folder/mlruns"}, ws=opened["id"])
    assert answer.status == 201


async def test_imports_at_the_same_time(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    mlflow_store(jp_root_dir, runs=3)
    answers = await asyncio.gather(*(api("post", IMPORTS, {"path": "mlruns"}, ws=WS) for _ in range(3)))
    names = Workspace(train).tasks().names
    assert {answer.status for answer in answers} <= {201, 409, 503}
    assert len(names) == sum(answer.body.get("created", 0) for answer in answers)
    assert all(task.row.readable for task in Workspace(train))
