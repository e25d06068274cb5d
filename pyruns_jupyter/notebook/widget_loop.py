"""The event loop of all widgets of a kernel. The kernel's own loop is blocked while a cell runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.system.sampler import Sampler


class KernelRuntime(LiveRuntime):
    """The runtime of widgets, which waits only briefly: a busy kernel cannot receive acknowledgements."""

    patience = 0.5


class WidgetLoop(threading.Thread):
    """A thread with an event loop and its runtime; it runs as long as widgets use it."""

    _lock = threading.RLock()  # the garbage collector may close a widget at any moment
    _running: WidgetLoop | None = None

    def __init__(self) -> None:
        super().__init__(name="pyruns-widgets", daemon=True)
        self.runtime = KernelRuntime(Sampler())
        self._loop = asyncio.new_event_loop()
        self._users: set[object] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._is_left = asyncio.Event()

    @classmethod
    def call(cls, user: object, function: Callable[[WidgetLoop], None]) -> None:
        """Call a function on the loop, from any thread. The first user starts the loop."""
        with cls._lock:
            running = cls._running
            if running is None:
                running = cls._running = cls()
                running.start()
            running._users.add(user)
            running._loop.call_soon_threadsafe(function, running)

    @classmethod
    def leave(cls, user: object, function: Callable[[], None]) -> None:
        """Call a function like `call`, for the last time. The thread ends when its last user leaves."""
        with cls._lock:
            running = cls._running
            if running is None or user not in running._users:
                return
            running._users.remove(user)
            running._loop.call_soon_threadsafe(function)
            if not running._users:
                cls._running = None
                running._loop.call_soon_threadsafe(running._is_left.set)

    def start_request(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the work of a request to its end, even if the widget is closed."""
        task = asyncio.ensure_future(work)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    def run(self) -> None:
        """Run the loop until the last user has left."""
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await self._is_left.wait()
        await asyncio.gather(*self._requests, return_exceptions=True)
        await self.runtime.close()
