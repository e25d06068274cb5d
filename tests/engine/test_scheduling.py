"""Order, limits, dependencies, retries, time limits, giving up: what the options of a queueing promise."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.logs.diagnosis import diagnose
from pyruns_jupyter.core.tasks.row import read_row
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.queue.options import After, QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from tests.support import wait_until

from .conftest import MakeProject
from .support import Project

SHELL = "_shell_"


def message(project: Project, name: str) -> str:
    return read_row(project.paths(name).folder)[0].message or ""


def started(project: Project, *names: str) -> list[str]:
    """The names in the order in which their first runs were started."""
    return sorted(names, key=lambda name: project.info(name)["pyruns_jupyter"]["times"]["1"][0])


def why(project: Project) -> list[str]:
    return [batch.why for batch in read_queue(project.root).batches]


def test_higher_priorities_start_first(shell: Project) -> None:
    shell.settings("max_jobs: 1\n")
    names = [shell.task(name, "true") for name in ("low", "usual1", "usual2", "high")]
    shell.task("blocker", "while [ ! -e go ]; do sleep 0.1; done")
    shell.submit("blocker")
    shell.wait_for_output("blocker", b"START")
    shell.submit("low", priority=-5)
    shell.submit("usual1", "usual2", jobs=2)
    shell.submit("high", priority=7)
    wait_until(lambda: sum("max_jobs" in text for text in why(shell)) == 3)
    order = [batch.tasks for batch in read_queue(shell.root).batches]
    assert order == [("high",), ("blocker",), ("usual1", "usual2"), ("low",)]
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}
    assert started(shell, *names) == ["high", "usual1", "usual2", "low"]


def test_batches_of_a_group_share_their_limit(shell: Project) -> None:
    shell.settings("max_jobs: 8\n")
    names = [shell.task(f"t{number}", "while [ ! -e go ]; do sleep 0.1; done") for number in range(4)]
    for name in names[:3]:
        submit(shell.workspace, [name], options=QueueOptions(jobs=2), group="g")
    submit(shell.workspace, names[3:], options=QueueOptions(jobs=2), group="another")
    limit = "Concurrency limit reached: 2 of 2 tasks are running (-j 2)."
    wait_until(lambda: why(shell).count(limit) == 1)
    wait_until(lambda: [shell.status(name) for name in names] == ["running", "running", "queued", "running"])
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


def test_the_limit_of_the_project_holds_over_batches_and_may_be_changed(shell: Project) -> None:
    shell.settings("max_jobs: 2\n")
    names = [shell.task(f"t{number}", "while [ ! -e go ]; do sleep 0.1; done") for number in range(6)]
    for name in names:
        shell.submit(name)

    def running() -> int:
        return sum(shell.status(name) == "running" for name in names)

    wait_until(lambda: running() == 2)
    time.sleep(1.5)
    assert running() == 2
    shell.settings("max_jobs: 4\n")
    wait_until(lambda: running() == 4)
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


@pytest.fixture
def one_core() -> Iterator[None]:
    """All processes that the test starts may use one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


HOLD = "while [ ! -e go ]; do sleep 0.1; done"
LIMIT = "Project limit reached: 1 of 1 task is running (max_jobs: auto, 1 CPU core). "


def test_no_more_tasks_run_than_there_are_cores(shell: Project, one_core: None) -> None:
    names = [shell.task(f"t{number}", HOLD) for number in range(4)]
    for name in names:
        shell.submit(name)
    wait_until(lambda: sum(LIMIT in text for text in why(shell)) == 3, message=lambda: str(why(shell)))
    shell.wait_for_output(names[0], b"START")
    assert [shell.status(name) for name in names] == ["running", "queued", "queued", "queued"]
    assert all("Change max_jobs in _pyruns_settings.yaml" in text for text in why(shell)[1:])
    shell.settings("max_jobs: 3\n")  # counts at once
    wait_until(lambda: [shell.status(name) for name in names] == ["running"] * 3 + ["queued"])
    shell.settings("max_jobs: auto\n")
    shell.kill_scheduler()  # the next one counts what runs already
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    wait_until(lambda: "Project limit reached: 3 of 1 tasks are" in "".join(why(shell)))
    (shell.folder / "go").touch()
    assert set(shell.wait(*names)) == {"completed"}


