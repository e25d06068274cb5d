"""Threads that do not keep the process alive."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Workers:
    """A pool of at most `size` daemon threads, which start when they are needed.

    Unlike the threads of `ThreadPoolExecutor`, they do not keep the process alive if a file system or a
    driver never returns. Whatever they write survives an interruption at any point.
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
        """Queue a function to be called in a thread.

        Raises:
            RuntimeError: if the pool was stopped.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._is_stopped:
                raise RuntimeError(f"The thread pool {self._name!r} was stopped.")
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
                name = f"{self._name}_{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                thread.start()  # first: if there can be no more threads, nothing is queued
                self._threads.append(thread)
            self._jobs.put((future, lambda: fn(*args, **kwargs)))
        return future

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread and return its result, without blocking the event loop."""
        import asyncio  # commands do not need it

        return await asyncio.wrap_future(self.submit(function, *arguments))

    def stop(self) -> None:
        """Cancel queued functions, and let each thread end after its current one."""
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
        """Wait for the threads until `deadline` (`time.monotonic`) and return how many are still running."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, function = job
            if future.set_running_or_notify_cancel():
                try:
                    result = function()
                except BaseException as error:  # noqa: BLE001 - raised to the caller
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del job, future, function  # an idle thread keeps no references
            self._idle.release()
