"""The utilization, memory, power and temperature of the GPUs of one run, read in a thread of its supervisor.

The supervisor reads them itself, so they are known when no scheduler runs, and in a job on a cluster. The
thread loads the driver. If that hangs, only the thread waits.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .visibility import is_meant
from .watcher import devices_of

if TYPE_CHECKING:
    from pyruns_jupyter.system.gpu import GpuReader

_GIB = 1 << 30


class GpuUsage:
    """Reads the GPUs of a run, which `names` identify (index, UUID, or a prefix of it), in this order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._wake = threading.Event()
        self._is_closed = False
        self._pids: Collection[int] = ()
        self._readings: list[list[dict[str, Any]]] = []
        self._indices: list[int] | None = None  # of the GPUs to read; None: all, to find those of the run
        self._thread = threading.Thread(target=self._serve, name="pyruns-gpu-usage", daemon=True)
        self._thread.start()

    def ask(self, pids: Collection[int]) -> list[dict[str, Any]] | None:
        """Start the next reading, and return the one that was started before, None if there is none.

        `pids` are the processes of the run. The keys of a GPU are `name`, `memory_total` and, as far as they
        are known, `values`.
        """
        self._pids = pids
        found = self._readings.pop() if self._readings else None
        self._wake.set()
        return found

    def close(self) -> None:
        """End the thread, without waiting for the driver."""
        self._is_closed = True
        self._wake.set()

    def _serve(self) -> None:
        from pyruns_jupyter.system.gpu import GpuReader

        reader = GpuReader()
        with suppress(Exception):  # an interpreter that exits meanwhile
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._is_closed:
                    break
                self._readings[:] = [self._read(reader)]
            reader.close()

    def _read(self, reader: GpuReader) -> list[dict[str, Any]]:
        found = reader.read(self._indices)
        if found.state != "ok":
            self._indices = None  # the driver may number them differently after a restart
            return []
        devices = [device for gpu in found.gpus for device in devices_of(gpu)]
        chosen = [next((one for one in devices if is_meant((name,), one)), None) for name in self._names]
        ours = [device for device in chosen if device is not None]
        is_complete = len(ours) == len(self._names)  # else the driver has to be asked for all again
        self._indices = sorted({_whole_index(device) for device in ours}) if is_complete else None
        return [self._usage(device) for device in ours]

    def _usage(self, device: Mapping[str, Any]) -> dict[str, Any]:
        from psutil import pid_exists  # slow to import, and few runs use GPUs

        its = [one["memory"] or 0 for one in device["processes"] if one["pid"] in self._pids]
        used = device["memory_used"]
        if its or any(pid_exists(one["pid"]) for one in device["processes"]):
            used = sum(its)  # unlike in a container that hides which processes use it
        values = {
            "utilization_percent": device["load"],
            "memory_gib": None if used is None else used / _GIB,
            "power_watts": device.get("power"),
            "temperature_celsius": device.get("temperature"),
        }
        known = {name: float(value) for name, value in values.items() if value is not None}
        return {"name": device["name"], "memory_total": device["memory_total"], "values": known}


def _whole_index(device: Mapping[str, Any]) -> int:
    """Return the index of the GPU that a device is, or belongs to."""
    return int(device["within"][0] if device["within"] else device["index"])
