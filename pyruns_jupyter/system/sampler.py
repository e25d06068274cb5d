"""A thread that samples the machine every second while there are listeners."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from .gpu import GpuReader
from .host import CpuMeter, DiskMeter, MemoryMeter, NetworkMeter
from .samples import Sample

PERIOD = 1.0  # seconds
KEPT = 180  # samples, three minutes

Listener = Callable[[Sample], None]

_log = logging.getLogger(__name__)


class Sampler:
    """Samples of this machine. All methods may be called from any thread."""

    def __init__(self, folder: Path | None = None, *, period: float = PERIOD, kept: int = KEPT) -> None:
        """`folder` is the one whose disk is sampled."""
        self._period = period
        self._kept = kept
        self._lock = threading.Lock()  # guards the following fields; never held during a measurement
        self._listeners: dict[int, Listener] = {}
        self._next_key = 0
        self._history: deque[Sample] = deque(maxlen=kept)
        self._ending: threading.Event | None = None  # of the current thread
        self._threads: list[threading.Thread] = []
        self._measuring = threading.Lock()  # NVML and the meters are not thread-safe
        self._cpu = CpuMeter()
        self._memory = MemoryMeter()
        self._network = NetworkMeter()
        self._disk = DiskMeter(folder or Path.cwd())
        self._gpus = GpuReader()

    def history(self) -> list[Sample]:
        """Return the samples of the last minutes, the oldest first; empty after a long pause."""
        oldest = time.time() - self._kept * self._period
        with self._lock:
            return [sample for sample in self._history if sample["time"] >= oldest]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the sampler's thread with each sample from now on; return a function that ends
        the subscription without waiting. The thread ends with its last listener.
        """
        with self._lock:
            key = self._next_key
            self._next_key += 1
            self._listeners[key] = listener
            if self._ending is None:
                self._ending = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(self._ending,), name="pyruns-system", daemon=True
                )
                self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
                thread.start()
        return lambda: self._unsubscribe(key)

    def sample(self) -> Sample:
        """Return a sample that is at most one period old; measure it in the caller's thread if necessary."""
        with self._lock:
            newest = self._history[-1] if self._history else None
            if newest is not None and 0 <= time.time() - newest["time"] < self._period:
                return newest
        return self._measure()

    def stop(self, timeout: float | None = None) -> int:
        """Drop all listeners, and wait at most `timeout` seconds for the thread to end; return the number of
        threads that still run.
        """
        with self._lock:
            self._listeners.clear()
            self._end()
            threads, self._threads = self._threads, []
        others = [thread for thread in threads if thread is not threading.current_thread()]
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in others:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in others)

    @property
    def running(self) -> bool:
        """Whether a thread is sampling."""
        with self._lock:
            return any(thread.is_alive() for thread in self._threads)

    def _unsubscribe(self, key: int) -> None:
        with self._lock:
            if self._listeners.pop(key, None) is not None and not self._listeners:
                self._end()

    def _end(self) -> None:
        if self._ending is not None:
            self._ending.set()
            self._ending = None

    def _run(self, ending: threading.Event) -> None:
        due = time.monotonic()
        while not ending.is_set():
            try:
                sample = self._measure()
            except Exception:  # noqa: BLE001 - the next sample may succeed
                _log.exception("Could not measure the CPU, memory and GPU utilization.")
            else:
                with self._lock:
                    listeners = [] if ending.is_set() else [*self._listeners.values()]
                for listener in listeners:
                    _deliver(listener, sample)
            due = max(due + self._period, time.monotonic())
            ending.wait(due - time.monotonic())
        with self._measuring:
            self._close_when_idle()

    def _measure(self) -> Sample:
        with self._measuring:
            cpu = self._cpu.read()
            reading = self._gpus.read()
            sample = Sample(
                time=time.time(),
                cpu=cpu,
                memory=self._memory.read(),
                disk=self._disk.read(),
                network=self._network.read(),
                gpu_state=reading.state,
                gpu_message=reading.message,
                gpus=reading.gpus,
            )
            with self._lock:
                self._history.append(sample)
            self._close_when_idle()
        return sample

    def _close_when_idle(self) -> None:
        with self._lock:
            idle = self._ending is None
        if idle:  # a server without listeners should not keep the driver open
            self._gpus.close()


def _deliver(listener: Listener, sample: Sample) -> None:
    try:
        listener(sample)
    except Exception:  # noqa: BLE001 - the other listeners still get the sample
        _log.exception("Could not process a sample of the CPU, memory and GPU utilization.")
