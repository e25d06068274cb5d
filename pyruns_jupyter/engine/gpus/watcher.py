"""A process that queries the driver once a second while tasks wait for GPUs or use some.

The driver is never loaded into the scheduler, which forks: if it hangs or crashes, only this process does.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.engine.processes.native import read_available
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.processes.start_method import start_writer

if TYPE_CHECKING:
    from pyruns_jupyter.system.gpu import GpuReader
    from pyruns_jupyter.system.samples import Gpu

_SECONDS = 1.0
_MAX_BYTES = 1024 * 1024
_DRIVER_BYTES = 2**30  # of a GPU, which may belong to no process


class GpuWatcher:
    """Starts the process, and reads its newest data."""

    def __init__(self) -> None:
        self._descriptor = start_writer(_watch)
        self._text = b""
        self.is_alive = True

    def read(self) -> dict[str, Any] | None:
        """Return the newest data (`state`, `message`, `gpus`), None if there is none since the last call."""
        while self.is_alive:
            try:
                data = read_available(self._descriptor, 65536)
            except BlockingIOError:
                break
            if not data:
                self.is_alive = False
            self._text += data
        *lines, self._text = self._text.rsplit(b"\n", 2)[-3:] if b"\n" in self._text else [self._text]
        if len(self._text) > _MAX_BYTES:
            self._text = b""
        for line in reversed(lines):
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    return found
        return None

    def close(self) -> None:
        """Stop the process."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self.is_alive = False


def _watch(write_end: int) -> int:
    name_process("pyruns-gpus")
    from pyruns_jupyter.system.gpu import GpuReader

    reader = GpuReader()
    try:
        while True:
            began = time.monotonic()
            found = reader.read()
            gpus = [with_attempts(device, reader) for gpu in found.gpus for device in devices_of(gpu)]
            line = json.dumps({"state": found.state, "message": found.message, "gpus": gpus})
            os.write(write_end, line.encode() + b"\n")
            time.sleep(max(0.05, _SECONDS - (time.monotonic() - began)))
    except BrokenPipeError:
        return 0
    finally:
        reader.close()


def devices_of(gpu: Gpu) -> list[dict[str, Any]]:
    """Return the devices of a GPU that can be reserved: itself, or its MIG devices.

    `label` is the name of a device for users: `2`, or `2:0` for a MIG device; `within` are index and UUID of
    the GPU to which it belongs.
    """
    whole: dict[str, Any] = {**gpu}
    parts = whole.pop("mig")
    if not parts:
        return [{**whole, "label": str(gpu["index"]), "within": []}]
    within = [str(gpu["index"]), gpu["uuid"]]
    return [
        {**part, "load": None, "label": f"{gpu['index']}:{part['index']}", "within": within} for part in parts
    ]


def with_attempts(gpu: dict[str, Any], reader: GpuReader) -> dict[str, Any]:
    """Return a device whose processes have the `attempt` of their run, "" without one; `attributed` is
    whether processes can be assigned to runs.
    """
    attempts = [reader.processes.attempt_of(process["pid"]) for process in gpu["processes"]]
    processes = [
        {**process, "attempt": attempt or ""}
        for process, attempt in zip(gpu["processes"], attempts, strict=True)
    ]
    # In a container the driver reports pids of another namespace, or none at all.
    unassigned = (gpu["memory_used"] or 0) - sum(process["memory"] or 0 for process in processes)
    is_visible = not attempts or any(attempt is not None for attempt in attempts)
    return {**gpu, "processes": processes, "attributed": unassigned < _DRIVER_BYTES and is_visible}
