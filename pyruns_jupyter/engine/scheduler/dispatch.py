"""Starting an entry whose turn it is, with the memory and the GPUs that it asks for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from math import inf

from pyruns_jupyter.engine.gpus.allocator import GpuAllocator
from pyruns_jupyter.engine.gpus.reservations import Refusal
from pyruns_jupyter.engine.memory.reservations import MemoryReservations
from pyruns_jupyter.engine.queue.entries import ActiveBatch, QueueEntry
from pyruns_jupyter.engine.queue.jobs import Job

from .router import EngineRouter
from .start_policy import StartPolicy

_GPU_SECONDS = 0.25  # between two looks at GPUs that tasks wait for
_MEMORY_SECONDS = 1.0  # the same for memory, which other projects may give back


class Dispatcher:
    """Gives entries to the engine."""

    def __init__(self, engine: EngineRouter, policy: StartPolicy) -> None:
        self._engine = engine
        self._policy = policy
        self._allocator = GpuAllocator()
        self._memory = MemoryReservations()

    @property
    def is_watching(self) -> bool:
        """Whether there is something new about GPUs once a second."""
        return self._allocator.is_watching

    def look(self, running: Iterable[Job]) -> None:
        """Take what the GPU driver shows now, if anybody has or wants GPUs; `running` are the jobs."""
        self._allocator.look(running if self._allocator.is_watching else ())

    def forget(self, job: Job) -> None:
        """A job has ended."""
        self._allocator.forget(job)

    def start(self, opened: ActiveBatch, entry: QueueEntry, job: Job) -> float | None:
        """Start an entry as `job`; when its memory or its GPUs are not to be had, return when to look again
        (monotonic).

        Raises:
            PyrunsError, OSError: when it cannot be started now.
        """
        with ExitStack() as held:  # what goes to the supervisor is closed here
            keep: list[int] = []
            size = job.options.local_memory
            if size is not None:
                memory = self._memory.reserve(job, size)
                if isinstance(memory, Refusal):
                    opened.refuse("memory", str(memory), is_final=memory.is_final, patience=inf)
                    return time.monotonic() + _MEMORY_SECONDS
                held.callback(os.close, memory)
                keep.append(memory)
            request = self._policy.gpus(job)
            if request is not None:
                answer = self._allocator.grant(job, request)
                if isinstance(answer, Refusal):
                    patience = request.max_wait_seconds
                    opened.refuse("GPUs", str(answer), is_final=answer.is_final, patience=patience)
                    return time.monotonic() + _GPU_SECONDS
                held.callback(answer.close)
                keep.append(answer.descriptor)
                job = replace(job, gpus=answer.uuids, gpu_labels=answer.labels)
            elif job.gpus:
                job = replace(job, gpus=(), gpu_labels=())
            self._engine.start(job, keep=keep)
        opened.refused_since = None
        entry.job = job
        opened.running[job.task] = entry
        return None
