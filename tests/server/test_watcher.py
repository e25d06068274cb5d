"""Watching a workspace: what one look finds, all listeners hear of."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.inotify import FolderWatch
from pyruns_jupyter.core.tasks.index import Changes, TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live import fs_hints
from pyruns_jupyter.live import watcher as watcher_module
from pyruns_jupyter.live.watcher import Watcher
from pyruns_jupyter.server.services import Limits, Services
from pyruns_jupyter.server.webhook import Webhook
from tests.core.making import set_pinned
from tests.server.client import PATIENCE, until


@asynccontextmanager
async def watcher_of(
    workspace: WorkspaceFolder, root: Path, *held: threading.Event
) -> AsyncIterator[Watcher]:
    """A watcher as the server has it; threads that wait for one of `held` continue at its end."""
    limits = Limits(allow_execution=False, tasks_at_once=10, jobs_at_once=10, activity_hours=1)
    services = Services(root, [], limits, None, (), lambda name, facts: None, Webhook(""))
    try:
        yield services.watchers.get(workspace)
    finally:
        for event in held:
            event.set()
        await services.close()


async def test_a_look_that_is_given_up_hides_nothing(train: WorkspaceFolder, jp_root_dir: Path) -> None:
    looked, go_on = threading.Event(), threading.Event()

    def read(index: TaskIndex) -> None:
        looked.set()
        go_on.wait(PATIENCE)

    async with watcher_of(train, jp_root_dir, go_on) as watcher, watcher.listening() as changed:
        await asyncio.sleep(0)
        await watcher.look(lambda index: None)  # after the first look of the watcher itself
        create_tasks(train, "lr: 0.5\n", "new")
        look = asyncio.ensure_future(watcher.look(read, max_age=0.0))
        await asyncio.to_thread(looked.wait, PATIENCE)
        look.cancel()  # as when the client that asked has left
        go_on.set()
        await asyncio.wait_for(changed.wait(), PATIENCE)


@pytest.mark.parametrize("has_hints", [True, False])
async def test_a_workspace_at_rest(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch, has_hints: bool
) -> None:
    """The system tells of a change long before the next look is due; where it does not, looks are many."""
    monkeypatch.setattr(watcher_module, "IDLE_PERIOD_SECONDS", 3600.0)
    if not has_hints:
        monkeypatch.setattr(fs_hints, "FolderWatch", _refuse)
    create_tasks(train, "lr: 0.5\n", "one")
    looks = 0
    look = Watcher.look

    async def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        return await look(*arguments, **options)

    monkeypatch.setattr(Watcher, "look", counted)

    async def goes_on() -> bool:
        before = looks
        await asyncio.sleep(2.5)
        return looks > before

    async def rests() -> bool:
        return not await goes_on()

    async with watcher_of(train, jp_root_dir) as watcher, watcher.listening() as changed:
        await until(lambda: asyncio.sleep(0, looks >= 2), "the first looks")
        await until(rests if has_hints else goes_on, "rest" if has_hints else "further looks")
        changed.clear()
        await asyncio.to_thread(set_pinned, train, "one", True)
        await asyncio.wait_for(changed.wait(), PATIENCE)
        changed.clear()
        await asyncio.to_thread(create_tasks, train, "lr: 1\n", "two")
        await asyncio.wait_for(changed.wait(), PATIENCE)
        changed.clear()
        await asyncio.to_thread(set_pinned, train, "two", True)  # watched by now, too
        await asyncio.wait_for(changed.wait(), PATIENCE)
        # Other programs make the folder first, remove it, and use its name again.
        for number in (1, 2):
            changed.clear()
            folder = train.tasks / "three"
            folder.mkdir()
            await asyncio.sleep(1.0)
            (folder / "task_info.json").write_text(
                f'{{"name": "three", "status": "completed", "n": {number}}}'
            )
            await until(lambda: known(watcher, "three", "completed"), "the new task")
            (folder / "task_info.json").write_text('{"name": "three", "status": "failed"}')
            await until(lambda: known(watcher, "three", "failed"), "the changed task")
            shutil.rmtree(folder)
            await until(lambda: known(watcher, "three", None), "the task is gone")


async def known(watcher: Watcher, name: str, status: str | None) -> bool:
    """Whether the last look found a task with this status."""
    row = watcher._index.rows.get(name)
    return (row.status if row else None) == status


async def test_a_look_after_a_change_sees_it(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also as long as its folder is not watched yet."""
    go_on = threading.Event()
    update = FolderWatch.update

    def late(watch: FolderWatch, *arguments: Any) -> set[str]:
        go_on.wait(PATIENCE)
        return update(watch, *arguments)

    monkeypatch.setattr(FolderWatch, "update", late)

    async def rows() -> Mapping[str, TaskRow]:
        return await watcher.look(lambda index: index.rows, max_age=0.0)

    async with watcher_of(train, jp_root_dir, go_on) as watcher, watcher.listening():
        await rows()
        for name in create_tasks(train, "lr: 0.5 | 0.25 | 0.125\n", "new"):
            assert name in await rows()
            await asyncio.sleep(0.1)  # it is not read again because it has just changed
            await rows()
            for pinned in (True, False):
                await asyncio.to_thread(set_pinned, train, name, pinned)
                assert (await rows())[name].pinned is pinned


