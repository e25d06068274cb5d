"""Supervisor processes that take one short run after the other.

A fork copies each page that either side touches afterwards, which takes longer than all that a supervisor
does for a short run. So one that has ended its run, and has nothing left of it, says so and waits for the
scheduler's next job; it ends when none comes, or when the scheduler is gone.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.processes import (
    SignalPipe,
    fork_detached,
    gather_orphans,
    has_children,
    name_process,
)

from .supervisor import DONE, supervise

Gpus = Mapping[str, Any]

_RUNS = 100  # of one process, so that nothing of what one leaves in memory can add up
_PID, _SIZE = struct.Struct("=i"), struct.Struct("=I")


class Worker:
    """A supervisor process as its scheduler sees it."""

    def __init__(self, job: Job, gpus: Gpus, free: int, keep: Sequence[int] = ()) -> None:
        """Fork it, with a first job; it writes its pid (`read_pids`) to `free` when it is ready for another.

        It holds the descriptors in `keep` as long as it lives, and then has this one job only.

        Raises:
            OSError: when the system has no room for another process.
        """
        jobs, self._jobs = os.pipe()
        try:
            self.pid = fork_detached(lambda: _work(job, gpus, jobs, free, keep), keep=(jobs, free, *keep))
        except BaseException:
            os.close(self._jobs)
            raise
        finally:
            os.close(jobs)
        os.set_blocking(self._jobs, False)

    def submit(self, job: Job, gpus: Gpus) -> bool:
        """Give it another job; return whether it took it. One that did not ends."""
        data = pickle.dumps((job, gpus), pickle.HIGHEST_PROTOCOL)
        message = _SIZE.pack(len(data)) + data
        try:
            taken = os.write(self._jobs, message) == len(message)
        except OSError:  # it is gone, or stands still and its pipe is full
            taken = False
        if not taken:
            self.shutdown()
        return taken

    def shutdown(self) -> None:
        """Let it end; to be called once it is ready for another job, or gone."""
        if self._jobs >= 0:
            os.close(self._jobs)
            self._jobs = -1


def read_pids(free: int) -> list[int]:
    """Return the pids of the workers that became ready since the last call; `free` does not block."""
    with suppress(BlockingIOError):
        return [pid for (pid,) in _PID.iter_unpack(os.read(free, 1024 * _PID.size))]
    return []


def _work(job: Job, gpus: Gpus, jobs: int, free: int, keep: Sequence[int]) -> int:
    """Be a supervisor process: supervise one run after the other, or just one with the descriptors in `keep`;
    return the exit code.
    """
    gather_orphans()
    signals = SignalPipe(is_supervisor=True)
    most = 1 if keep else _RUNS
    for number in range(1, most + 1):
        name_process("pyruns-run", f"{job.workspace}/{job.task}", str(job.root.parent))
        code = supervise(job, gpus, signals, keep=keep)
        if number == most or code != DONE or has_children():  # what one leaves must not count as another's
            return code
        try:
            os.write(free, _PID.pack(os.getpid()))
        except BrokenPipeError:  # the scheduler is gone
            break
        message = _next_message(jobs, signals)
        if not message:
            break
        job, gpus = pickle.loads(message)
    return DONE


def _next_message(jobs: int, signals: SignalPipe) -> bytes:
    """Return the next job, empty if there is none any more or this process is told to end."""
    poller = select.poll()
    poller.register(jobs, select.POLLIN)
    poller.register(signals.descriptor, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poller.poll()}
        if signals.descriptor in ready and signals.read():
            return b""
        if jobs in ready:
            break
    head = _read(jobs, _SIZE.size)
    return _read(jobs, *_SIZE.unpack(head)) if head else b""


def _read(descriptor: int, size: int) -> bytes:
    """Return exactly `size` bytes, empty when the writer is gone before that."""
    data = b""
    while len(data) < size:
        part = os.read(descriptor, size - len(data))
        if not part:
            return b""
        data += part
    return data
