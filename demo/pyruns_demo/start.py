"""Starts the service of the demo in the worker of the page (`worker.mjs`)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import browser
from .history import HOME, prepare_home, present, unpack


def start(history: Any, post: Callable[[str, Sequence[bytes]], None]) -> Callable[[str], None]:
    """Start the service with the projects of an archive (a JavaScript buffer).

    Return the function that takes the messages of the page, as JSON. `post` sends a message, as JSON, with
    its buffers.
    """
    home = Path(HOME)
    unpack(history.to_bytes(), home)
    prepare_home(home)
    browser.prepare()
    from .page import PageServer, run_processes

    def send(content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        post(json.dumps(content), list(buffers))

    present(home)
    server = PageServer(home, send)
    _tasks.append(asyncio.ensure_future(run_processes()))
    return lambda text: server.receive(json.loads(text))


_tasks: list[asyncio.Future[None]] = []  # which run as long as the page