def test_a_larger_number_of_parallel_tasks_is_obeyed_for_its_batch(shell: Project, one_core: None) -> None:
    names = [shell.task(f"t{number}", HOLD) for number in range(5)]
    other = [shell.task(name, HOLD) for name in ("other1", "other2")]
    shell.submit(*names, jobs=3)
    wait_until(lambda: [shell.status(name) for name in names].count("running") == 3)
    shell.submit(other[0])
    wait_until(lambda: "Project limit reached: 3 of 1 tasks are running" in why(shell)[-1])
    assert why(shell)[0] == "Concurrency limit reached: 3 of 3 tasks are running (-j 3)."
    shell.submit(other[1], jobs=4)
    shell.wait_for_output(other[1], b"START")
    assert shell.status(other[0]) == "queued"
    (shell.folder / "go").touch()
    assert set(shell.wait(*names, *other)) == {"completed"}


def test_a_paused_queue_starts_nothing_whoever_queues(shell: Project) -> None:
    for name in ("a", "b", "c"):
        shell.task(name, "sleep 0.3; echo end")
    shell.submit("a")
    shell.wait_for_output("a", b"START")
    assert launch.pause(shell.root)
    assert not launch.pause(shell.root)
    shell.submit("b")
    assert shell.wait("a") == ["completed"]  # what runs goes on
    shell.kill_scheduler()
    shell.submit("c")
    wait_until(lambda: why(shell) == ["The queue is paused."] * 2)
    assert read_queue(shell.root).paused
    assert [shell.status(name) for name in ("b", "c")] == ["queued", "queued"]
    assert cancel(shell.workspace, "c") == "cancelled"  # nothing else is held up
    assert launch.resume(shell.root)
    assert not launch.resume(shell.root)
    assert shell.wait("b") == ["completed"]
    shell.wait_for_exit()
    assert read_queue(shell.root).batches == ()
    assert not shell.engine.queue.exists()


@pytest.mark.parametrize(("code", "ok", "expected"), [(0, True, "completed"), (1, False, "completed")])
def test_tasks_run_after_others(shell: Project, code: int, ok: bool, expected: str) -> None:
    shell.task("first", f"while [ ! -e go ]; do sleep 0.1; done; exit {code}")
    shell.task("then", "true")
    shell.task("last", "true")
    shell.submit("then", after=(After(SHELL, "first", ok),))  # queued before what it waits for
    wait_until(lambda: why(shell) == ["Waiting for _shell_/first, which is not queued."])
    shell.submit("last", after=(After(SHELL, "then"),))
    shell.submit("first")
    wait_until(lambda: "Waiting for _shell_/first, which is running." in why(shell))
    assert "Waiting for _shell_/then, which is queued." in why(shell)
    shell.kill_scheduler()
    (shell.folder / "go").touch()
    shell.wait("first")
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    assert shell.wait("then", "last") == [expected, "completed"]
    assert started(shell, "then", "last") == ["then", "last"]


def test_what_was_to_run_after_a_failure_is_cancelled_and_says_so(shell: Project) -> None:
    shell.task("first", "exit 3")
    names = [shell.task(f"then{number}", "true") for number in range(3)]
    shell.task("last", "true")
    shell.submit("last", after=(After(SHELL, "then2"),))
    shell.submit(*names, after=(After(SHELL, "first"),))
    shell.submit("first")
    assert shell.wait(*names, "last") == ["cancelled"] * 4
    assert message(shell, "then1") == "Cancelled because it depends on _shell_/first, which failed."
    assert message(shell, "last") == "Cancelled because it depends on _shell_/then2, which was cancelled."
    assert shell.info("then1").get("run_statuses", []) == []
    with pytest.raises(InvalidInput, match=r"_shell_/first failed\. Queue it again before"):
        shell.submit("then1", after=(After(SHELL, "first"),))
    shell.submit("then1", after=(After(SHELL, "first", ok=False),))
    assert shell.wait("then1") == ["completed"]
    assert message(shell, "then1") == ""


