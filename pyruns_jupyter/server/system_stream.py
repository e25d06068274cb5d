"""The machine about every second."""

from __future__ import annotations

import asyncio
import contextlib

from pyruns_jupyter.service.http_errors import to_json

from ..system.samples import Sample
from .services import Services
from .streams import Send, StreamHandler, no_messages

BEHIND = 10  # samples a slow client may be behind before older ones are dropped


class SystemConnection:
    """Tells one client how the machine does."""

    def __init__(self, services: Services) -> None:
        self._services = services

    receive = staticmethod(no_messages)

    async def run(self, send: Send) -> None:
        """Send the history, then each sample."""
        loop = asyncio.get_running_loop()
        waiting: list[Sample] = []
        arrived = asyncio.Event()

        def take(sample: Sample) -> None:
            waiting.append(sample)
            del waiting[:-BEHIND]
            arrived.set()

        def hand_over(sample: Sample) -> None:  # in the sampler's thread
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server is gone
                loop.call_soon_threadsafe(take, sample)

        leave = self._services.sampler.subscribe(hand_over)
        try:
            history = self._services.sampler.history()
            message = {"type": "history", "samples": history}
            await send(await self._services.encode(lambda: to_json(message)))
            newest = history[-1]["time"] if history else 0.0
            while True:
                await arrived.wait()
                arrived.clear()
                samples = [self._services.kernels.labelled(one) for one in waiting if one["time"] > newest]
                waiting.clear()
                if samples:
                    newest = samples[-1]["time"]
                    await send(to_json({"type": "sample", "samples": samples}))
        finally:
            leave()


class SystemStream(StreamHandler):
    """`system/stream`"""

    async def connect(self, *arguments: str) -> SystemConnection:
        """Take the server's sampler."""
        return SystemConnection(self.services)
