"""A process that asks the driver once a second as long as tasks wait for GPUs or have some.

The driver is never loaded into the scheduler, which forks: a driver that hangs or crashes costs this process.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.engine.queue.processes import fork_detached, name_process

if TYPE_CHECKING:
    from pyruns_jupyter.system.samples import Gpu

SECONDS = 1.0
_MAX_BYTES = 1024 * 1024
_DRIVER_BYTES = 2**30  # of a GPU's memory may belong to no process


class GpuWatcher:
    """Starts the process, and takes what it sees last."""

    def __init__(self) -> None:
        self._descriptor, write_end = os.pipe()
        os.set_blocking(self._descriptor, False)
        try:
            self.pid = fork_detached(lambda: _watch(write_end), keep=(write_end,))
        finally:
            os.close(write_end)
        self._text = b""
        self.is_alive = True

    def read(self) -> dict[str, Any] | None:
        """Return the newest look: `state`, `message`, `gpus`; None if there was none since the last call."""
        while self.is_alive:
            try:
                data = os.read(self._descriptor, 65536)
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
        """Let the process end."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self.is_alive = False


def _watch(write_end: int) -> int:
    name_process("pyruns-gpus")
    from pyruns_jupyter.system.gpu import GpuReader

    reader, attempts = GpuReader(), _Attempts()
    try:
        while True:
            began = time.monotonic()
            found = reader.read()
            gpus = [attempts.told(device) for gpu in found.gpus for device in _devices(gpu)]
            line = json.dumps({"state": found.state, "message": found.message, "gpus": gpus})
            os.write(write_end, line.encode() + b"\n")
            time.sleep(max(0.05, SECONDS - (time.monotonic() - began)))
    except BrokenPipeError:
        return 0
    finally:
        reader.close()


def _devices(gpu: Gpu) -> list[dict[str, Any]]:
    """Return what can be given away of a GPU: itself, or the MIG devices that it is divided into.

    `label` is what people call a device: `2`, or `2:0` for a MIG device; `within` are index and UUID of the
    GPU that it is a part of.
    """
    whole: dict[str, Any] = {**gpu}
    parts = whole.pop("mig")
    if not parts:
        return [{**whole, "label": str(gpu["index"]), "within": []}]
    within = [str(gpu["index"]), gpu["uuid"]]
    return [
        {**part, "load": None, "label": f"{gpu['index']}:{part['index']}", "within": within} for part in parts
    ]


class _Attempts:
    """Tells to which run the processes of a GPU belong."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float], str] = {}

    def told(self, gpu: dict[str, Any]) -> dict[str, Any]:
        seen, total = 0, 0
        processes = []
        for process in gpu["processes"]:
            attempt = self._attempt(process["pid"])
            seen += attempt is not None
            total += process["memory"] or 0
            processes.append({**process, "attempt": attempt or ""})
        # In a container the driver tells pids of another namespace, or none at all.
        whole = (gpu["memory_used"] or 0) - total < _DRIVER_BYTES
        return {**gpu, "processes": processes, "attributed": whole and (seen > 0 or not processes)}

    def _attempt(self, pid: int) -> str | None:
        """Return the attempt that a process belongs to, "" when to none, None without such a process."""
        import psutil

        try:
            process = psutil.Process(pid)
            key = (pid, process.create_time())
            if key not in self._known:
                self._known[key] = process.environ().get("PYRUNS_RUN_ATTEMPT_ID", "")
            return self._known[key]
        except psutil.AccessDenied:
            return ""
        except (psutil.Error, OSError):
            return None
