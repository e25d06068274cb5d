"""Waiting for tasks and hearing what happens to them, blocking and beside an event loop."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api import task_list as task_list_module
from pyruns_jupyter.api.live import Event, Events, Waiting
from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.taskfile import task_file
from tests.support import wait_until

SCRIPT = """
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int, default=0)
parser.add_argument("--until", default=".")
args = parser.parse_args()
while not os.path.exists(args.until):
    time.sleep(0.05)
sys.exit(args.code)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "train.py").write_text(SCRIPT)
    return Workspace.open(tmp_path / "train.py")


def statuses(events: list[Event], name: str) -> list[str | None]:
    """Return the statuses that a task was said to have, each once."""
    return list(dict.fromkeys(event.status for event in events if event.name == name))


def test_waiting_draws_how_far_it_is(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = workspace.create("code: 0 | 1", name="t")
    ended = workspace.run(tasks).wait(timeout=120, progress=True)
    assert [task.status for task in ended] == ["completed", "failed"]
    shown = ended[1].runs[0]._repr_html_()
    assert "Run 1" in shown and "failed" in shown and "exit code" in shown
    drawn = capsys.readouterr().out
    assert drawn.endswith("2 of 2 tasks, 1 failed\n")
    assert drawn.startswith("\r")
    workspace.wait(tasks, progress=False)
    assert capsys.readouterr().out == ""


def test_who_waits_too_long_is_told(workspace: Workspace) -> None:
    [task] = workspace.run(workspace.create("until: never", name="long"))
    for wait in (task.wait, workspace.tasks().wait, workspace.wait):
        with pytest.raises(TimeoutError, match=r"1 task did not end within 0\.1 s"):
            wait(timeout=0.1)
    task.stop().wait(timeout=120)
    assert task.status == "cancelled"


@pytest.mark.asyncio
async def test_an_event_loop_goes_on_while_somebody_waits(workspace: Workspace) -> None:
    [task] = tasks = workspace.run(workspace.create("until: go", name="t"))
    go = workspace.folder.project / "go"

    async def let_end() -> None:
        await asyncio.to_thread(wait_until, lambda: task.status == "running")
        go.touch()

    ending = asyncio.ensure_future(let_end())
    assert (await workspace.wait_async(tasks, timeout=120))[0].status == "completed"
    assert (await tasks.wait_async(timeout=120)).names == tasks.names
    assert (await task.wait_async(timeout=120)).status == "completed"
    await ending
    go.unlink()
    task.run()
    with pytest.raises(TimeoutError):
        await task.wait_async(timeout=0.0)
    go.touch()
    await workspace.wait_async(timeout=120)


def test_events_tell_what_happens_until_nothing_runs(workspace: Workspace) -> None:
    tasks = workspace.create("code: 0 | 1", name="t")
    events = workspace.events(until_idle=True)
    workspace.run(tasks)
    heard = list(events)
    names = tasks.names
    assert statuses(heard, names[0])[-1] == "completed"
    assert statuses(heard, names[1])[-1] == "failed"
    first = next(event for event in heard if event.name == names[0])
    assert (first.kind, first.before) == ("changed", "pending")
    assert first.row is not None and first.row.name == names[0]


@pytest.mark.asyncio
async def test_events_are_also_for_event_loops(workspace: Workspace) -> None:
    heard: list[Event] = []
    [kept, gone] = workspace.create("code: 0 | 1", name="t")

    async def listen() -> None:
        async for event in workspace.events():
            heard.append(event)
            if event.kind == "removed":
                return

    listening = asyncio.ensure_future(listen())
    await asyncio.sleep(0)  # it knows both tasks now
    kept.run()
    await kept.wait_async(timeout=120)
    gone.delete()
    await asyncio.wait_for(listening, 120)
    assert statuses(heard, kept.name)[-1] == "completed"
    last = heard[-1]
    assert (last.kind, last.name, last.before, last.status, last.row) == (
        "removed",
        gone.name,
        "pending",
        None,
        None,
    )


def test_a_file_that_cannot_be_read_for_a_moment_is_no_change_of_status(workspace: Workspace) -> None:
    damaged, other = workspace.create("code: 0 | 1", name="t")
    workspace.run([damaged]).wait(timeout=120)
    file = damaged.folder / "task_info.json"
    content = file.read_bytes()
    events = iter(Events(workspace.folder, until_idle=False))
    file.write_bytes(b"{")
    other.tags = ("seen",)
    first = next(events)
    file.write_bytes(content)
    second = next(events)
    assert [first.name, second.name] == [other.name, damaged.name]
    assert (second.before, second.status) == ("completed", "completed")


def test_a_file_that_cannot_be_read_for_a_moment_does_not_end_a_wait(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    [task] = workspace.run(workspace.create("until: never", name="t"))
    code = errno.EIO

    def fail(*_: object, **__: object) -> bytes:
        raise OSError(code, "The disk does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(task_file, "read_whole", fail)
        with pytest.raises(TimeoutError):
            task.wait(timeout=0)
        code = errno.EACCES  # which stays
        task.wait(timeout=0)
        assert task.status == "unreadable"
    task.stop().wait(timeout=120)


def test_a_wait_goes_on_without_a_task_that_is_gone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    [long, gone] = workspace.create("until: never | nowhere", name="t")
    workspace.run([long.name, gone.name], jobs=2)
    counts: list[tuple[int, int]] = []

    def told(waiting: Waiting) -> None:
        """Remove a task after the first look, and stop the other one after the second."""
        counts.append((waiting.done, waiting.left))
        if len(counts) == 1:
            gone.stop().wait(timeout=120)
            gone.delete()
        elif len(counts) == 2:
            long.stop()

    monkeypatch.setattr(task_list_module, "progress_of", lambda wanted: told)
    found = workspace.wait([long.name, gone.name])
    assert counts[:2] == [(0, 2), (1, 1)]
    assert found.names == [long.name]
    assert found.notices == [f"These tasks were deleted or renamed meanwhile: {gone.name}."]
    with pytest.raises(NotFound):
        gone.wait()
