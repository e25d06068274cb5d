"""Memory for tasks on this machine: how much there is in total, and how much running tasks have reserved."""

from __future__ import annotations

import time

from pyruns_jupyter.core.common.byte_sizes import share_text, size_text
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.engine.gpus.reservations import Refusal, Reservation, Reservations
from pyruns_jupyter.engine.queue.jobs import Job

_KEPT_PART, _MAX_KEPT = 20, 1 << 30  # a twentieth of the memory, at most 1 GiB, is left for other processes


def usable_memory() -> int:
    """Return the bytes that all tasks on this machine may use together: those of the machine or of our
    control group, minus a part for server, scheduler and supervisors.
    """
    # Imported here because few tasks request memory.
    from pyruns_jupyter.system.host import MemoryMeter

    total = MemoryMeter().read()["total"]
    return total - min(total // _KEPT_PART, _MAX_KEPT)


def check_memory(size: int) -> None:
    """Check that a task that requests `size` bytes can ever start on this machine.

    Raises:
        InvalidInput: with the field `memory`.
    """
    problem = _too_large(size, usable_memory())
    if problem:
        raise InvalidInput(problem, field="memory")


def _too_large(size: int, total: int) -> str:
    if size <= total:
        return ""
    most = f"tasks on this machine may use at most {size_text(total)} in total"
    return f"Each task needs {size_text(size)}, but {most}."


def reserve_memory(reservations: Reservations, job: Job, size: int) -> int | Refusal:
    """Reserve `size` bytes of this host for a job; return the descriptor that holds the reservation, for its
    supervisor, or why there is not enough memory now.
    """
    total = usable_memory()
    problem = _too_large(size, total)
    if problem:
        return Refusal({}, is_final=True, more=problem)

    def reserve(living: list[Reservation]) -> int | Refusal:
        free = max(0, total - sum(one.memory or 0 for one in living))
        if size > free:
            more = (
                f"Waiting for memory. The task needs {size_text(size)}, but only "
                f"{share_text(free, total)} are not reserved by running tasks."
            )
            return Refusal({}, more=more, missing=size - free)
        task = f"{job.workspace}/{job.task}"
        return reservations.reserve(Reservation(job.attempt, task, (), size, {}, time.time()))

    return reservations.decide(reserve)
