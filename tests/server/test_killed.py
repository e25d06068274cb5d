"""A server is killed while clients create and run tasks: what it acknowledged is kept, the rest is whole."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.launch import ensure_running
from tests.support import wait_until

from .process import ServerProcess

ROUNDS = int(os.environ.get("PYRUNS_SERVER_KILLS", "3"))
ENDED = {"completed", "failed", "cancelled"}
SCRIPT = 'echo run >> "$PYRUNS_TASK_DIR/count"\nsleep 0.1\n'


class Client(threading.Thread):
    """Creates tasks and runs them until the server is gone; keeps what was acknowledged."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        super().__init__()
        self._server, self._prefix = server, name
        self.created: list[str] = []
        self.queued: list[str] = []

    def run(self) -> None:
        number = 0
        try:
            while True:
                name = f"{self._prefix}-{number}"
                number += 1
                options = {"jobs": 2} if number % 2 else None
                body = {"text": SCRIPT, "name": name, "run": options}
                made = self._ask("/workspaces/{ws}/tasks", body)
                self.created += made["names"]
                if made["queued"]:
                    self.queued += made["names"]
                else:
                    action = {"action": "run", "names": made["names"], "run": {"jobs": 2}}
                    self.queued += self._ask("/workspaces/{ws}/actions", action)["done"]
        except (OSError, http.client.HTTPException):
            return

    def _ask(self, address: str, body: object) -> dict[str, list[str]]:
        answer = self._server.request("POST", address, body, ws="_pyruns_/_shell_")
        assert isinstance(answer, dict)
        return answer


@pytest.mark.timeout(180 + 60 * ROUNDS)  # each of them starts a server
def test_a_killed_server_keeps_its_word(tmp_path: Path) -> None:
    chance = random.Random(3)
    root = tmp_path / "root"
    root.mkdir()
    created: list[str] = []
    queued: list[str] = []
    for number in range(ROUNDS):
        server = ServerProcess(root, tmp_path / "home", lab=False)
        try:
            if not number:
                server.request("POST", "/workspaces", {"path": ""})
            clients = [Client(server, f"r{number}c{each}") for each in range(3)]
            for client in clients:
                client.start()
            wait_until(partial(_all_heard, clients))
            time.sleep(chance.random())
        finally:
            server.kill()
        for client in clients:
            client.join()
            created += client.created
            queued += client.queued
    workspace = WorkspaceFolder.at(root / "_pyruns_" / "_shell_")
    names = sorted(entry.name for entry in workspace.tasks.iterdir() if not entry.name.startswith("."))
    assert set(created) <= set(names)

    def settled() -> bool:
        ensure_running(workspace.root)
        return all(_status(workspace, name) in {*ENDED, "pending"} for name in names)

    wait_until(settled, message=lambda: str({name: _status(workspace, name) for name in names}))
    for name in names:  # those that nobody heard of are whole, too
        folder = workspace.paths(name).folder
        assert (folder / "config.sh").read_text() == SCRIPT
        count = folder / "count"
        ran = count.read_text() if count.exists() else ""
        status = _status(workspace, name)
        assert (ran, status) in {("run\n", "completed"), ("", "pending")}, name
        if name in queued:
            assert status == "completed"
    print(f"{ROUNDS} kills; {len(names)} tasks, {len(created)} acknowledged, {len(queued)} as queued")


def _all_heard(clients: list[Client]) -> bool:
    return all(client.queued for client in clients)


def _status(workspace: WorkspaceFolder, name: str) -> str:
    return str(read_json(workspace.paths(name).info)["status"])
