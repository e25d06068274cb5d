"""Waiting on an event loop where the caller may be cancelled at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from .threads import Runner


class Closable(Protocol):
    """Something that the system keeps open."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


async def wait_for_event(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait at most `seconds` for an event (None: without a limit); return whether it was set."""
    # Before Python 3.12 `asyncio.wait_for` loses a cancellation that comes together with the event.
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
        return waiting.done()
    finally:
        waiting.cancel()


async def open_in_thread(run: Runner, opener: Callable[[], C]) -> C:
    """Return what `opener` opens in a thread. If the caller is cancelled meanwhile, it is closed."""
    opening = asyncio.ensure_future(run(opener))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)
        raise


def _close_unused(opened: asyncio.Future[C]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().close()
