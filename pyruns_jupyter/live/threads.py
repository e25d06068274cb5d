"""Running blocking work in threads, and waiting where the caller may be cancelled at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound="Closable")


class Runner(Protocol):
    """Runs a blocking function in a worker thread."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T]: ...


class Closable(Protocol):
    """Something that has to be closed."""

    def close(self) -> None: ...


async def wait_for_event(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait at most `seconds` for an event (None: no limit) and return whether it was set."""
    # Before Python 3.12, `asyncio.wait_for` loses a cancellation that arrives together with the event.
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
        return waiting.done()
    finally:
        waiting.cancel()


async def open_in_thread(run: Runner, opener: Callable[[], C]) -> C:
    """Open something in a thread; it is closed if the caller is cancelled before it is open."""
    opening = asyncio.ensure_future(run(opener))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)
        raise


def _close_unused(opened: asyncio.Future[C]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().close()
