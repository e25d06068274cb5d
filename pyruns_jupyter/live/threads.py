"""Threads for blocking work that keep no process from ending."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Runner(Protocol):
    """Runs a blocking function in a worker thread."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T]: ...


class Workers:
    """At most `size` threads, started as they are needed.

    Python waits for the threads of `ThreadPoolExecutor` before a process ends, also for one that a file
    system or a driver keeps for ever. What these threads write is written so that it may be cut off anywhere.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._is_stopped = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a thread, after those that came before.

        Raises:
            RuntimeError: when the threads were stopped.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._is_stopped:
                raise RuntimeError(f"The threads {self._name!r} were stopped.")
            self._jobs.put((future, lambda: fn(*args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
                name = f"{self._name}_{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function returns, without blocking the event loop."""
        return await asyncio.wrap_future(self.submit(function, *arguments))

    def stop(self) -> None:
        """Cancel what has not begun, and let each thread end after its present work."""
        with self._lock:
            self._is_stopped = True
            while True:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is not None:
                    job[0].cancel()
            for _ in self._threads:
                self._jobs.put(None)

    def join(self, deadline: float) -> int:
        """Wait until `deadline` (`time.monotonic`) for the threads; return how many are still at work."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function = job
            if future.set_running_or_notify_cancel():
                try:
                    result = function()
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del job, future, function  # nothing is kept while there is no work
            self._idle.release()