def test_what_can_never_start_is_refused(shell: Project) -> None:
    for name in ("a", "b", "c"):
        shell.task(name, "true")
    launch.pause(shell.root)
    shell.submit("a", after=(After(SHELL, "b"),))
    shell.submit("b", after=(After(SHELL, "c"),))
    for names, after, told in (
        (("c",), After(SHELL, "a"), "Circular dependency: "),
        (("c",), After(SHELL, "c"), "depend on itself"),
        (("c",), After(SHELL, "nobody"), "_shell_/nobody does not exist"),
        (("c",), After("nowhere", "a"), "nowhere/a does not exist"),
        (("c",), After("../..", "a"), "tasks of this project"),
    ):
        with pytest.raises(InvalidInput, match=told):
            shell.submit(*names, after=(after,))
        assert shell.status("c") == "pending"
    assert cancel(shell.workspace, "a") == "cancelled"


def test_failed_runs_are_retried_and_every_run_is_kept(shell: Project) -> None:
    shell.task("T", 'echo run $PYRUNS_RUN_INDEX; [ "$PYRUNS_RUN_INDEX" = 3 ]')
    shell.task("never", "exit 4")
    shell.submit("T", "never", jobs=2, retries=2, retry_delay=0.05)
    assert wait_for_rest(shell, "T", "never") == ["completed", "failed"]
    info = shell.info("T")
    assert info["run_statuses"] == ["failed", "failed", "completed"]
    assert [shell.output("T", run).split() for run in (1, 2, 3)] == [
        [b"run", b"%d" % run] for run in (1, 2, 3)
    ]
    assert len(set(info["run_attempt_ids"])) == 3
    assert shell.info("never")["exit_codes"] == [4, 4, 4]
    shell.submit("never")  # without retries: once
    assert wait_for_rest(shell, "never") == ["failed"]
    assert len(shell.info("never")["exit_codes"]) == 4


def wait_for_rest(project: Project, *names: str) -> list[str]:
    """Wait until nothing is queued any more, and return how the tasks ended."""
    wait_until(lambda: not read_queue(project.root).batches, message=project.scheduler_log)
    return [project.status(name) for name in names]


def test_retries_survive_the_scheduler_and_rest_in_between(shell: Project) -> None:
    # The last run waits, so that there is a scheduler to be killed however late that is.
    hold = "while [ ! -e go ]; do sleep 0.1; done"
    shell.task("T", f'date +%s.%N >> times; [ "$PYRUNS_RUN_INDEX" = 3 ] || exit 1; {hold}')
    shell.submit("T", retries=5, retry_delay=1.0)
    for run in (1, 2):
        wait_until(lambda: shell.info("T").get("run_statuses", [])[:run] == ["failed"] * run)  # noqa: B023
        shell.kill_scheduler()
        wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    (shell.folder / "go").touch()
    assert wait_for_rest(shell, "T") == ["completed"]
    times = [float(line) for line in (shell.folder / "times").read_text().split()]
    assert len(times) == 3
    assert times[1] - times[0] > 0.95
    assert times[2] - times[1] > 1.9  # each rest is twice the one before


def test_a_stopped_run_is_not_retried_and_a_resting_one_can_be_cancelled(shell: Project) -> None:
    shell.task("stopped", "sleep 600")
    shell.task("resting", "exit 1")
    shell.submit("stopped", "resting", jobs=2, retries=3, retry_delay=300)
    shell.wait_for_output("stopped", b"START")
    cancel(shell.workspace, "stopped")
    wait_until(lambda: why(shell) == ["Waiting for the retry delay."])
    cancel(shell.workspace, "resting")
    assert wait_for_rest(shell, "stopped", "resting") == ["cancelled", "cancelled"]
    assert len(shell.info("stopped")["run_statuses"]) == len(shell.info("resting")["run_statuses"]) == 1
    shell.wait_for_exit()


