"""Starting an entry with the memory and the GPUs that it requests."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from itertools import islice
from math import inf

from msgspec.structs import replace

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.engine.gpus.allocator import GpuAllocator
from pyruns_jupyter.engine.gpus.reservations import MEMORY, Refusal, Reservations
from pyruns_jupyter.engine.gpus.waiting_list import MAX_TASKS
from pyruns_jupyter.engine.memory.reservations import reserve_memory
from pyruns_jupyter.engine.queue.entries import ActiveBatch, QueueEntry
from pyruns_jupyter.engine.queue.jobs import Job

from .executors import Executors
from .start_policy import StartPolicy

_GPU_SECONDS = 0.25  # between two attempts to reserve GPUs
_MEMORY_SECONDS = 1.0  # between two attempts to reserve memory, which other projects may release


class Dispatcher:
    """Passes entries to the executors, with their reservations."""

    def __init__(self, executors: Executors, policy: StartPolicy) -> None:
        self._executors = executors
        self._policy = policy
        self.gpus = GpuAllocator()
        self._memory = Reservations(kind=MEMORY)

    def start(self, opened: ActiveBatch, entry: QueueEntry, job: Job) -> float | None:
        """Start an entry as `job`; if its memory or its GPUs are not available, return when to try again
        (monotonic).

        Raises:
            PyrunsError, OSError: when it cannot be started now.
        """
        with ExitStack() as held:  # descriptors that the supervisor inherits are closed here
            keep: list[int] = []
            size = job.options.local_memory
            if size is not None:
                memory = reserve_memory(self._memory, job, size)
                if isinstance(memory, Refusal):
                    opened.refuse(
                        "memory",
                        str(memory),
                        is_final=memory.is_final,
                        patience=inf,
                        missing=memory.missing,
                        holders=memory.holders,
                    )
                    return time.monotonic() + _MEMORY_SECONDS
                held.callback(os.close, memory)
                keep.append(memory)
            request = self._policy.gpus(job)
            if request is not None:
                grant = self.gpus.grant(job, request, self._ready(opened))
                if isinstance(grant, Refusal):
                    patience = request.max_wait_seconds
                    opened.refuse(
                        "GPUs",
                        str(grant),
                        is_final=grant.is_final,
                        patience=patience,
                        missing=grant.missing,
                        holders=grant.holders,
                    )
                    return time.monotonic() + _GPU_SECONDS
                held.callback(os.close, grant.descriptor)
                keep.append(grant.descriptor)
                job = replace(job, gpus=grant.uuids, gpu_labels=grant.labels)
            elif job.gpus:
                job = replace(job, gpus=(), gpu_labels=())
            self._executors.start(job, keep=keep)
        opened.refused_since = opened.final_since = None
        entry.job = job
        opened.running[job.task] = entry
        return None

    def adopted(self, job: Job, info: TaskInfo) -> Job:
        """Return a job that an earlier scheduler started, with the GPUs that its run uses on this host."""
        run = runs.latest(info)
        labels = run.environment.get("assigned_gpu_ids") if run and run.attempt == job.attempt else None
        if job.gpus or not job.options.is_local or not labels or not isinstance(labels, list):
            return job
        return self.gpus.adopt(job, [str(label) for label in labels])

    def _ready(self, opened: ActiveBatch) -> int:
        """Return how many tasks of a batch could start now, with the one that is being started."""
        now = time.monotonic()
        others = sum(entry.not_before <= now for entry in islice(opened.waiting, MAX_TASKS))
        return max(1, min(1 + others, self._policy.room(opened)))
