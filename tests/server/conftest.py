"""A server whose root holds real scripts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.launch import scheduler_alive
from pyruns_jupyter.live import runtime
from tests.server.client import PATIENCE, Api
from tests.support import wait_until

TRAIN = """
import argparse
import time

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--sleep", type=float, default=0.0)
options = parser.parse_args()
for epoch in range(options.epochs):
    loss = options.lr / (epoch + 1)
    print(f"epoch {epoch} loss {loss}", flush=True)
    pyruns.track(loss=loss)
    time.sleep(options.sleep)
pyruns.record(acc=1 - options.lr)
"""

NESTED = """
import pyruns_jupyter as pyruns

config = pyruns.load()
print(config.training.lr)
"""


@pytest.fixture
def jp_root_dir(tmp_path: Path) -> Iterator[Path]:
    """Two projects: `train.py` at the root, `nested.py` with a configuration in `sub folder`."""
    root = tmp_path / "root"
    project = root / "sub folder"
    project.mkdir(parents=True)
    (root / "train.py").write_text(TRAIN)
    (project / "nested.py").write_text(NESTED)
    (project / "config.yaml").write_text("training:\n  lr: 0.5  # step\n")
    (root / "broken.py").write_text("import argparse\ndef (:\n")
    yield root
    # A scheduler that a test started has nothing left to do and goes by itself.
    for folder in root.rglob("_pyruns_"):
        wait_until(partial(_gone, folder), message=f"the scheduler of {folder} stays")


def _gone(folder: Path) -> bool:
    return not scheduler_alive(folder)


@pytest.fixture
def server_options() -> dict[str, dict[str, Any]]:
    """Options of the server by class; tests replace them by parametrisation."""
    return {}


@pytest.fixture
def jp_server_config(
    jp_server_config: dict[str, Any], server_options: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The usual options and those of the test."""
    for section, options in server_options.items():
        jp_server_config.setdefault(section, {}).update(options)
    return jp_server_config


@pytest.fixture
def api(
    jp_serverapp: Any,
    http_server_client: Any,
    jp_http_port: int,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    jp_asyncio_loop: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Api]:
    """The server's client; at the end the server leaves no thread behind."""
    monkeypatch.setattr(runtime, "STOP_TIMEOUT_SECONDS", PATIENCE)  # or it leaves those that are slow behind
    made = Api(http_server_client, jp_http_port, jp_base_url, jp_auth_header)
    yield made
    made.close()
    jp_asyncio_loop.run_until_complete(jp_serverapp.extension_manager.stop_all_extensions())
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("pyruns-")]
    assert left == []


@pytest.fixture
def train(jp_root_dir: Path) -> WorkspaceFolder:
    """The opened workspace of `train.py`."""
    return open_workspace(jp_root_dir / "train.py")[0]


WS = "_pyruns_/train"
