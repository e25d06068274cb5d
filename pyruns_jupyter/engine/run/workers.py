"""Supervisor processes that handle one short run after another.

A fork copies each page that either process changes afterwards, which takes longer than everything else that a
supervisor does for a short run. So a supervisor whose run has ended, and has left nothing behind, reports
this and waits for the next job of the scheduler. The scheduler keeps one idle supervisor while it lives; the
others exit when there is no further job, and all when the scheduler is gone.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO

from pyruns_jupyter.core.common.host_identity import boot_id, pid_space
from pyruns_jupyter.core.fs.temp_names import host_tag
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.engine.processes.native import (
    SignalPipe,
    do_not_block,
    gather_orphans,
    has_children,
    held_for_child,
    read_available,
    take_locks,
    wait_readable,
)
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.processes.start_method import start_process
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.system.cgroup import oom_kills

from .run_environment import system_name
from .supervisor import DONE, supervise

Gpus = Mapping[str, Any]

_MAX_RUNS = 100  # of one process, so that leaked memory cannot add up
_PID = struct.Struct("=i")


class Worker:
    """A supervisor process as its scheduler sees it."""

    def __init__(self, job: Job, gpus: Gpus, free: int, keep: Sequence[int] = ()) -> None:
        """Start it with a first job; it writes its pid (`read_pids`) to `free` when it is ready for another.

        It holds the descriptors in `keep` as long as it lives, and then handles this one job only.

        Raises:
            OSError: when the system has no room for another process.
        """
        jobs, self._jobs = os.pipe()
        try:
            self.pid = start_process(_work, job, gpus, jobs, free, keep, keep=(jobs, free, *keep))
        except BaseException:
            os.close(self._jobs)
            raise
        finally:
            os.close(jobs)
        self._held = held_for_child(keep)
        do_not_block(self._jobs)

    def submit(self, job: Job, gpus: Gpus) -> bool:
        """Send another job; return whether the process accepted it. If not, the process is shut down."""
        import pickle  # slow to import, and the first job does not need it

        message = pickle.dumps((job, gpus), pickle.HIGHEST_PROTOCOL)
        try:
            # A stopped process would keep the job until it is continued; the pipe may be too small.
            is_sent = not _is_stopped(self.pid) and os.write(self._jobs, message) == len(message)
        except OSError:  # it is gone
            is_sent = False
        if not is_sent:
            self.shutdown()
        return is_sent

    def shutdown(self) -> None:
        """Let the process exit; to be called once it is ready for another job, or gone."""
        if self._jobs >= 0:
            for descriptor in (self._jobs, *self._held):
                os.close(descriptor)
            self._jobs = -1


def _is_stopped(pid: int) -> bool:
    """Return whether a process was stopped by a signal, as far as the system shows that."""
    with suppress(OSError, IndexError), open(f"/proc/{pid}/stat", "rb") as stream:
        return stream.read().rpartition(b")")[2].split()[0] == b"T"
    return False


def read_pids(free: int) -> list[int]:
    """Return the pids of the workers that became ready since the last call; `free` does not block."""
    with suppress(BlockingIOError):
        return [pid for (pid,) in _PID.iter_unpack(read_available(free, 1024 * _PID.size))]
    return []


def _work(job: Job, gpus: Gpus, jobs: int, free: int, keep: Sequence[int]) -> int:
    """Supervise one run after another, or only one with the descriptors in `keep`; return the exit code."""
    gather_orphans()
    take_locks(keep)
    signals, stream = SignalPipe(is_supervisor=True), os.fdopen(jobs, "rb")
    most = 1 if keep else _MAX_RUNS
    for number in range(1, most + 1):
        name_process("pyruns-run", f"{job.workspace}/{job.task}", str(job.root.parent))
        with ExitStack() as held:
            code = supervise(job, gpus, signals, held, keep=keep)
            # A leftover must not count as the next run's.
            if number == most or code != DONE or has_children() or signals.has_asked_to_end:
                return code
            try:
                os.write(free, _PID.pack(os.getpid()))
            except BrokenPipeError:  # the scheduler is gone
                break
        name_process("pyruns-run", "(idle)", str(job.root.parent))
        if not _has_job(stream, signals):
            break
        import pickle

        try:
            job, gpus = pickle.load(stream)
        except (EOFError, pickle.UnpicklingError):  # the scheduler closed the pipe
            break
    return DONE


def _has_job(stream: BinaryIO, signals: SignalPipe) -> bool:
    """Wait for the next job; return False if this process is asked to end."""
    while True:
        ready = wait_readable((stream.fileno(), signals.descriptor))
        if signals.read():
            return False
        if stream.fileno() in ready:
            signals.user_signals.clear()  # they were not for the next run
            return True


def load_rest() -> None:
    """Import before a fork what a supervisor needs after the start of a run, so no start waits for it."""
    import pickle  # noqa: F401

    import psutil  # noqa: F401

    from pyruns_jupyter.system import host  # noqa: F401

    from . import stack_dump  # noqa: F401


def warm_up(*, scripts: bool) -> None:
    """Import and compute before a fork what each supervisor needs; with `scripts` also for script tasks."""
    if scripts:
        import yaml  # noqa: F401  # for configurations

        import pyruns_jupyter.core.scripts.argv
        import pyruns_jupyter.core.scripts.reading  # noqa: F401

    "".encode("utf-8-sig").decode("utf-8-sig")
    protocol()
    boot_id()
    host_tag()
    pid_space()
    system_name()
    oom_kills()
