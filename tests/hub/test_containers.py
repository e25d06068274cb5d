"""Servers in containers of their own, as most hubs have them: processes end with the server, files stay."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.support import stop_everything
from tests.engine.test_checkpoints import SLEEPS, training, weight
from tests.hub.hub import PATIENCE, Hub
from tests.hub.test_users import SCRIPT, WS, server
from tests.support import wait_until

# A hub and its proxy start, and a server twice.
pytestmark = pytest.mark.timeout(600)

# What a container is for processes: its own ids for them, and all are killed with the first one.
CONTAINER = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    if subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only who may make namespaces can play containers")
    made = Hub(tmp_path, command=CONTAINER)
    yield made
    made.close()
    stop_everything(tmp_path)


def test_what_ended_with_the_container_is_told_or_goes_on(hub: Hub) -> None:
    token = hub.user("ann")
    home = hub.folder / "home" / "ann"
    (home / "train.py").write_text(SCRIPT)
    hub.start("ann")
    assert hub.ask("post", f"{server('ann')}/workspaces", {"path": "train.py"}, token).status == 201
    tasks = f"{server('ann')}/workspaces/{WS}/tasks"

    def rows() -> dict[str, Any]:
        return {row["name"]: row for row in hub.ask("get", tasks, token=token).body["items"]}

    for name, run in (("lost", {}), ("again", {"resume": True}), ("next", {"after": ["again"]})):
        body = {"text": "lr: 0.5\nseconds: 600", "name": name, "run": run}
        assert hub.ask("post", tasks, body, token).status == 201
    wait_until(
        lambda: [rows()[name]["status"] for name in ("lost", "again")] == ["running"] * 2,
        PATIENCE,
        interval=0.25,
    )
    hub.stop("ann")
    wait_until(lambda: not _living(home), message="all of it is gone")

    hub.start("ann")
    # Opening the page is enough: who looks at a project sees to it that it goes on.
    wait_until(
        lambda: rows()["lost"]["status"] == "failed", PATIENCE, "the interruption is told", interval=0.25
    )
    assert rows()["lost"]["message"] == "The container of this run was stopped."
    wait_until(
        lambda: (rows()["again"]["status"], rows()["again"]["run"]) == ("running", 2), PATIENCE, interval=0.25
    )
    assert rows()["next"]["status"] == "queued"
    stop = {"action": "cancel", "names": ["again", "next"]}
    assert hub.ask("post", f"{server('ann')}/workspaces/{WS}/actions", stop, token).status == 200
    wait_until(lambda: rows()["again"]["status"] == "cancelled", PATIENCE, "it can be stopped", interval=0.25)


def test_a_training_continues_from_its_checkpoint_in_the_next_container(hub: Hub) -> None:
    token = hub.user("ann")
    home = hub.folder / "home" / "ann"
    (home / "train.py").write_text(training(SLEEPS))
    hub.start("ann")
    assert hub.ask("post", f"{server('ann')}/workspaces", {"path": "train.py"}, token).status == 201
    tasks = f"{server('ann')}/workspaces/{WS}/tasks"
    body = {"text": "", "name": "A", "run": {"resume": True}}
    assert hub.ask("post", tasks, body, token).status == 201
    folder = home / "_pyruns_" / "train" / "tasks" / "A"
    state = folder / "checkpoints" / "state.json"
    wait_until(lambda: state.exists() and json.loads(state.read_text())["step"] == 10, PATIENCE)
    hub.stop("ann")
    wait_until(lambda: not _living(home), message="all of it is gone")

    hub.start("ann")
    wait_until(
        lambda: hub.ask("get", tasks, token=token).body["items"][0]["status"] == "completed",
        PATIENCE,
        interval=0.25,
    )
    info = json.loads((folder / "task_info.json").read_bytes())
    assert info["run_statuses"] == ["failed", "completed"]
    assert info["records"][1]["weight"] == weight()  # as of an undisturbed training
    assert info["tracks"][1]["step"][0] == 11


def _living(home: Path) -> list[int]:
    """The processes that work in a home."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(str(home) in word for word in process.info["cmdline"] or ()):
            found.append(process.info["pid"])
    return found
