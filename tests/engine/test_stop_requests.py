"""The other program's `stop` is obeyed within its 15 seconds, however many tasks wait."""

from __future__ import annotations

import time
from typing import cast

import pytest

from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.batches import Batch
from pyruns_jupyter.engine.queue.entries import ActiveBatch, QueueEntry
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.scheduler import cancel_scan
from pyruns_jupyter.engine.scheduler.cancel_scan import SCAN_SECONDS, StopRequests
from pyruns_jupyter.engine.scheduler.executors import Executors

from .support import Project

WAIT_SECONDS = 15  # of that program
WAITING = 20_000


class CountingEntry(QueueEntry):
    """Counts how often one is compared with another one."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountingEntry.compared += 1
        return self is other

    __hash__ = object.__hash__


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless it is set: a busy machine changes nothing."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def waiting(project: Project, names: list[str]) -> ActiveBatch:
    options = QueueOptions()
    tasks = [(name, f"attempt-{name}") for name in names]
    batch = Batch("b", "_shell_", options, {}, "", tuple(tasks))
    opened = ActiveBatch(batch)
    for name, attempt in tasks:
        opened.waiting.append(CountingEntry(Job(project.root, "_shell_", name, attempt, "b", {}, ""), 2**63))
    return opened


def seed(project: Project, name: str) -> None:
    project.task(name, "true")
    with edit_task(project.paths(name).folder, durable=False) as info:
        runs.queue(info, attempt=f"attempt-{name}", batch="b")


def ask_to_stop(project: Project, opened: ActiveBatch, name: str) -> None:
    with edit_task(project.paths(name).folder, durable=False) as info:
        runs.request_cancel(info)
    for entry in opened.waiting:
        if entry.job.task == name:
            entry.seen = 0


def test_the_last_of_many_waiting_tasks_is_stopped_in_time(
    shell: Project, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = waiting(shell, [f"t{number}" for number in range(WAITING)])
    looked: list[str] = []

    def was_touched(entry: QueueEntry) -> bool:
        looked.append(entry.job.task)
        return entry.seen == 0

    monkeypatch.setattr(cancel_scan, "was_touched", was_touched)
    last = f"t{WAITING - 1}"
    seed(shell, last)
    requests = StopRequests({"b": opened}, cast(Executors, None))
    requests.scan()
    ask_to_stop(shell, opened, last)
    for _ in range(int(WAIT_SECONDS / SCAN_SECONDS) - 5):
        clock[0] += SCAN_SECONDS
        requests.scan()
    assert shell.status(last) == "cancelled"
    assert len(opened.waiting) == WAITING - 1
    assert len(looked) < 4 * WAITING


def test_many_stopped_tasks_are_taken_out_at_once(shell: Project, clock: list[float]) -> None:
    count = 200
    names = [f"t{number}" for number in range(count)]
    opened = waiting(shell, names)
    for name in names:
        seed(shell, name)
        ask_to_stop(shell, opened, name)
    CountingEntry.compared = 0
    requests = StopRequests({"b": opened}, cast(Executors, None))
    for _ in range(3):
        requests.scan()
        clock[0] += SCAN_SECONDS
    assert {shell.status(name) for name in names} == {"cancelled"}
    assert not opened.waiting
    assert CountingEntry.compared < count
