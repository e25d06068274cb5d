"""A culler that stops idle servers leaves those alone whose tasks run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.task import Task
from tests.engine.support import stop_everything
from tests.hub.hub import PATIENCE, Hub
from tests.support import wait_until

# A hub, its proxy and two servers start one after the other.
pytestmark = pytest.mark.timeout(600)

# Seconds without activity after which the culler stops a server. One whose tasks run reports each second, but
# where all programs are slow it takes several seconds until the culler knows.
IDLE = 15


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}", "--cull-every=1"]
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    made = Hub(
        tmp_path,
        options=("--PyrunsExtension.activity_seconds=1",),
        services=({"name": "culler", "command": command},),
        roles=({"name": "culler", "scopes": scopes, "services": ["culler"]},),
    )
    yield made
    made.close()
    stop_everything(tmp_path)


def run_something(hub: Hub, user: str, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Let a user have a task that runs, queued from a kernel or a terminal: no browser shows it."""
    script = hub.folder / "home" / user / "deep" / "train.py"
    script.parent.mkdir(parents=True)
    script.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYRUNS_RUNTIME_DIR", str(hub.folder / f"runtime-{user}"))
    workspace = Workspace.open(script)
    [task] = workspace.run(workspace.create("{}\n", name="long"))
    return task


def test_a_server_whose_tasks_run_is_not_idle(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = {user: hub.user(user) for user in ("busy", "capped")}
    task, capped = (run_something(hub, user, monkeypatch) for user in ("busy", "capped"))
    # One of them may be kept for seven seconds only.
    config = hub.folder / "home" / "capped" / ".jupyter" / "jupyter_server_config.py"
    config.parent.mkdir()
    config.write_text("c.PyrunsExtension.activity_hours = 0.002\n")
    for user, token in tokens.items():
        hub.start(user)
        assert hub.ask("get", f"/user/{user}/pyruns/api/status", token=token).status == 200
    wait_until(
        lambda: not hub.is_ready("capped"), PATIENCE, "the server is stopped whose time is over", interval=0.5
    )
    time.sleep(IDLE)
    assert hub.is_ready("busy")
    assert [task.status, capped.status] == ["running", "running"]
    task.stop()  # now it is idle
    wait_until(lambda: not hub.is_ready("busy"), PATIENCE, "then the other one is, too", interval=0.5)
