"""The interface of streams, and two of them: changes of a workspace, and system samples."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Protocol

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.service.http_errors import to_json
from pyruns_jupyter.system.samples import Sample

from .events import greeting
from .runtime import LiveRuntime
from .watcher import Watcher

MAX_WAITING_SAMPLES = 10  # for a slow client; older samples are dropped


class Send(Protocol):
    """Sends one frame, text or bytes, and returns when the transport has taken it."""

    def __call__(self, message: str | bytes) -> Awaitable[None]: ...


class Stream(Protocol):
    """A stream to one client, independent of the transport. It is used on one event loop."""

    async def run(self, send: Send) -> None:
        """Send until the stream ends or the call is cancelled."""

    def receive(self, message: str | bytes) -> None:
        """Handle a frame of the client.

        Raises:
            InvalidInput: if the frame is not valid.
        """


def refuse_frame(message: str | bytes) -> None:
    """Raise InvalidInput: the stream accepts no frames."""
    raise InvalidInput("This stream accepts no messages.")


class EventStream:
    """The changes of a workspace after the revision that the client knows."""

    receive = staticmethod(refuse_frame)

    def __init__(self, watcher: Watcher, epoch: str, since: int | None) -> None:
        self._watcher = watcher
        self._epoch = epoch
        self._since = since

    async def run(self, send: Send) -> None:
        """Send `hello`, then `changes` or `reset` after every change.

        A message is made only when the previous one was sent, so a slow client gets fewer, larger ones.
        """
        async with self._watcher.listening() as changed:
            messages, revision = await self._watcher.look(
                lambda index: greeting(index, self._epoch, self._since)
            )
            for message in messages:
                await send(to_json(message))
            while True:
                found = await self._watcher.message_since(revision)
                if found is None:
                    await changed.wait()
                    changed.clear()
                else:
                    revision, text = found
                    await send(text)


class SystemStream:
    """System samples: those of the last minutes, then each new one."""

    receive = staticmethod(refuse_frame)

    def __init__(self, runtime: LiveRuntime) -> None:
        self._runtime = runtime

    async def run(self, send: Send) -> None:
        """Send the history, then each sample."""
        loop = asyncio.get_running_loop()
        sampler = self._runtime.sampler
        waiting: list[Sample] = []
        arrived = asyncio.Event()

        def take(sample: Sample) -> None:
            waiting.append(sample)
            del waiting[:-MAX_WAITING_SAMPLES]
            arrived.set()

        def hand_over(sample: Sample) -> None:  # called in the sampler's thread
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(take, sample)

        leave = sampler.subscribe(hand_over)
        try:
            history = sampler.history()
            message = {"type": "history", "samples": history}
            await send(await self._runtime.encode(lambda: to_json(message)))
            newest = history[-1]["time"] if history else 0.0
            while True:
                await arrived.wait()
                arrived.clear()
                samples = [self._runtime.labelled(one) for one in waiting if one["time"] > newest]
                waiting.clear()
                if samples:
                    newest = samples[-1]["time"]
                    await send(to_json({"type": "sample", "samples": samples}))
        finally:
            leave()
