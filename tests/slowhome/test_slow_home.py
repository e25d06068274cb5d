"""A home on a slow file server that tells nobody of changes, and another host that works on it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import websocket

from pyruns_jupyter.core.workspace.opening import open_workspace
from tests.engine.support import stop_everything
from tests.server.process import TOKEN, ServerProcess
from tests.support import ROOT, wait_until

SOURCE = Path(__file__).with_name("slowhome.c")
WS, LIST = "_pyruns_/train", "/workspaces/{ws}/tasks"
TASKS = 150
DELAY = 0.004  # seconds for each look at a file
SCRIPT = "import socket, pyruns_jupyter as pr\nprint('on', socket.gethostname())\npr.record(acc=0.5)\n"


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of programs for which the home is slow."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.fail("a C compiler (gcc) is needed to make files slow")
    library = tmp_path_factory.mktemp("slowhome") / "slowhome.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-ldl"]
    subprocess.run([compiler, "-o", str(library), str(SOURCE), *flags], check=True)
    return {"LD_PRELOAD": str(library), "PYRUNS_TEST_DELAY_US": str(int(DELAY * 1e6))}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with many tasks in the home."""
    home = tmp_path / "home"
    home.mkdir()
    script = home / "train.py"
    script.write_text(SCRIPT)
    workspace, _ = open_workspace(script)
    for number in range(TASKS):
        folder = workspace.tasks / f"t{number:03d}"
        folder.mkdir()
        (folder / "config.yaml").write_text("{}\n")
        kind = {"task_kind": "python", "config_file": "config.yaml", "script": str(script)}
        info = {"name": folder.name, "status": "pending", **kind}
        (folder / "task_info.json").write_text(json.dumps(info))
    return home


@pytest.fixture
def server(
    slow: dict[str, str], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServerProcess]:
    """A real server for which the home is slow, and does not respond while the file `gate` is there."""
    with monkeypatch.context() as patch:
        for name, value in {**slow, "PYRUNS_TEST_GATE": str(tmp_path / "gate")}.items():
            patch.setenv(name, value)
        made = ServerProcess(project, tmp_path / "own", lab=False)
    yield made
    made.stop()
    stop_everything(tmp_path)


def test_nobody_waits_for_the_home_but_who_asks_for_its_files(server: ServerProcess, tmp_path: Path) -> None:
    """The first list takes a look at each task; others get their answers meanwhile."""
    gate = tmp_path / "gate"
    gate.touch()
    lists: list[Any] = []
    listing = threading.Thread(target=lambda: lists.append(server.request("GET", LIST, ws=WS)))
    listing.start()
    try:
        wait_until(Path(f"{gate}.seen").exists, message="the list waits for the home")
        for _ in range(20):
            server.request("GET", "/status")
        assert not lists
    finally:
        gate.unlink()
        listing.join()
    assert lists[0]["total"] == TASKS


def test_what_another_host_does_is_on_the_page(
    server: ServerProcess, project: Path, slow: dict[str, str]
) -> None:
    address = f"ws{server.base[4:]}pyruns/api/workspaces/{quote(WS, safe='')}/events"
    events = websocket.create_connection(address, header=[f"Authorization: token {TOKEN}"], timeout=60)
    try:
        assert json.loads(events.recv())["type"] == "hello"
        enter = ["unshare", "--uts", "sh", "-c", 'hostname other-host && exec "$@"', "sh"]
        if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
            enter = []  # nobody but root may play another host
        words = [sys.executable, "-m", "pyruns_jupyter.cli", "run", "t007"]
        environment = {**os.environ, **slow, "PYTHONPATH": str(ROOT)}
        subprocess.run([*enter, *words], cwd=project, env=environment, check=True, capture_output=True)
        seen: list[str] = []
        while "completed" not in seen:
            message = json.loads(events.recv())
            seen += [row["status"] for row in message.get("changed", ()) if row["name"] == "t007"]
    finally:
        events.close()
    [run] = server.request("GET", f"{LIST}/t007", ws=WS)["history"]
    assert run["environment"]["host"] == ("other-host" if enter else socket.gethostname())
    assert run["records"] == {"acc": 0.5}