def test_what_takes_too_long_is_stopped_and_has_failed(shell: Project) -> None:
    shell.task("T", "trap 'echo asked; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done")
    with shell.scheduler():
        shell.submit("T", time_limit=3600.0)
        shell.wait_for_output("T", b"up")
        shell.pass_time()
        assert shell.wait("T") == ["failed"]
    assert b"asked" in shell.output("T")
    assert message(shell, "T") == "Stopped because it exceeded its time limit of 1 h 00 min."
    assert b"time limit of 1 h 00 min" in shell.log("T")


def test_the_time_between_asking_and_killing_is_that_of_the_queueing(shell: Project) -> None:
    shell.settings("stop_grace_seconds: 100000\n")
    shell.task("T", "trap 'echo asked' TERM\necho up\nwhile :; do sleep 0.05; done")
    with shell.scheduler():
        shell.submit("T", grace=3600.0)
        shell.wait_for_output("T", b"up")
        cancel(shell.workspace, "T")
        shell.wait_for_output("T", b"asked")
        shell.pass_time()
        assert shell.wait("T") == ["cancelled"]
    assert shell.info("T")["exit_codes"] == [-9]


def test_one_bad_node_does_not_burn_the_sweep(make_project: MakeProject) -> None:
    project = make_project(
        "import pyruns_jupyter as p\n"
        "c = p.load()\n"
        "if c.bad:\n    raise ValueError(f'lost {c.seed} at {id(c):x}')\n"
    )
    names = [project.task(f"t{number:02}", f"bad: {number != 2}\nseed: {number}\n") for number in range(14)]
    project.submit(*names, jobs=1, stop_after=4)
    states = project.wait(*names)
    assert states[:7] == ["failed", "failed", "completed", "failed", "failed", "failed", "failed"]
    assert set(states[7:]) == {"cancelled"}
    assert message(project, "t06").startswith("ValueError: lost 6 at ")
    assert "4 runs in a row failed with ValueError: lost 6" in message(project, "t13")

    # Mended, what failed and what was cancelled is queued again; the history stays.
    rest = [name for name, state in zip(names, states, strict=True) if state != "completed"]
    for name in rest:
        (project.paths(name).folder / "config.yaml").write_text("bad: false\nseed: 1\n")
    project.submit(*rest, jobs=4)
    assert set(project.wait(*rest)) == {"completed"}
    assert project.info("t06")["run_statuses"] == ["failed", "completed"]
    assert message(project, "t13") == ""


def test_failures_in_a_row_are_counted_over_a_killed_scheduler(shell: Project) -> None:
    shell.settings("stop_after_failures: 3\n")
    body = 'while [ ! -e "go$N" ]; do sleep 0.1; done; echo lost 17 >&2; exit 5'
    names = [shell.task(f"t{number}", f"N={number}; {body}") for number in range(6)]
    shell.submit(*names)
    for number in (0, 1):
        (shell.folder / f"go{number}").touch()
        shell.wait(f"t{number}")
    shell.wait_for_output("t2", b"START")
    shell.kill_scheduler()
    (shell.folder / "go2").touch()
    shell.wait("t2")
    wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    assert shell.wait(*names) == ["failed"] * 3 + ["cancelled"] * 3
    assert "3 runs in a row failed in the same way" in message(shell, "t5")


@pytest.mark.parametrize("resume", [True, False])
def test_what_a_restart_ended_goes_on_when_that_is_wanted(shell: Project, resume: bool) -> None:
    shell.task("T", 'echo up; [ "$PYRUNS_RUN_INDEX" = 2 ] || sleep 600')
    shell.submit("T", resume=resume)
    shell.wait_for_output("T", b"up")
    shell.reboot("T")
    assert wait_for_rest(shell, "T") == ["completed" if resume else "failed"]
    info = shell.info("T")
    assert info["run_statuses"] == (["failed", "completed"] if resume else ["failed"])
    assert "machine was restarted" in info["pyruns_jupyter"]["messages"]["1"]


