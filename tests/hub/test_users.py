"""Several users of a hub: each has their own, and what another one shares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from pyruns_jupyter import Workspace
from tests.engine.support import stop_everything
from tests.hub.hub import PATIENCE, Hub
from tests.server.client import check_schema
from tests.server.test_access import STREAMS, body_for
from tests.server.test_openapi import described
from tests.support import wait_until

# A hub, its proxy and the servers of its users start one after the other.
pytestmark = pytest.mark.timeout(600)

SCRIPT = """
import argparse, os, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seconds", type=float, default=0.0)
args = parser.parse_args()
print("lr is", args.lr, flush=True)
end = time.monotonic() + args.seconds
while time.monotonic() < end and not os.path.exists("go"):
    time.sleep(0.1)
pyruns.record(acc=1 - args.lr)
"""
ALICE, BOB = "ann@lab", "bob"  # as mail addresses are used for names
WS = "_pyruns_%2Ftrain"


def server(user: str, name: str = "") -> str:
    return f"/user/{user}/" + (f"{name}/" if name else "") + "pyruns/api"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    made = Hub(folder, options=("--HubOAuth.cache_max_age=1",))  # else 5 min
    yield made
    made.close()
    stop_everything(folder)


@pytest.fixture(scope="module")
def tokens(hub: Hub) -> dict[str, str]:
    """Two users with their servers, one of them with a task."""
    found = {user: hub.user(user) for user in (ALICE, BOB)}
    for user in found:
        (hub.folder / "home" / user / "train.py").write_text(SCRIPT)
        hub.start(user)
    assert hub.ask("post", f"{server(ALICE)}/workspaces", {"path": "train.py"}, found[ALICE]).status == 201
    body = {"text": "lr: 0.5", "name": "one", "run": {}}
    assert hub.ask("post", f"{server(ALICE)}/workspaces/{WS}/tasks", body, found[ALICE]).status == 201
    return found


def connect(hub: Hub, path: str, token: str) -> str | bytes:
    """Return the first frame of a websocket."""
    headers = [f"Authorization: token {token}"] if token else []
    connection = websocket.create_connection(hub.url.replace("http://", "ws://") + path, header=headers)
    try:
        frame: str | bytes = connection.recv()
        return frame
    finally:
        connection.close()


def filled(address: str) -> str:
    return address.format(ws=WS, task="one", run="1", path="x", study="none")


def test_through_the_proxy_of_the_hub(hub: Hub, tokens: dict[str, str]) -> None:
    token = tokens[ALICE]
    assert hub.ask("get", f"{server(ALICE)}/status", token=token).body["can_execute"]

    def ended() -> Any:
        [row] = hub.ask("get", f"{server(ALICE)}/workspaces/{WS}/tasks", token=token).body["items"]
        return row if row["status"] == "completed" else None

    assert wait_until(ended, PATIENCE, "the task", interval=0.25)["figures"] == {"acc": 0.5}
    log = hub.ask("get", f"{server(ALICE)}/workspaces/{WS}/tasks/one/logs", token=token)
    assert "lr is 0.5" in log.body
    for address in STREAMS:
        frame = connect(hub, server(ALICE) + filled(address), token)
        if address.endswith("/events"):
            check_schema("EventMessage", json.loads(frame))


def test_nobody_else_gets_anything(hub: Hub, tokens: dict[str, str]) -> None:
    folder = hub.folder / "home" / ALICE
    for token in (tokens[BOB], "wrong", ""):
        for address, method in sorted(described()):
            path = server(ALICE) + filled(address)
            answer = hub.ask(method, path, body_for(address, method), token)
            assert answer.status == 403, (method, address, answer)
        for address in STREAMS:
            with pytest.raises(websocket.WebSocketBadStatusException) as refused:
                connect(hub, server(ALICE) + filled(address), token)
            assert refused.value.status_code == 403
        static = f"/user/{ALICE}/pyruns/static/widget-views.js"
        assert hub.ask("get", static, token=token).status in (302, 403)
    workspace = Workspace.open(folder / "train.py")
    assert workspace.tasks().names == ["one"]
    assert not workspace["one"].pinned


def test_who_a_server_is_shared_with_gets_in_as_long_as_it_is(hub: Hub, tokens: dict[str, str]) -> None:
    share = f"/hub/api/shares/{ALICE}/"
    status = f"{server(ALICE)}/status"
    assert hub.ask("get", status, token=tokens[BOB]).status == 403
    assert hub.ask("post", share, {"user": BOB}, tokens[ALICE]).status == 200
    # A token has the scopes of the moment when it is made.
    bob = hub.user(BOB)
    wait_until(
        lambda: hub.ask("get", status, token=bob).status == 200, PATIENCE, "the share counts", interval=0.25
    )
    assert connect(hub, f"{server(ALICE)}/workspaces/{WS}/events", bob)
    assert hub.ask("patch", share, {"user": BOB}, tokens[ALICE]).status in (200, 204)
    wait_until(
        lambda: hub.ask("get", status, token=bob).status == 403, PATIENCE, "the share ends", interval=0.25
    )


def test_two_servers_of_one_user_share_a_home(hub: Hub, tokens: dict[str, str]) -> None:
    token = tokens[ALICE]
    hub.start(ALICE, "second")
    both = [server(ALICE), server(ALICE, "second")]
    text = "lr: 0.1 | 0.2 | 0.3\nseconds: 600"
    body = {"text": text, "name": "both", "run": {"jobs": 2}}
    made = hub.ask("post", f"{both[1]}/workspaces/{WS}/tasks", body, token)
    assert made.status == 201
    names = made.body["names"]
    # The other one is asked to run the same before any has ended: each runs once all the same.
    again = {"action": "run", "names": names}
    hub.ask("post", f"{both[0]}/workspaces/{WS}/actions", again, token)
    home = hub.folder / "home" / ALICE
    (home / "go").touch()

    def ended() -> bool:
        pages = [
            hub.ask("get", f"{one}/workspaces/{WS}/tasks?query=name:both", token=token).body for one in both
        ]
        rows = [{row["name"]: row["status"] for row in page["items"]} for page in pages]
        return rows[0] == rows[1] and set(rows[0].values()) == {"completed"}

    wait_until(ended, PATIENCE, "both show the same", interval=0.25)
    workspace = Workspace.open(home / "train.py")
    assert [len(workspace[name].runs) for name in names] == [1, 1, 1]
    hub.stop(ALICE, "second")


def test_a_stopped_server_leaves_its_tasks_running(hub: Hub, tokens: dict[str, str]) -> None:
    token = tokens[BOB]
    assert hub.ask("post", f"{server(BOB)}/workspaces", {"path": "train.py"}, token).status == 201
    body = {"text": "lr: 0.25\nseconds: 600", "name": "long", "run": {}}
    assert hub.ask("post", f"{server(BOB)}/workspaces/{WS}/tasks", body, token).status == 201
    home = hub.folder / "home" / BOB
    workspace = Workspace.open(home / "train.py")
    wait_until(lambda: workspace["long"].status == "running", PATIENCE, "it runs")
    hub.stop(BOB)
    assert workspace["long"].status == "running"
    (home / "go").touch()
    workspace["long"].wait(timeout=PATIENCE)
    assert workspace["long"].status == "completed"
    hub.start(BOB)
    [row] = hub.ask("get", f"{server(BOB)}/workspaces/{WS}/tasks", token=token).body["items"]
    assert (row["status"], row["runs"], row["figures"]) == ("completed", 1, {"acc": 0.75})
