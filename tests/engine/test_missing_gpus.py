"""Which running tasks are stopped for the GPUs that another task needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pyruns_jupyter.core.common.host_identity import user_id
from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.fair_share import FairShare
from pyruns_jupyter.engine.gpus.policy import GpuPolicy
from pyruns_jupyter.engine.gpus.request import GIB, GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Refusal, Reservation, Reservations
from pyruns_jupyter.engine.queue.batches import Batch
from pyruns_jupyter.engine.queue.entries import ActiveBatch, QueueEntry
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.scheduler import preemption
from pyruns_jupyter.engine.scheduler.preemption import Preemption

from .test_visibility import AMD, device

GPUS = [f"GPU-fa4e000{number}-0000-0000-0000-000000000000" for number in range(4)]
US, OTHER = user_id(), user_id() + 1
NOW = GpuRequest(stable_seconds=0.0)


def holding(attempt: str, *uuids: str, uid: int = US, used: int = 0) -> Reservation:
    return Reservation(attempt, f"w/{attempt}", uuids, None, dict.fromkeys(uuids, used), 1.0, uid)


def gpus(*names: str) -> list[dict[str, Any]]:
    return [device(index, GPUS[index], name) for index, name in enumerate(names)]


def refused(
    request: GpuRequest, devices: list[dict[str, Any]], reservations: Iterable[Reservation]
) -> tuple[int, set[str]]:
    """Return how many GPUs are missing, and those that running tasks would have to release."""
    found = choose(request, devices, [*reservations], {})
    assert isinstance(found, Refusal)
    return found.missing, set(found.holders)


def test_a_gpu_that_has_to_stay_free_for_a_while_is_not_missing() -> None:
    held, request = [holding("a", GPUS[0])], GpuRequest(stable_seconds=15.0)
    assert refused(request, gpus("A", "A"), held) == (0, set())
    assert refused(replace(request, count=2), gpus("A", "A"), held) == (1, {GPUS[0]})
    busy = [gpus("A")[0], {**gpus("A", "A")[1], "load": 90.0}]
    assert refused(request, busy, held) == (1, {GPUS[0]})


@pytest.mark.parametrize("memory", [40 * GIB, None])
def test_memory_of_other_processes_stays_in_use(memory: int | None) -> None:
    def used(attempt: str, is_attributed: bool = True) -> list[dict[str, Any]]:
        process = {"pid": 1, "memory": memory, "user": "", "command": "x", "attempt": attempt}
        state = {"memory_used": 40 * GIB, "processes": [process], "attributed": is_attributed}
        return [{**device(0, GPUS[0]), **state}]

    request, held = replace(NOW, memory=30 * GIB), [holding("a", GPUS[0])]
    assert refused(request, used("a"), held) == (1, {GPUS[0]})
    assert refused(replace(request, memory=20 * GIB), used(""), held) == (1, {GPUS[0]})
    assert refused(request, used(""), held) == (0, set())
    # In a container, what was in use before the run began is that of others.
    assert refused(request, used("", False), held) == (1, {GPUS[0]})
    assert refused(request, used("", False), [holding("a", GPUS[0], used=39 * GIB)]) == (0, set())


def test_only_gpus_that_a_task_may_get_together_are_released() -> None:
    held = [holding("x", GPUS[0]), holding("y", GPUS[1])]
    two = replace(NOW, count=2, same_model=True)
    stranger = holding("z", GPUS[2], uid=OTHER)
    busy = {**gpus("A", "B", "A", "B")[2], "load": 90.0}, {**gpus("A", "B", "A", "B")[3], "load": 90.0}
    assert refused(two, [*gpus("A", "B"), *busy], held) == (0, set())
    assert refused(two, gpus("A", "B", "B"), held) == (1, {GPUS[1]})
    assert refused(two, gpus("A", "A", "B"), [*held, stranger]) == (2, {GPUS[0], GPUS[1]})
    assert refused(replace(two, count=1), gpus("A", "B"), held) == (1, {GPUS[0], GPUS[1]})
    # The free GPU of NVIDIA is none of the two of AMD.
    mixed = [device(0, GPUS[0]), {**device(1, GPUS[1]), "load": 90.0}, device(2, AMD[0]), device(3, AMD[1])]
    amd = [holding("x", AMD[0]), holding("y", AMD[1])]
    assert refused(replace(NOW, count=2), mixed, amd) == (2, {AMD[0], AMD[1]})


def test_a_quota_stops_tasks_only_for_gpus_that_become_free(tmp_path: Path) -> None:
    share, policy = FairShare(Reservations(tmp_path)), GpuPolicy(max_gpus=2)

    def quota(request: GpuRequest, *held: Reservation) -> tuple[int, set[str]]:
        found = share.within_quota(policy, request, gpus("A", "A", "A", "A"), held)
        assert isinstance(found, Refusal)
        assert "running tasks have reserved 2." in str(found)
        return found.missing, set(found.holders) if found.missing else set()

    own = holding("a", GPUS[0]), holding("b", GPUS[1])
    other = holding("c", GPUS[2], uid=OTHER)
    assert quota(NOW, *own, other) == (1, {GPUS[0], GPUS[1]})
    assert quota(replace(NOW, devices=("3",)), *own, other) == (1, {GPUS[0], GPUS[1]})
    assert quota(replace(NOW, devices=("2",)), *own, other) == (0, set())
    assert quota(replace(NOW, devices=("1", "2")), *own, other) == (1, {GPUS[1]})
    assert quota(replace(NOW, count=2, devices=("1", "2")), *own, other) == (0, set())
    assert quota(replace(NOW, count=2), *own, other) == (2, {GPUS[0], GPUS[1]})


def job(name: str) -> Job:
    return Job(Path("/"), "w", name, name, "", {}, "", resume=True)


def active(name: str, *running: Job, waiting: Iterable[Job] = (), **options: Any) -> ActiveBatch:
    opened = ActiveBatch(Batch(name, "w", QueueOptions(**options), {}, "", ()))
    opened.running = {one.task: QueueEntry(one, 0) for one in running}
    opened.waiting.extend(QueueEntry(one, 0) for one in waiting)
    return opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """The tasks that were asked to stop, and whether their files could be written (default: yes)."""
    found: dict[str, bool] = {}

    def ask(job: Job, opened: ActiveBatch) -> bool:
        return found.setdefault(job.task, True)

    monkeypatch.setattr(preemption, "_ask_to_stop", ask)
    return found


def test_a_task_whose_gpus_are_not_known_is_stopped(asked: dict[str, bool]) -> None:
    """The reservation names the attempt, whatever the file of an adopted task says."""
    urgent = active("u", waiting=[job("u")], priority=1, jobs=2)
    urgent.refused_for, urgent.missing, urgent.holders = "GPUs", 1, {GPUS[0]: {"a"}}
    room = Preemption({"u": urgent, "low": active("low", job("a"), job("b"))})
    assert room.make_room(urgent, None) == "Stopping w/a to make room."
    assert asked == {"a": True}


@pytest.mark.parametrize("change", ["given up", "ended", ""])
def test_a_task_is_asked_again_only_while_that_would_requeue_it(asked: dict[str, bool], change: str) -> None:
    urgent = active("u", waiting=[job("u"), job("v")], priority=1, jobs=2)
    one, other = active("one", job("a")), active("other", job("b"))
    room = Preemption({"u": urgent, "one": one, "other": other})
    asked["b"] = False  # another process holds its file
    assert room.make_room(urgent, lambda _: True) == "Stopping w/b, w/a to make room."
    assert asked == {"a": True, "b": False}
    asked.clear()
    if change == "given up":
        other.given_up = "Too many tasks failed."
    elif change == "ended":
        other.running.clear()
    room.make_room(urgent, lambda _: True)
    assert asked == ({} if change else {"b": True})
