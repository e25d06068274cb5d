"""The watch of a workspace in a kernel: one thread for all widgets, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import open_workspace
from pyruns_jupyter.notebook.comm_server import finish_now
from pyruns_jupyter.notebook.watch import Watch
from tests.support import wait_until


def test_watching_goes_on_after_an_unexpected_error(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = open_workspace(project / "train.py")[0]
    watch, heard, failed = Watch(workspace), threading.Event(), threading.Event()
    leave = watch.listen(heard.set)

    def broken(index: TaskIndex) -> None:
        failed.set()
        raise KeyError("a mistake of ours")

    try:
        assert heard.wait(60)
        with monkeypatch.context() as patch:
            patch.setattr(TaskIndex, "refresh", broken)
            assert failed.wait(60)
        heard.clear()
        create_tasks(workspace, "lr: 0.5\n", "new")
        assert heard.wait(60)
    finally:
        leave()
        wait_until(lambda: not watch.running)
    assert "a mistake of ours" in caplog.text and "Traceback" in caplog.text


def test_an_operation_that_suspends_is_an_error_in_a_kernel() -> None:
    async def suspended() -> None:
        await Suspension()

    async def finished() -> int:
        return 3

    assert finish_now(finished()) == 3
    with pytest.raises(RuntimeError, match="suspended"):
        finish_now(suspended())


class Suspension:
    """Suspends the coroutine that awaits it."""

    def __await__(self) -> Generator[None, None, None]:
        yield
