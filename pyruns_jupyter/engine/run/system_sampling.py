"""Samples of the processes and the GPUs of one run, which its supervisor appends to `runN.system.jsonl`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.fs.regular_files import open_regular_to_append
from pyruns_jupyter.core.metrics.system_metrics import (
    GIB,
    MAX_LINES,
    encode_facts,
    encode_sample,
    joined,
    read_system,
    thinned_lines,
)
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.engine.gpus.usage import GpuUsage
from pyruns_jupyter.engine.processes.descendants import descendants
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.system.cgroup import usable_cores
from pyruns_jupyter.system.process_tree import ProcessTreeMeter

_FIRST_SECONDS = 1.0  # a run that ends earlier is not sampled
_MAX_SECONDS = 10.0  # between two samples; a line of a long run has the values of several
_FLUSH_SECONDS = 5.0  # between two writes: each is slow on a network file system
_MAX_PENDING = 256 * 1024  # bytes that are kept while the disk is full
_SHARE = 200  # sampling takes at most this fraction (1/200) of a core


class SystemSampling:
    """Samples one run.

    Attributes:
        due: when `beat` is to be called again (monotonic).
    """

    def __init__(
        self,
        job: Job,
        paths: Callable[[], TaskPaths],
        run: int,
        visible: str | None = None,
        *,
        is_enabled: bool = True,
        now: float | None = None,
    ) -> None:
        """`paths` returns where the task is now. `visible` is the value of the variable that names the
        GPUs of the run in a job on a cluster. To be called before the command is started.
        """
        self._paths, self._run, self._job = paths, run, job
        self._gpu_names: Sequence[str] = job.gpus
        if job.cluster_job and not job.gpus:
            self._gpu_names = [word for part in (visible or "").split(",") if (word := part.strip())]
        now = time.monotonic() if now is None else now
        self._offset = time.time() - now  # a change of the clock must not move samples
        self._began = self._sampled_at = self._written_at = now
        self._line_seconds = _FIRST_SECONDS
        self._lines = 0
        self._pending, self._flushed_at, self._has_file = b"", -math.inf, False
        self._meter = ProcessTreeMeter()
        self._gpus: GpuUsage | None = None
        self._has_gpu_facts = False
        self._polls: list[dict[str, float]] = []
        self._weights: list[float] = []
        self.due = now + _FIRST_SECONDS if is_enabled else math.inf

    def beat(self, now: float) -> None:
        """Take a sample if it is time for one."""
        if now < self.due:
            return
        begin = time.thread_time()
        try:
            self._sample(now)
            if now - self._written_at >= self._line_seconds - _FIRST_SECONDS / 2:
                self._write(now)
        except OSError:
            pass  # such as a full disk: what is pending is written later
        except Exception:  # noqa: BLE001  # whatever the system reports, the run continues
            self.due = math.inf
            return
        interval = min(self._line_seconds, _MAX_SECONDS)
        self.due = now + max(interval, _SHARE * (time.thread_time() - begin))

    def finish(self) -> None:
        """Write the rest. The run has ended."""
        if self._gpus is not None:
            self._gpus.close()
        with suppress(Exception):
            if self._polls:
                self._write(self._sampled_at)
            if self._pending:
                self._flush(self._sampled_at)
        self.due = math.inf

    def _sample(self, now: float) -> None:
        pids = descendants(os.getpid())
        elapsed, self._sampled_at = now - self._sampled_at, now
        values = self._meter.read(pids, elapsed)
        if self._gpu_names:
            self._gpus = self._gpus or GpuUsage(self._gpu_names)
            for number, gpu in enumerate(self._read_gpus(self._gpus, pids)):
                values |= {f"gpu{number}_{name}": value for name, value in gpu["values"].items()}
        self._polls.append(values)
        self._weights.append(elapsed)

    def _read_gpus(self, usage: GpuUsage, pids: list[int]) -> list[dict[str, Any]]:
        found = usage.ask(frozenset(pids)) or []
        if found and not self._has_gpu_facts:
            is_shared = self._job.options.gpu_memory is not None and not self._job.alone
            facts = [
                {"name": gpu["name"], "shared": is_shared}
                | ({"memory_gib": round(gpu["memory_total"] / GIB, 2)} if gpu["memory_total"] else {})
                for gpu in found
            ]
            self._pending += encode_facts({"gpus": facts})
            self._has_gpu_facts = True
        return found

    def _write(self, now: float) -> None:
        """Make one line of the samples since the last one."""
        self._pending += encode_sample(now + self._offset, joined(self._polls, self._weights))
        self._polls, self._weights = [], []
        self._lines += 1
        self._written_at = now
        if now - self._flushed_at >= _FLUSH_SECONDS:
            self._flush(now)

    def _flush(self, now: float) -> None:
        self._flushed_at = now
        path = self._paths().system(self._run)
        if len(self._pending) > _MAX_PENDING:
            self._pending = b""
        if not self._has_file:
            write_atomic(path, self._facts() + self._pending, durable=False)  # replaces whatever is there
            self._has_file = True
        else:
            descriptor = open_regular_to_append(path)
            try:
                if os.write(descriptor, self._pending) < len(self._pending):
                    return  # the disk is full; a reader ignores lines that it has seen
            finally:
                os.close(descriptor)
        self._pending = b""
        if self._lines >= MAX_LINES:
            lines = thinned_lines(read_system(path))
            write_atomic(path, b"".join(lines), durable=False)
            self._lines, self._line_seconds = len(lines) - 1, 2 * self._line_seconds

    def _facts(self) -> bytes:
        facts: dict[str, Any] = {"began": round(self._began + self._offset, 1), "cores": usable_cores()}
        limit = self._job.options.local_memory
        if limit is not None:
            facts["memory_limit_gib"] = round(limit / GIB, 3)
        return encode_facts(facts)
