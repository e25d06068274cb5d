"""Batches that stop running tasks of a lower priority, and what becomes of these."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Refusal, Reservation
from pyruns_jupyter.engine.queue.options import After, QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from tests.support import wait_until

from .support import Project
from .test_visibility import NVIDIA, device

MIB = 1 << 20
HOLD = "echo up; while [ ! -e go ]; do sleep 0.1; done"


def run_low(project: Project, *names: str, **options: Any) -> None:
    for name in names:
        project.task(name, HOLD)
    project.submit(*names, **{"resume": True, "jobs": len(names), **options})
    for name in names:
        project.wait_for_output(name, b"up")


def why(project: Project) -> str:
    return " ".join(batch.why for batch in read_queue(project.root).batches)


def messages(project: Project, name: str) -> dict[str, str]:
    found: dict[str, str] = project.info(name)["pyruns_jupyter"].get("messages", {})
    return found


def test_an_urgent_task_takes_the_place_of_one_that_is_requeued(shell: Project) -> None:
    shell.settings("max_jobs: 1\n")
    run_low(shell, "low", stop_after=1)
    shell.task("urgent", HOLD)
    shell.submit("urgent", priority=1, preempt=True)
    shell.wait_for_output("urgent", b"up")
    assert shell.status("low") == "queued"
    assert messages(shell, "low") == {
        "1": "Stopped to make room for _shell_/urgent, which has a higher priority. "
        "The task was requeued (requeue 1 of at most 20)."
    }
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "low") == ["completed", "completed"]
    assert shell.info("low")["run_statuses"] == ["failed", "completed"]
    assert "preempted" not in shell.info("low")["pyruns_jupyter"]


def test_only_as_many_as_needed_and_the_last_ones_first(shell: Project) -> None:
    shell.settings("max_jobs: 3\n")
    run_low(shell, "a", priority=-1)
    run_low(shell, "b", "c")
    shell.task("x", HOLD)
    shell.task("y", HOLD)
    shell.submit("x", "y", priority=5, preempt=True, jobs=2)
    shell.wait_for_output("x", b"up")
    shell.wait_for_output("y", b"up")
    assert [shell.status(name) for name in "abc"] == ["queued", "running", "queued"]
    (shell.folder / "go").touch()
    assert shell.wait(*"abcxy") == ["completed"] * 5
    assert len(shell.info("b")["run_statuses"]) == 1


def test_a_task_whose_file_is_in_use_is_asked_again(shell: Project) -> None:
    shell.settings("max_jobs: 2\n")
    run_low(shell, "a", "b")
    for name in "xy":
        shell.task(name, HOLD)
    with edit_task(shell.paths("b").folder):
        shell.submit("x", "y", priority=1, preempt=True, jobs=2)
        shell.wait_for_output("x", b"up")
    shell.wait_for_output("y", b"up")
    (shell.folder / "go").touch()
    assert shell.wait(*"abxy") == ["completed"] * 4


def test_batches_of_a_group_make_room_together(shell: Project) -> None:
    shell.settings("max_jobs: 3\n")
    run_low(shell, "a", "b", "c")
    for name in "xyz":
        shell.task(name, HOLD)
        options = QueueOptions(jobs=1, preempt=True, priority=1)
        submit(shell.workspace, [name], options=options, group="g")
    shell.wait_for_output("x", b"up")
    wait_until(lambda: "-j 1" in why(shell))
    assert sorted(shell.status(name) for name in "abc") == ["queued", "running", "running"]
    (shell.folder / "go").touch()
    assert shell.wait(*"abcxyz") == ["completed"] * 6
    assert sum(len(shell.info(name)["run_statuses"]) for name in "abc") == 4


@pytest.mark.parametrize(
    ("low", "urgent"),
    [
        ({"resume": False}, {"preempt": True}),
        ({"priority": 1}, {"preempt": True}),
        ({}, {}),
        ({"resume": True, "max_requeues": 1}, {"preempt": True, "jobs": 1}),
    ],
)
def test_others_are_not_stopped(shell: Project, low: dict[str, Any], urgent: dict[str, Any]) -> None:
    shell.settings("max_jobs: 1\n")
    if "max_requeues" in low:
        shell.task("low", f'[ "$PYRUNS_RUN_INDEX" = 1 ] && exit 75\n{HOLD}')
        shell.submit("low", **low)
        shell.wait_for_output("low", b"up", run=2)
    else:
        run_low(shell, "low", **low)
    shell.task("urgent", "true")
    shell.submit("urgent", priority=1, **urgent)
    wait_until(lambda: "Project limit reached" in why(shell))
    assert "Stopping" not in why(shell)
    assert shell.status("low") == "running"
    (shell.folder / "go").touch()
    assert shell.wait("low", "urgent") == ["completed", "completed"]
    assert "Stopped to make room" not in str(messages(shell, "low"))


def test_the_limit_of_the_batch_itself_is_no_reason(shell: Project) -> None:
    run_low(shell, "low")
    shell.task("a", HOLD)
    shell.task("b", HOLD)
    shell.submit("a", "b", priority=1, preempt=True, jobs=1)
    shell.wait_for_output("a", b"up")
    wait_until(lambda: "Concurrency limit reached: 1 of 1" in why(shell))
    assert shell.status("low") == "running"
    (shell.folder / "go").touch()
    assert shell.wait("low", "a", "b") == ["completed"] * 3


def test_a_cancelled_task_is_not_requeued(shell: Project) -> None:
    shell.settings("max_jobs: 1\n")
    shell.task("low", "trap 'echo asked' TERM; echo up; while [ ! -e go ]; do sleep 0.1; done")
    shell.submit("low", resume=True, grace=600.0)
    shell.wait_for_output("low", b"up")
    shell.task("urgent", "true")
    shell.submit("urgent", priority=1, preempt=True)
    wait_until(lambda: "Stopping _shell_/low to make room. Project limit reached" in why(shell))
    shell.wait_for_output("low", b"asked")  # one that ends before it is asked to has completed
    cancel(shell.workspace, "low")
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "low") == ["completed", "cancelled"]


def test_memory(shell: Project) -> None:
    from pyruns_jupyter.engine.memory.reservations import usable_memory

    half = usable_memory() // 2
    run_low(shell, "small", memory=8 * MIB)
    run_low(shell, "large", memory=half)
    shell.task("urgent", HOLD)
    shell.submit("urgent", memory=half, priority=1, preempt=True)
    shell.wait_for_output("urgent", b"up")
    assert [shell.status("small"), shell.status("large")] == ["running", "queued"]
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "small", "large") == ["completed"] * 3


def test_a_batch_that_cannot_start_anyway_stops_none(shell: Project) -> None:
    shell.settings("max_jobs: 1\n")
    shell.task("retried", "exit 1")
    shell.submit("retried", priority=2, preempt=True, retries=1, retry_delay=600.0)
    wait_until(lambda: shell.info("retried").get("run_statuses") == ["failed"])
    run_low(shell, "low")
    shell.task("after", "true")
    shell.submit("after", priority=1, preempt=True, after=(After("_shell_", "low"),))
    wait_until(lambda: "Waiting for _shell_/low, which is running." in why(shell))
    assert shell.status("low") == "running"
    (shell.folder / "go").touch()
    assert shell.wait("low", "after") == ["completed", "completed"]
    assert len(shell.info("low")["run_statuses"]) == 1
    cancel(shell.workspace, "retried")


def test_tasks_of_a_batch_that_is_given_up_are_not_stopped(shell: Project) -> None:
    """They would be cancelled instead of requeued."""
    shell.settings("max_jobs: 3\n")
    run_low(shell, "low")
    shell.task("held", HOLD)
    shell.task("bad", "exit 1")
    shell.task("rest", "exit 1")
    shell.submit("held", "bad", "rest", resume=True, jobs=2, stop_after=1, priority=-1)
    shell.wait_for_output("held", b"up")
    assert shell.wait("bad", "rest") == ["failed", "cancelled"]
    run_low(shell, "other", resume=False)
    shell.task("urgent", HOLD)
    shell.submit("urgent", priority=1, preempt=True)
    shell.wait_for_output("urgent", b"up")
    assert [shell.status("low"), shell.status("held")] == ["queued", "running"]
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "low", "held", "other") == ["completed"] * 4


def test_free_memory_counts(shell: Project) -> None:
    from pyruns_jupyter.engine.memory.reservations import usable_memory

    part = usable_memory() // 8
    run_low(shell, "a", "b", memory=2 * part)
    shell.task("urgent", HOLD)
    shell.submit("urgent", memory=5 * part, priority=1, preempt=True)
    shell.wait_for_output("urgent", b"up")
    assert [shell.status("a"), shell.status("b")] == ["running", "queued"]
    (shell.folder / "go").touch()
    assert shell.wait("urgent", "a", "b") == ["completed"] * 3


@pytest.mark.parametrize(
    ("words", "gib", "holders"),
    [
        ((), 8, {NVIDIA[0]: {"a", "b"}, "MIG-0": {"c"}}),
        (("GPU-fa4e0000",), 8, {NVIDIA[0]: {"a", "b"}}),
        (("2",), 8, {"MIG-0": {"c"}}),  # the GPU of the slice
        ((), 40, {NVIDIA[0]: {"a", "b"}}),  # the others are too small
        (("2",), 40, {}),
    ],
)
def test_who_holds_the_gpus_that_are_missing(
    words: tuple[str, ...], gib: int, holders: dict[str, set[str]]
) -> None:
    piece = {"label": "2:0", "within": ["2", "GPU-fa4e0002"], "memory_total": 10 << 30}
    gpus = [device(0, NVIDIA[0]), {**device(1, NVIDIA[1]), "memory_total": 4 << 30}]
    reservations = [
        Reservation("a", "w/a", (NVIDIA[0],), 1 << 30, {}, 1.0),
        Reservation("b", "w/b", (NVIDIA[0],), 1 << 30, {}, 1.0),
        Reservation("c", "w/c", ("MIG-0",), None, {}, 1.0),
    ]
    request = GpuRequest(devices=words, memory=gib << 30)
    found = choose(request, [*gpus, {**device(2, "MIG-0"), **piece}], reservations, {})
    assert isinstance(found, Refusal)
    assert (found.holders, found.missing) == (holders, 1 if holders else 0)


def test_a_request_that_another_program_wrote_controls_no_terminal(shell: Project) -> None:
    run_low(shell, "low", max_requeues=1)
    with edit_task(shell.paths("low").folder) as info:
        attempt = info["_attempt_id"]
        own(info)["preempted"] = {"attempt": attempt, "for": "x\x1b[2J\n" + "y" * 1_000_000}
    wait_until(lambda: "1" in messages(shell, "low"))
    assert "Stopped to make room for x\\x1b[2J\\ny" in messages(shell, "low")["1"]
    assert len(messages(shell, "low")["1"]) < 600
    assert b"\x1b[2J" not in shell.log("low")
    (shell.folder / "go").touch()
    assert shell.wait("low") == ["completed"]
