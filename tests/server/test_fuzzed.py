"""Requests made up from the description, right ones and wrong ones, to a real server: never an error of ours,
and every answer as described.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace import open_workspace
from tests.recorder import Recorder
from tests.server.client import DESCRIPTION
from tests.server.conftest import TRAIN
from tests.server.process import TOKEN, ServerProcess

EXAMPLES = int(os.environ.get("PYRUNS_FUZZ_EXAMPLES", "25"))  # for each operation
SCHEMA = schemathesis.openapi.from_path(DESCRIPTION)
WORKSPACES = ("_pyruns_/train", "_pyruns_/_shell_")
TASKS = ("one", "two", "sh", "gone", "ünï ✔")
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("fuzzed")
    root = folder / "root"
    root.mkdir()
    (root / "train.py").write_text(TRAIN)
    train, shell = open_workspace(root / "train.py")[0], open_workspace(root)[0]
    for name in TASKS[:2] + TASKS[3:]:
        create_tasks(train, "lr: 1\nepochs: 1\n", name)
    create_tasks(shell, "echo hi\n", "sh")
    ended = Recorder(train, "one")
    ended.start().write_bytes(b"line\n\xff\0\x1b[31mred\n" * 50)
    ended.finish("failed", 3)
    trash(train, "gone")
    made = ServerProcess(root, folder / "home")
    yield made
    made.stop()
    _end_tasks(folder)
    assert "Traceback" not in made.log.read_text(), made.log.read_text()[-5000:]


def _end_tasks(folder: Path) -> None:
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("PYRUNS_TASK_DIR", "")]
            if any(str(folder) in word for word in words):
                process.kill()
        except psutil.Error:
            continue


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[*HealthCheck],
)
def test_no_request_breaks_the_server(case: Any, server: ServerProcess) -> None:
    given = case.path_parameters or {}
    for key, known in (("ws", WORKSPACES), ("task", TASKS)):
        # Mostly those that there are: what is made up leads nowhere but to 404.
        if key in given and (number := sum(map(ord, str(given[key])))) % 5:
            given[key] = known[number % len(known)]
    case.call_and_validate(
        base_url=f"{server.base}pyruns/api",
        headers={"Authorization": f"token {TOKEN}"},
        checks=CHECKS,
        timeout=60,
    )
