"""The GPUs of this machine, of all drivers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .amd import AmdReader
from .gpu_driver import NO_DRIVER, GpuReading
from .nvidia import NvidiaReader
from .processes import ProcessTable
from .samples import Gpu


@dataclass(frozen=True)
class Inventory(GpuReading):
    """The GPUs and the version of the driver, None if it is unknown."""

    driver: str | None = None


def inventory() -> Inventory:
    """Return the GPUs and the driver of this machine; never raises."""
    reader = GpuReader()
    try:
        found = reader.read()
        return Inventory(found.state, found.message, found.gpus, reader.driver())
    finally:
        reader.close()


class GpuReader:
    """Reads all GPUs. Those of AMD have the indices after those of NVIDIA. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.processes = ProcessTable()
        self._nvidia = NvidiaReader(self.processes, clock)
        self._amd = AmdReader(self.processes, clock)
        self._first_amd = 0  # the number of NVIDIA GPUs at the last reading of all

    def read(self, indices: Sequence[int] | None = None) -> GpuReading:
        """Return the GPUs at this moment, all or those with these `indices`; never raises."""
        if indices is None:
            nvidia = self._nvidia.read()
            if nvidia.state != "error":  # then the indices of AMD GPUs stay what they were
                self._first_amd = len(nvidia.gpus)
            return _together(nvidia, self._shifted(self._amd.read()))
        first = self._first_amd
        theirs, others = [one for one in indices if one < first], [one for one in indices if one >= first]
        found = [self._nvidia.read(theirs)] if theirs or not others else []
        if others:
            found.append(self._shifted(self._amd.read([one - first for one in others])))
        failed = [one for one in found if one.state != "ok"]
        return failed[0] if failed else _together(*found)

    def driver(self) -> str | None:
        """Return the version of the driver, None if none is open."""
        return self._nvidia.driver() or self._amd.driver()

    def close(self) -> None:
        """Close the drivers; the next reading opens them again."""
        self._nvidia.close()
        self._amd.close()

    def _shifted(self, reading: GpuReading) -> GpuReading:
        gpus = [Gpu(**{**gpu, "index": gpu["index"] + self._first_amd}) for gpu in reading.gpus]
        return GpuReading(reading.state, reading.message, gpus)


def _together(*readings: GpuReading) -> GpuReading:
    """Return the GPUs of all drivers, or the most important reason why there are none."""
    gpus = [gpu for one in readings for gpu in one.gpus]
    if gpus:
        failed = [one.message for one in readings if one.state == "error"]
        return GpuReading("ok", failed[0] if failed else None, gpus)
    return min(readings, key=lambda one: (one.state != "error", one.message == NO_DRIVER))
