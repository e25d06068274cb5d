"""Starting an entry whose turn it is, with the GPUs that it asks for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from .base import Engine, Job
from .gate import Gate
from .gpus.admission import Refusal
from .gpus.broker import Broker
from .queueing import Entry, OpenBatch

_GPU_SECONDS = 0.25  # between two looks at GPUs that tasks wait for


class Starter:
    """Gives entries to the engine."""

    def __init__(self, engine: Engine, gate: Gate) -> None:
        self._engine = engine
        self._gate = gate
        self._broker = Broker()

    @property
    def is_watching(self) -> bool:
        """Whether there is something new about GPUs once a second."""
        return self._broker.is_watching

    def look(self, running: Iterable[Job]) -> None:
        """Take what the GPU driver shows now, if anybody has or wants GPUs; `running` are the jobs."""
        self._broker.look(running if self._broker.is_watching else ())

    def forget(self, job: Job) -> None:
        """A job has ended."""
        self._broker.forget(job)

    def start(self, opened: OpenBatch, entry: Entry, job: Job) -> float | None:
        """Start an entry as `job`; when its GPUs are not to be had, return when to look again (monotonic).

        Raises:
            PyrunsError, OSError: when it cannot be started now.
        """
        request = self._gate.gpus(job)
        if request is None:
            job = replace(job, gpus=(), gpu_labels=()) if job.gpus else job
            self._engine.start(job)
        else:
            answer = self._broker.grant(job, request)
            if isinstance(answer, Refusal):
                opened.refuse(str(answer), is_final=answer.is_final, patience=request.max_wait_seconds)
                return time.monotonic() + _GPU_SECONDS
            try:
                job = replace(job, gpus=answer.uuids, gpu_labels=answer.labels)
                self._engine.start(job, keep=(answer.descriptor,))
            finally:
                answer.close()
        opened.refused_since = None
        entry.job = job
        opened.running[job.task] = entry
        return None
