"""One run over REST: how it went, what it was given, which files it left."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.runs import open_artifact
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS

RUN = "/workspaces/{ws}/tasks/{task}/runs/{run}"
quiet = pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""])


@pytest.fixture
def task(train: WorkspaceFolder) -> Recorder:
    create_tasks(train, "lr: 1", "one")
    made = Recorder(train, "one")
    made.start()
    made.finish("failed", 3)
    made.paths.input(1).write_text(
        json.dumps(
            {
                "captured_at": "2026-01-02_03-04-05",
                "task_kind": "python",
                "payload_file": "config.yaml",
                "payload_text": "lr: 1\n",
                "launch_argv": ["python", "train.py"],
                "environment": {"API_TOKEN": "hush", "MODE": "fast"},
            }
        )
    )
    return made


@quiet
async def test_a_run(api: Api, task: Recorder) -> None:
    run = await api.get(RUN, ws=WS, task="one", run="1")
    detail = await api.get("/workspaces/{ws}/tasks/{task}", ws=WS, task="one")
    assert [run] == detail["history"]
    for number, status in (("2", 404), ("0", 400), ("x", 400), ("99999999999999999999999", 400)):
        for address in (RUN, f"{RUN}/input", f"{RUN}/artifacts", f"{RUN}/artifacts/{{path}}"):
            answer = await api("get", address, ws=WS, task="one", run=number, path="x")
            assert answer.status == status, (address, number)


class ReadOnly(Authorizer):
    """Nobody may do more than look."""

    allowed: ClassVar[frozenset[str]] = frozenset({"read"})

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "pyruns" or action in self.allowed


async def test_what_it_was_given(api: Api, task: Recorder) -> None:
    given = await api.get(f"{RUN}/input", ws=WS, task="one", run="1")
    assert given["config"] == "lr: 1\n"
    assert given["command"] == ["python", "train.py"]
    assert given["env"] == [
        {"name": "API_TOKEN", "value": None, "secret": True},
        {"name": "MODE", "value": "fast", "secret": False},
    ]
    given = await api.get(f"{RUN}/input", {"secrets": "true"}, ws=WS, task="one", run="1")
    assert given["env"][0]["value"] == "hush"
    await api("patch", "/workspaces/{ws}/tasks/{task}", {"env": {"MY_KEY": "42"}}, ws=WS, task="one")
    address = "/workspaces/{ws}/tasks/{task}"
    assert (await api.get(address, ws=WS, task="one"))["env"][0]["value"] is None
    assert (await api.get(address, {"secrets": "1"}, ws=WS, task="one"))["env"][0]["value"] == "42"
    for damaged in ("", "[]", '{"environment": [], "launch_argv": 3, "payload_text": {}}'):
        task.paths.input(1).write_text(damaged)
        answer = await api("get", f"{RUN}/input", ws=WS, task="one", run="1")
        assert answer.status == (200 if damaged.startswith("{") else 409)
    task.paths.input(1).unlink()
    answer = await api("get", f"{RUN}/input", ws=WS, task="one", run="1")
    assert answer.status == 404


@pytest.mark.parametrize("server_options", [{"ServerApp": {"authorizer_class": ReadOnly}}], ids=[""])
async def test_who_only_looks_sees_no_secrets(api: Api, task: Recorder) -> None:
    for address in (f"{RUN}/input", "/workspaces/{ws}/tasks/{task}"):
        assert "hush" not in str(await api.get(address, ws=WS, task="one", run="1"))
        answer = await api("get", address, query={"secrets": "true"}, ws=WS, task="one", run="1")
        assert answer.status == 403


@quiet
async def test_artifacts(api: Api, task: Recorder, tmp_path: Path) -> None:
    address = f"{RUN}/artifacts"
    assert (await api.get(address, ws=WS, task="one", run="1"))["items"] == []
    folder = task.paths.artifact_dir(1)
    (folder / "plots").mkdir(parents=True)
    (folder / "plots" / "a b.png").write_bytes(b"\x89PNG" * 100)
    (folder / "page.html").write_text("<script>alert(1)</script>")
    (folder / "image.svg").write_text("<svg onload='alert(1)'/>")
    (folder / "notes.md").write_text("# hi")
    (folder / "out").symlink_to(tmp_path)
    (folder / "secret.txt").symlink_to("/etc/hostname")
    os.mkfifo(folder / "fifo")
    (tmp_path / "outside.txt").write_text("outside")
    found = await api.get(address, ws=WS, task="one", run="1")
    assert [item["path"] for item in found["items"]] == [
        "image.svg",
        "notes.md",
        "page.html",
        "plots/a b.png",
    ]
    assert found["items"][3]["size"] == 400
    assert not found["cut"]

    async def fetch(path: str) -> Any:
        return await api("get", f"{address}/{{path}}", ws=WS, task="one", run="1", path=path)

    image = await fetch("plots/a b.png")
    assert (image.status, image.body) == (200, b"\x89PNG" * 100)
    assert image.headers["Content-Type"] == "image/png"
    assert image.headers["Content-Disposition"] == "inline; filename*=UTF-8''a%20b.png"
    assert (await fetch("notes.md")).headers["Content-Type"].startswith("text/plain")
    for path in ("page.html", "image.svg"):
        answer = await fetch(path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for path in (
        *("missing", "plots", "out/outside.txt", "secret.txt", "fifo", "../run1/notes.md", "plots//a b.png"),
        *("./notes.md", "notes.md/x", "x\0y", "/etc/hostname"),
    ):
        assert (await fetch(path)).status == 404, path


def test_a_file_is_opened_where_it_was_looked_for(train: WorkspaceFolder, tmp_path: Path) -> None:
    """A run may exchange its own folder for a link at any moment."""
    create_tasks(train, "lr: 1\n", "one")
    task = Recorder(train, "one")
    task.start()
    task.finish()
    folder = task.paths.artifact_dir(1)
    (folder / "plots").mkdir(parents=True)
    (folder / "plots" / "a.txt").write_text("mine")
    (folder / "last.txt").symlink_to("plots/a.txt")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside")
    ended = threading.Event()

    def exchange() -> None:
        while not ended.is_set():
            (folder / "plots").rename(folder / "aside")
            (folder / "link").rename(folder / "plots")
            (folder / "plots").rename(folder / "link")
            (folder / "aside").rename(folder / "plots")

    exchanging = threading.Thread(target=exchange)
    exchanging.start()
    seen = set()
    try:
        for name in ("plots/a.txt", "last.txt") * 300:
            try:
                with os.fdopen(open_artifact(train, "one", 1, name)) as file:
                    seen.add(file.read())
            except NotFound:
                continue
    finally:
        ended.set()
        exchanging.join()
    with os.fdopen(open_artifact(train, "one", 1, "last.txt")) as file:  # at the latest now
        seen.add(file.read())
    assert seen == {"mine"}