async def test_a_look_goes_before_the_watch(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server reads a workspace once before it watches it, and a page does not wait for the watch."""
    refreshes: list[int] = []
    began, go_on, looked, release = (threading.Event() for _ in range(4))
    made: list[FolderWatch] = []
    update, refresh = FolderWatch.update, TaskIndex.refresh

    def late(watch: FolderWatch, *arguments: Any) -> set[str]:
        made.append(watch)
        began.set()
        go_on.wait(PATIENCE)
        return update(watch, *arguments)

    def counted(index: TaskIndex, *arguments: Any) -> Changes:
        refreshes.append(1)
        return refresh(index, *arguments)

    def read(index: TaskIndex) -> None:
        looked.set()
        release.wait(PATIENCE)

    monkeypatch.setattr(FolderWatch, "update", late)
    monkeypatch.setattr(TaskIndex, "refresh", counted)
    names = dict.fromkeys(create_tasks(train, "lr: 0.5 | 0.25\n", "new")).keys()
    async with watcher_of(train, jp_root_dir, go_on, release) as watcher:
        await watcher.look(lambda index: None)
        async with watcher.listening():
            await asyncio.to_thread(began.wait, PATIENCE)
            assert len(refreshes) == 1
            look = asyncio.ensure_future(watcher.look(read))
            await asyncio.to_thread(looked.wait, PATIENCE)
            go_on.set()
            await asyncio.sleep(0.2)
            assert made[0].unwatched(names) == names
            release.set()
            await look
            await until(lambda: asyncio.sleep(0, not made[0].unwatched(names)), "the watch")
            await until(lambda: asyncio.sleep(0, len(refreshes) > 2), "a look after the watch began")


async def test_pages_do_not_wait_for_a_slow_look_of_the_watch(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get what the last one found; what the present one finds is announced when it ends."""
    monkeypatch.setattr(watcher_module, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(fs_hints, "FolderWatch", _refuse)
    began, go_on = threading.Event(), threading.Event()
    refresh = TaskIndex._refresh

    def slow(index: TaskIndex, names: Any) -> Changes:
        if "new" in os.listdir(index.workspace.tasks):
            began.set()
            go_on.wait(PATIENCE)
        return refresh(index, names)

    def page(index: TaskIndex) -> Callable[[], object]:
        names, swept = [*index.rows], index.columns()[0]
        return lambda: [names, swept]

    monkeypatch.setattr(TaskIndex, "_refresh", slow)
    create_tasks(train, "lr: 0.5\n", "old")
    async with watcher_of(train, jp_root_dir, go_on) as watcher, watcher.listening() as changed:
        await until(lambda: asyncio.sleep(0, watcher.known_counts), "the first look")
        await asyncio.sleep(1)
        changed.clear()
        create_tasks(train, "lr: 0.5\n", "new")  # by another program
        await asyncio.to_thread(began.wait, PATIENCE)
        await asyncio.sleep(0.3)
        before = await asyncio.wait_for(watcher.answer("page", page), PATIENCE)
        watcher.touch()
        after = asyncio.ensure_future(watcher.answer("page", page))
        await asyncio.sleep(0.5)
        assert not after.done()  # what this server has changed is on the page
        go_on.set()
        await asyncio.wait_for(changed.wait(), PATIENCE)
        assert [json.loads(before)[0], json.loads(await after)[0]] == [["old"], ["new", "old"]]


async def test_a_slow_look_that_fails_is_not_hidden(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "SLOW_SECONDS", 0.0)  # all are
    create_tasks(train, "lr: 0.5\n", "old")
    async with watcher_of(train, jp_root_dir) as watcher, watcher.listening():
        await until(lambda: asyncio.sleep(0, watcher.known_counts), "the first look")
        monkeypatch.setattr(TaskIndex, "_refresh", _refuse)

        async def fails() -> bool:
            try:
                await watcher.look(lambda index: None)
            except OSError:
                return True
            return False

        await until(fails, "the error")


async def test_a_task_that_is_made_before_the_watch_begins(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No notification reports it, and the first look of the watch may be that of an earlier request."""
    monkeypatch.setattr(watcher_module, "IDLE_PERIOD_SECONDS", 3600.0)
    train.tasks.mkdir(exist_ok=True)
    async with watcher_of(train, jp_root_dir) as watcher:
        await watcher.look(lambda index: None)
        (name,) = create_tasks(train, "lr: 0.5\n", "new")
        async with watcher.listening():
            await until(lambda: known(watcher, name, "pending"), "the new task")


async def test_a_folder_in_place_of_another_is_watched(train: WorkspaceFolder) -> None:
    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    (name,) = create_tasks(train, "lr: 0.5\n", "new")
    rows = {name: 1}
    async with fs_hints.Hints.of(train, run) as hints:
        assert [await hints.cover(rows, 1), await hints.cover(rows, 1)] == [False, True]
        shutil.rmtree(train.tasks / name)
        create_tasks(train, "lr: 0.5\n", "new")
        hints.take(rows, 1)
        assert hints.take(rows, 1) == {name}  # its changes are not reported yet
        assert [await hints.cover(rows, 1), await hints.cover(rows, 1)] == [False, True]


async def test_free_memory_is_given_back_after_tasks_are_watched(
    train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    made: list[int] = []
    monkeypatch.setattr(fs_hints, "release_free_memory", made.append)
    (name,) = create_tasks(train, "lr: 0.5\n", "new")
    async with fs_hints.Hints.of(train, run) as hints:
        await hints.cover({name: 1}, 1)
    assert made == [1]


async def test_the_watch_changes_only_with_the_names_of_the_tasks(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running tasks change every second, and other tasks can be many."""
    updates, covers = list[int](), list[int]()
    update, cover = FolderWatch.update, fs_hints.Hints.cover

    def counted(watch: FolderWatch, *arguments: Any) -> set[str]:
        updates.append(1)
        return update(watch, *arguments)

    async def seen(hints: fs_hints.Hints, *arguments: Any) -> bool:
        is_covered = await cover(hints, *arguments)
        covers.append(is_covered)
        return is_covered

    monkeypatch.setattr(FolderWatch, "update", counted)
    monkeypatch.setattr(fs_hints.Hints, "cover", seen)
    create_tasks(train, "lr: 0.5\n", "one")
    async with watcher_of(train, jp_root_dir) as watcher, watcher.listening() as changed:
        await until(lambda: asyncio.sleep(0, covers[-1:] == [True]), "the watch")
        before = len(updates)
        for is_pinned in (True, False, True):
            changed.clear()
            known_covers = len(covers)
            await asyncio.to_thread(set_pinned, train, "one", is_pinned)
            await asyncio.wait_for(changed.wait(), PATIENCE)
            await until(lambda: asyncio.sleep(0, len(covers) > known_covers), "the look")  # noqa: B023
        assert len(updates) == before
        await asyncio.to_thread(create_tasks, train, "lr: 1\n", "two")
        await until(lambda: asyncio.sleep(0, len(updates) > before), "the watch of the new task")


async def test_remembered_answers_are_bounded_in_size(
    train: WorkspaceFolder, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "MAX_ANSWERS_SIZE", 1000)
    async with watcher_of(train, jp_root_dir) as watcher:
        for number in range(5):
            await watcher.answer(number, lambda index: lambda: "x" * 400)
        await watcher.answer("large", lambda index: lambda: "x" * 2000)
        await watcher.answer("small", lambda index: lambda: "x")
        remembered = [*range(5), "large", "small"]
        monkeypatch.setattr(watcher_module, "MAX_AGE_SECONDS", 3600.0)
        await watcher.look(lambda index: None, max_age=0.0)
        known = [text for question in remembered if (text := watcher.known(question)) is not None]
        assert '"x"' in known
        assert sum(map(len, known)) <= 1000


def _refuse(*arguments: Any) -> None:
    raise OSError(95, "not supported")


@pytest.mark.parametrize("steps", range(6))
async def test_the_end_of_a_watch_is_not_lost_to_a_change_at_the_same_moment(
    train: WorkspaceFolder, steps: int
) -> None:
    """Else the watcher goes on for ever, and who closes it waits for ever."""

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async with fs_hints.Hints.of(train, run) as changes:
        waiting = asyncio.ensure_future(changes.wait(PATIENCE))
        await asyncio.sleep(0.01)
        (train.tasks / "new").mkdir()
        changes._receive()  # as when the system says so
        for _ in range(steps):
            await asyncio.sleep(0)
        was_done = waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled() is not was_done
