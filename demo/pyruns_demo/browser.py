"""What takes the place of threads, processes and kernel locks, which a browser does not have.

Threads and processes of Pyruns become steps of the event loop, and locks a table.

`prepare` has to be called before anything of Pyruns is used.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_PACKAGE = "pyruns_jupyter"


def replace(module: str, **given: Any) -> None:
    """Replace names of a module of Pyruns, there and wherever they were imported."""
    source = import_module(f"{_PACKAGE}.{module}")
    for name, new in given.items():
        old = getattr(source, name)
        for other in [one for key, one in sys.modules.items() if key.startswith(_PACKAGE)]:
            if getattr(other, name, None) is old:
                setattr(other, name, new)


class Steps:
    """Calls functions on the event loop, one after another; takes the place of `core.common.workers`."""

    def __init__(self, size: int, name: str) -> None: ...

    def submit(self, function: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Call a function at once."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:  # noqa: BLE001 - raised to the caller
            future.set_exception(error)
        return future

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function when it is its turn."""
        await asyncio.sleep(0)
        return function(*arguments)

    def stop(self) -> None: ...

    def join(self, deadline: float) -> int:
        return 0


async def _to_thread(function: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
    await asyncio.sleep(0)
    return function(*arguments, **named)


class InlineSearch:
    """A search in a log, part by part; takes the place of `core.logs.search.SearchProcess`."""

    def request(self, log: Path, wanted: Any) -> None:
        """Begin a search."""
        worker = import_module(f"{_PACKAGE}.core.logs.search_worker")
        self._answers: Iterator[dict[str, Any]] = worker.search({"log": str(log), **asdict(wanted)})

    def next_line(self) -> bytes:
        """Return the next line of results."""
        errors = import_module(f"{_PACKAGE}.core.common.errors")
        answer = next(self._answers, {"hits": [], "done": True})
        if "problem" in answer:
            raise errors.InvalidInput(f"Invalid regular expression: {answer['problem']}.", field="pattern")
        return json.dumps(answer).encode() + b"\n"

    def kill(self) -> None: ...

    def close(self) -> None: ...


class PageLoop:
    """The event loop of the page; takes the place of the thread `notebook.widget_loop.WidgetLoop`."""

    shared: PageLoop | None = None

    def __init__(self) -> None:
        runtime = import_module(f"{_PACKAGE}.live.runtime")
        sampler = import_module(f"{_PACKAGE}.system.sampler")
        self.runtime = runtime.LiveRuntime(sampler.Sampler())
        self._requests: set[asyncio.Task[None]] = set()

    @classmethod
    def call(cls, user: object, function: Callable[[PageLoop], None]) -> None:
        """Call a function on the loop."""
        cls.shared = cls.shared or cls()
        asyncio.get_running_loop().call_soon(function, cls.shared)

    @classmethod
    def leave(cls, user: object, function: Callable[[], None]) -> None:
        """Call a function on the loop, for the last time."""
        asyncio.get_running_loop().call_soon(function)

    def start_request(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the work of a request to its end."""
        task = asyncio.ensure_future(work)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)


def _sampler(base: Any) -> Any:
    """Return the class `Sampler` with a task of the event loop instead of a thread."""
    module = import_module(f"{_PACKAGE}.system.sampler")

    class StepSampler(base):  # type: ignore[misc]  # a class that is only known when the demo runs
        _task: asyncio.Task[None] | None = None

        def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
            key = self._next_key
            self._next_key += 1
            self._listeners[key] = listener
            if self._task is None:
                self._task = asyncio.ensure_future(self._measure_again())
            return lambda: self._listeners.pop(key, None)

        async def _measure_again(self) -> None:
            try:
                while self._listeners:
                    self._measure_once()
                    await asyncio.sleep(self._period)
            finally:
                self._task = None

        def _measure_once(self) -> None:
            try:
                sample = self._measure()
            except Exception:  # noqa: BLE001 - the next sample may succeed
                module._log.exception("Could not measure the CPU, memory and GPU utilization.")
                return
            for listener in [*self._listeners.values()]:
                module._deliver(listener, sample)

    return StepSampler


class _InlineGpus:
    """The newest data of the GPUs; takes the place of the process `engine.gpus.watcher.GpuWatcher`."""

    is_alive = True

    def __init__(self) -> None:
        self._reader = import_module(f"{_PACKAGE}.system.gpu").GpuReader()
        self._due = 0.0

    def read(self) -> dict[str, Any] | None:
        if time.monotonic() < self._due:
            return None
        self._due = time.monotonic() + 1.0
        watcher = import_module(f"{_PACKAGE}.engine.gpus.watcher")
        found = self._reader.read()
        gpus = [
            watcher.with_attempts(device, self._reader)
            for gpu in found.gpus
            for device in watcher.devices_of(gpu)
        ]
        return {"state": found.state, "message": found.message, "gpus": gpus}

    def close(self) -> None: ...


def _gpu_usage(base: Any) -> Any:
    """Return the class `GpuUsage` without its thread."""

    class InlineUsage(base):  # type: ignore[misc]  # as above
        def __init__(self, names: Sequence[str]) -> None:
            self._names, self._indices, self._pids = names, None, ()
            self._reader = import_module(f"{_PACKAGE}.system.gpu").GpuReader()

        def ask(self, pids: Any) -> Any:
            self._pids = pids
            return self._read(self._reader)

        def close(self) -> None: ...

    return InlineUsage


def _read_disk(meter: Any) -> Any:
    meter._read_usage()
    return meter._known


# Locks

_LOCKS = {"LOCK_SH": 1, "LOCK_EX": 2, "LOCK_NB": 4, "LOCK_UN": 8}


class _LockTable:
    """Locks of open files, as `fcntl.flock` in one process: a browser accepts them all."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[tuple[int, int], bool]] = {}  # descriptor -> file, and whether shared

    def flock(self, descriptor: int, operation: int) -> None:
        """Lock or unlock an open file.

        Raises:
            BlockingIOError: if another open file has a lock that excludes it.
        """
        if operation & _LOCKS["LOCK_UN"]:
            self._held.pop(descriptor, None)
            return
        file, shared = self._file(descriptor), bool(operation & _LOCKS["LOCK_SH"])
        for other, (held, is_shared) in [*self._held.items()]:
            if other != descriptor and held == file and not (shared and is_shared):
                if self._is_open(other, file):
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                del self._held[other]
        self._held[descriptor] = file, shared

    def move(self, descriptor: int, to: int) -> None:
        """Move the lock of a descriptor to its copy."""
        if descriptor in self._held:
            self._held[to] = self._held.pop(descriptor)

    def closing(self, descriptor: int) -> None:
        """Note that a descriptor is being closed."""
        self._held.pop(descriptor, None)

    def _is_open(self, descriptor: int, file: tuple[int, int]) -> bool:
        try:
            return self._file(descriptor) == file
        except OSError:
            return False

    @staticmethod
    def _file(descriptor: int) -> tuple[int, int]:
        status = os.fstat(descriptor)
        return status.st_dev, status.st_ino


def _emulate_locks() -> None:
    fcntl: Any = import_module("fcntl")
    vars(fcntl).update(_LOCKS)  # the kernel of JupyterLite has an empty module
    system: Any = os
    table, close, duplicate = _LockTable(), os.close, os.dup

    def closed(descriptor: int) -> None:
        table.closing(descriptor)
        close(descriptor)

    def duplicated(descriptor: int) -> int:
        copy = duplicate(descriptor)
        table.move(descriptor, copy)  # the original is closed soon
        return copy

    fcntl.flock, system.close, system.dup = table.flock, closed, duplicated


def _wait(seconds: float, /) -> None:
    """Wait without the stack switching of Pyodide, which not every browser has."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _refuse_link(source: object, target: object, **_: object) -> None:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(source), None, str(target))


# Processes


def _run_inline(function: Callable[..., int], *arguments: object, keep: Sequence[int] = ()) -> int:
    function(*arguments)
    return 0


def _start_detached(module: str, words: Sequence[str], log: Path, *, python: str = sys.executable) -> None:
    from .processes import start

    start(module.removeprefix(f"{_PACKAGE}."), words)


def prepare() -> None:
    """Put the replacements in place."""
    if sys.platform == "emscripten":
        _emulate_locks()
        os.geteuid, os.getegid, time.thread_time = os.getuid, os.getgid, time.process_time
        os.link, time.sleep = _refuse_link, _wait
        asyncio.to_thread = _to_thread
    replace("core.common.workers", Workers=Steps)
    replace("core.logs.search", SearchProcess=InlineSearch)
    replace("notebook.widget_loop", WidgetLoop=PageLoop)
    replace("system.sampler", Sampler=_sampler(import_module(f"{_PACKAGE}.system.sampler").Sampler))
    import_module(f"{_PACKAGE}.system.host").DiskMeter.read = _read_disk
    prepare_engine()


def prepare_engine() -> None:
    """Put the replacements of processes in place."""
    from . import machine
    from .random_search import RandomSearch, check_packages, refuse_importance

    replace("core.common.host_identity", host_name=lambda: machine.HOST)
    replace("engine.processes.start_method", start_process=_run_inline)
    replace("engine.queue.launch", start_detached=_start_detached)
    replace("engine.gpus.watcher", GpuWatcher=_InlineGpus)
    replace("engine.gpus.usage", GpuUsage=_gpu_usage(import_module(f"{_PACKAGE}.engine.gpus.usage").GpuUsage))
    replace("engine.run.system_sampling", descendants=lambda pid: [*machine.attended])
    replace("system.gpu_detection", has_gpus=lambda: True)
    replace("studies.optimizer", Optimizer=RandomSearch)
    replace("studies.samplers", is_available=lambda: True, check_packages=check_packages)
    replace("studies.importance", parameter_importance=refuse_importance)
