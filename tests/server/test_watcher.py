"""Watching a workspace: what one look finds, all listeners hear of."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.index import TaskIndex
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.server.services import Limits, Services
from tests.server.client import PATIENCE


async def test_a_look_that_is_given_up_hides_nothing(train: WorkspaceFolder, jp_root_dir: Path) -> None:
    limits = Limits(allow_execution=False, tasks_at_once=10, jobs_at_once=10, activity_hours=1)
    services = Services(jp_root_dir, [], limits, None, (), lambda name, facts: None)
    watcher = services.watcher(train)
    looked, go_on = threading.Event(), threading.Event()

    def read(index: TaskIndex) -> None:
        looked.set()
        go_on.wait(PATIENCE)

    try:
        async with watcher.listening() as changed:
            await asyncio.sleep(0)
            await watcher.look(lambda index: None)  # after the first look of the watcher itself
            create_tasks(train, "lr: 0.5\n", "new")
            look = asyncio.ensure_future(watcher.look(read, max_age=0.0))
            await asyncio.to_thread(looked.wait, PATIENCE)
            look.cancel()  # as when the client that asked has left
            go_on.set()
            await asyncio.wait_for(changed.wait(), PATIENCE)
    finally:
        go_on.set()
        await services.close()