def test_what_ran_already_can_be_skipped(make_project: MakeProject) -> None:
    project = make_project("import pyruns_jupyter as p\nprint(p.load())\n")
    project.task("a", "lr: 0.1  # a comment\nseed: 1\n")
    project.task("same", "seed: 1\nlr: 0.1\n")
    project.task("other", "seed: 2\nlr: 0.1\n")
    found = project.submit("a", "same", "other", skip_done=True, jobs=3)
    assert (found.queued, found.skipped) == (["a", "same", "other"], {})  # nothing has run yet
    assert set(project.wait("a", "same", "other")) == {"completed"}
    project.task("later", "lr: 0.1\nseed: 2\n")
    project.task("new", "lr: 0.1\nseed: 3\n")
    found = project.submit("a", "later", "new", skip_done=True)
    assert found.queued == ["new"]
    assert found.skipped == {
        "a": "'a' is skipped because it has already completed.",
        "later": "'later' is skipped because 'other' with the same values has already completed.",
    }
    assert project.status("later") == "pending"
    assert project.wait("new") == ["completed"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"jobs": 0}, "jobs"),
        ({"jobs": True}, "jobs"),
        ({"priority": 1.5}, "priority"),
        ({"retries": 101}, "retries"),
        ({"retry_delay": -1}, "retry_delay"),
        ({"time_limit": 0}, "time_limit"),
        ({"time_limit": float("nan")}, "time_limit"),
        ({"grace": "10"}, "grace"),
        ({"stop_after": -1}, "stop_after"),
        ({"resume": 1}, "resume"),
    ],
)
def test_options_that_cannot_be_used(shell: Project, options: dict[str, Any], field: str) -> None:
    shell.task("T", "true")
    with pytest.raises(InvalidInput) as caught:
        shell.submit("T", **options)
    assert caught.value.field == field
    assert shell.status("T") == "pending"


def test_options_are_stored_and_read_again() -> None:
    options = QueueOptions(
        jobs=3, priority=-2, after=(After("train", "a", ok=False),), time_limit=1.5, resume=False
    )
    assert QueueOptions.from_dict(options.to_dict()) == options
    assert QueueOptions.from_dict({}) == QueueOptions()
    assert QueueOptions.from_dict({"jobs": 2, "of_a_later_version": 1}).jobs == 2


TRACEBACK = """\
Traceback (most recent call last):
  File "/x/train.py", line 3, in <module>
    main()
  File "/x/train.py", line 2, in main
    raise RuntimeError("loss is {0} at {0}")
RuntimeError: loss is {0} at {0}
"""


def test_what_a_run_died_of(tmp_path: Path) -> None:
    def of(text: str, code: int = 1) -> tuple[str, str]:
        path = tmp_path / "log"
        path.write_bytes(text.encode())
        found = diagnose(path, code)
        return found.headline, found.mark

    headline, mark = of(f"epoch 1\r\nepoch 2\r\n{TRACEBACK.format(17)}[PYRUNS] the end\n")
    assert headline == "RuntimeError: loss is 17 at 17"
    assert of(TRACEBACK.format(23))[1] == mark
    assert of(TRACEBACK.format(23).replace("\n", "\r\n"))[1] == mark
    assert of(TRACEBACK.format(23).replace("line 3", "line 4"))[1] != mark
    ranks = "".join(f"[rank0]: {line}\n" for line in TRACEBACK.format(5).splitlines())
    assert of(f"{ranks}torchrun has failed\n") == ("RuntimeError: loss is 5 at 5", mark)
    # A launcher marks empty lines, too.
    marked = ranks.replace("[rank0]:   ", "[rank0]: \n[rank0]:   ")
    assert of(marked) == ("RuntimeError: loss is 5 at 5", mark)
    assert of(f"\x1b[31m{TRACEBACK.format(1)}\x1b[0m")[1] == mark
    assert of("disk 3 is full") == ("", of("disk 4 is full")[1])
    assert of("disk 3 is full", 2)[1] != of("disk 4 is full", 1)[1]
    assert of("Traceback (most recent call last):\n")[0] == ""
    assert of("")[0] == ""
    assert of("x" * 200_000)[0] == ""
    assert diagnose(tmp_path / "none", None).headline == ""
