"""Operations that take long do not delay those of others."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.import_runs import importing
from pyruns_jupyter.live.runtime import MAX_IMPORTS
from pyruns_jupyter.notebook.comm_server import KernelSession
from pyruns_jupyter.service.imports import ImportRequest
from pyruns_jupyter.service.operations import OPERATIONS
from pyruns_jupyter.service.tasks import TaskPageRequest
from tests.core.import_runs.support import mlflow_store
from tests.core.making import script_workspace
from tests.live.test_log_stream import live_runtime
from tests.server.client import PATIENCE


async def test_searches_do_not_wait_for_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow_store(tmp_path, runs=1)
    workspace = script_workspace(tmp_path / "project")
    began, ready = threading.Semaphore(0), threading.Event()
    import_runs = importing.import_runs

    def import_slowly(*arguments: Any, **options: Any) -> importing.RunImport:
        began.release()
        assert ready.wait(PATIENCE)
        return import_runs(*arguments, **options)

    monkeypatch.setattr(importing, "import_runs", import_slowly)
    wanted = ImportRequest(path=str(tmp_path / "mlruns"), dry_run=True)
    async with live_runtime() as runtime:
        session = KernelSession(runtime, workspace)
        function = OPERATIONS["importRuns"].function
        previews = [asyncio.ensure_future(function(session, wanted)) for _ in range(MAX_IMPORTS + 2)]
        try:
            for _ in range(MAX_IMPORTS):
                assert await asyncio.to_thread(began.acquire, timeout=PATIENCE)
            search = OPERATIONS["listTasks"].function(session, TaskPageRequest(query="log:nothing"))
            found: Any = await asyncio.wait_for(search, PATIENCE / 2)
            assert found["total"] == 0
            assert not any(preview.done() for preview in previews)
        finally:
            ready.set()
        results: list[Any] = await asyncio.gather(*previews)
    assert [result["created"] for result in results] == [1] * len(previews)
