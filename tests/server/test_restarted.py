"""A server that is killed and comes back: each of many clients goes on, and misses nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from tests.core.making import set_pinned
from tests.server.client import PATIENCE, check_schema, until
from tests.server.process import TOKEN, ServerProcess

CLIENTS = 20


class Page:
    """An open page: knows what is pinned, and tells the server where it stands when it comes back."""

    def __init__(self, base: str) -> None:
        self._address = f"ws{base[4:]}pyruns/api/workspaces/{quote('_pyruns_/_shell_', safe='')}/events"
        self._socket: WebSocketClientConnection | None = None
        self.epoch, self.revision = "", 0
        self.pinned: set[str] = set()
        self.resets = 0

    async def connect(self) -> WebSocketClientConnection:
        """Connect, as long as it takes."""
        query = f"?epoch={self.epoch}&since={self.revision}" if self.epoch else ""
        headers = {"Authorization": f"token {TOKEN}"}
        while True:
            try:
                return await websocket_connect(
                    HTTPRequest(
                        self._address + query,
                        headers=headers,
                        connect_timeout=PATIENCE,
                        request_timeout=PATIENCE,
                    )
                )
            except OSError:
                await asyncio.sleep(0.1)

    async def run(self) -> None:
        """Take up what comes, across servers."""
        while True:
            if self._socket is None:
                self._socket = await self.connect()
            frame = await self._socket.read_message()
            if frame is None:
                self.close()
                continue
            message: dict[str, Any] = json.loads(frame)
            check_schema("EventMessage", message)
            self.epoch, self.revision = message["epoch"], message["revision"]
            self.resets += message["type"] == "reset"
            for row in message.get("changed", ()):
                (self.pinned.add if row["pinned"] else self.pinned.discard)(row["name"])

    def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


@pytest.mark.timeout(400)  # two servers start one after the other
async def test_twenty_pages_outlive_the_server(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    workspace = open_workspace(root)[0]
    for number in range(10):
        create_tasks(workspace, "true\n", f"t{number}")
    server = await asyncio.to_thread(ServerProcess, root, tmp_path / "home", lab=False)
    pages = [Page(server.base) for _ in range(CLIENTS)]
    work = [asyncio.ensure_future(page.run()) for page in pages]

    async def seen(condition: Callable[[Page], bool]) -> None:
        await until(lambda: asyncio.sleep(0, all(map(condition, pages))), "all pages have seen it")

    try:
        await seen(lambda page: bool(page.epoch))
        await asyncio.to_thread(set_pinned, workspace, "t0", True)
        await seen(lambda page: page.pinned == {"t0"})
        server.kill()
        # Changes while it is away: the new one knows nothing of the old one's revisions, and says so.
        await asyncio.to_thread(set_pinned, workspace, "t1", True)
        server = await asyncio.to_thread(ServerProcess, root, tmp_path / "home", port=server.port, lab=False)
        await seen(lambda page: page.resets > 0)
        await asyncio.to_thread(set_pinned, workspace, "t2", True)
        await seen(lambda page: page.pinned == {"t0", "t2"})  # t1 is what a page lists again for
        assert len({page.epoch for page in pages}) == 1
        assert not any(task.done() for task in work)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for page in pages:
            page.close()
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.stop)
