"""A home on a slow file server that tells nobody of changes, and another host that works on it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websocket

from pyruns_jupyter.core.workspace import WorkspaceFolder, open_workspace
from tests.engine.support import stop_everything
from tests.support import ROOT, wait_until

SOURCE = Path(__file__).with_name("slowhome.c")
WS = "_pyruns_%2Ftrain"
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


@dataclass
class Server:
    """A real server for which the home is slow."""

    url: str
    token: str
    root: Path
    workspace: WorkspaceFolder

    def get(self, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}/pyruns/api/{path}")
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def is_up(self) -> bool:
        try:
            return bool(self.get("status"))
        except OSError:
            return False


@pytest.fixture
def server(slow: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "home"
    root.mkdir()
    (root / "train.py").write_text(SCRIPT)
    workspace, _ = open_workspace(root / "train.py")
    for number in range(TASKS):
        folder = workspace.tasks / f"t{number:03d}"
        folder.mkdir()
        (folder / "config.yaml").write_text("{}\n")
        info = {"name": folder.name, "status": "pending", "task_kind": "python", "config_file": "config.yaml"}
        (folder / "task_info.json").write_text(json.dumps({**info, "script": str(root / "train.py")}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    words = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}"]
    words += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]
    words += ["--ServerApp.jpserver_extensions={'pyruns_jupyter': True}"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(words, env={**os.environ, **slow}, cwd=ROOT, stdout=log, stderr=log)
    made = Server(f"http://127.0.0.1:{port}", token, root, workspace)
    try:
        wait_until(made.is_up, message="the server")
        yield made
    finally:
        process.terminate()
        process.wait()
        stop_everything(tmp_path)


def test_nobody_waits_for_the_home_but_who_asks_for_its_files(server: Server) -> None:
    """The first list takes a look at each task; others get their answers meanwhile."""
    answered: dict[str, float] = {}

    def ask(name: str, path: str) -> Any:
        answer = server.get(path)
        answered[name] = time.monotonic()
        return answer

    listing = threading.Thread(target=ask, args=("list", f"workspaces/{WS}/tasks"))
    listing.start()
    time.sleep(DELAY * 10)
    count = 0
    while "list" not in answered:
        ask("status", "status")
        count += 1
    listing.join()
    # A loop that stood still while files were read would have answered once, after the list.
    assert count > 5
    assert server.get(f"workspaces/{WS}/tasks")["total"] == TASKS


def test_what_another_host_does_is_on_the_page(server: Server, slow: dict[str, str]) -> None:
    address = server.url.replace("http://", "ws://") + f"/pyruns/api/workspaces/{WS}/events"
    events = websocket.create_connection(address, header=[f"Authorization: token {server.token}"], timeout=60)
    try:
        assert json.loads(events.recv())["type"] == "hello"
        enter = ["unshare", "--uts", "sh", "-c", 'hostname other-host && exec "$@"', "sh"]
        if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
            enter = []  # nobody but root may play another host
        words = [sys.executable, "-m", "pyruns_jupyter.cli", "run", "t007"]
        environment = {**os.environ, **slow, "PYTHONPATH": str(ROOT)}
        subprocess.run([*enter, *words], cwd=server.root, env=environment, check=True, capture_output=True)
        seen: list[str] = []
        while "completed" not in seen:
            message = json.loads(events.recv())
            seen += [row["status"] for row in message.get("changed", ()) if row["name"] == "t007"]
    finally:
        events.close()
    [run] = server.get(f"workspaces/{WS}/tasks/t007")["history"]
    assert run["environment"]["host"] == ("other-host" if enter else socket.gethostname())
    assert run["records"] == {"acc": 0.5}
