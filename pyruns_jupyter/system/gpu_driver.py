"""What the readers of all GPU drivers have in common: they survive a missing or broken driver.

The library of a driver is loaded at the first reading, never at import. If a call fails, only its value is
missing; if the whole driver fails, it is closed and opened again later, with increasing delays.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .processes import ProcessTable
from .samples import Gpu, GpuProcess, GpuState

RETRY_SECONDS = 5.0  # until a failed driver is opened again; doubles each time
MAX_RETRY_SECONDS = 300.0

NO_DRIVER = "There is no driver for NVIDIA or AMD GPUs on this machine."


@dataclass(frozen=True)
class GpuReading:
    """The GPUs; `message` (a sentence) is why there are none, or why those of another driver are missing."""

    state: GpuState
    message: str | None
    gpus: list[Gpu]


class NoDriverError(Exception):
    """This machine has no such driver, or lacks what is needed to use it; its text is for users."""


class DriverReader(ABC):
    """Reads the GPUs of one driver. Not thread-safe."""

    vendor: str
    no_device: str  # the message if the driver works but reports no GPUs

    def __init__(self, processes: ProcessTable, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_open = False
        self._failure: GpuReading | None = None
        self._retry_at = 0.0
        self._pause = RETRY_SECONDS
        self.processes = processes

    def read(self, indices: Sequence[int] | None = None) -> GpuReading:
        """Return the GPUs at this moment, all or those with these `indices`; never raises."""
        if not self._is_open and not self._open():
            assert self._failure is not None
            return self._failure
        try:
            gpus = self._read(indices)
        except Exception as error:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            self.close()
            return self._fail("error", f"The {self.vendor} driver stopped responding: {text_of(error)}.")
        self._pause = RETRY_SECONDS
        return GpuReading("ok", None, gpus) if gpus else GpuReading("none", self.no_device, [])

    def driver(self) -> str | None:
        """Return the version of the driver, None if it is not open."""
        if not self._is_open:
            return None
        try:
            return self._version() or None
        except Exception:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            return None

    def close(self) -> None:
        """Close the driver; the next reading opens it again."""
        was_open, self._is_open = self._is_open, False
        if was_open:
            with contextlib.suppress(Exception):  # closed already
                self._disconnect()

    def process(self, pid: int, memory: int | None) -> GpuProcess:
        """Return a process on a GPU that uses `memory` bytes of it, None if that is unknown."""
        # Only a server knows for how long its kernels have been idle.
        return {**self.processes.facts_of(pid), "pid": pid, "memory": memory, "idle": None}

    def _open(self) -> bool:
        if self._failure is not None and self._clock() < self._retry_at:
            return False
        try:
            self._connect()
        except NoDriverError as error:
            self._fail("none", str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a broken driver is a state, whatever it raises
            self._fail("error", f"The {self.vendor} driver cannot be used: {text_of(error)}.")
            return False
        self._is_open, self._failure = True, None
        return True

    def _fail(self, state: GpuState, message: str) -> GpuReading:
        self._failure = GpuReading(state, message, [])
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, MAX_RETRY_SECONDS)
        return self._failure

    @abstractmethod
    def _connect(self) -> None:
        """Load the library, and open the driver.

        Raises:
            NoDriverError: if there is none.
            Exception: if it cannot be used.
        """

    @abstractmethod
    def _disconnect(self) -> None:
        """Close the driver."""

    @abstractmethod
    def _version(self) -> str:
        """Return the version of the driver."""

    @abstractmethod
    def _read(self, indices: Sequence[int] | None) -> list[Gpu]:
        """Return the GPUs with these indices, by default all.

        Raises:
            Exception: if the whole driver fails.
        """


def unreadable_gpu(index: int, name: str) -> Gpu:
    """Return a GPU of which nothing but its index is known."""
    return Gpu(
        index=index,
        uuid="",
        name=name,
        load=None,
        memory_used=None,
        memory_total=None,
        temperature=None,
        power=None,
        power_limit=None,
        clock=None,
        memory_clock=None,
        processes=[],
        mig=[],
    )


def text_of(error: Exception) -> str:
    """Return the text of an error in one line, without a full stop at its end."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
