"""A server extension for `server.py`: for how long the event loop is held at a time, and an empty handler."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

STEP = 0.001  # seconds between two looks at the clock


class StallsHandler(APIHandler):
    """`bench/stalls?seconds=`"""

    @web.authenticated
    async def get(self) -> None:
        """Look at the clock again and again for some seconds; answer how late the latest looks were (s)."""
        until = time.perf_counter() + float(self.get_query_argument("seconds"))
        late: list[float] = []
        while (began := time.perf_counter()) < until:
            await asyncio.sleep(STEP)
            late.append(time.perf_counter() - began - STEP)
        self.finish({"longest": sorted(late, reverse=True)[:10], "looks": len(late)})


class EmptyHandler(APIHandler):
    """`bench/empty`"""

    @web.authenticated
    async def get(self) -> None:
        """Answer next to nothing, as fast as the framework can."""
        self.finish({})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "stalls_extension"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    application = serverapp.web_app
    base = url_path_join(application.settings["base_url"], "bench")
    handlers = {"stalls": StallsHandler, "empty": EmptyHandler}
    application.add_handlers(".*$", [(url_path_join(base, name), kind) for name, kind in handlers.items()])
