"""Tags, environment, order, and changes that happen as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.common.secret_names import MASK, masked
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.query import select
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.order import in_order, move_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import one_task, script_workspace, snapshot


def test_everything_at_once(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    wanted = metadata.TaskPatch(
        notes="seen",
        pinned=True,
        tags=("good", "two words"),
        env={"A": "1", "B": ""},
        order=2.5,
        expected={"notes": "", "pinned": False, "tags": [], "env": {"A": None}, "order": None},
    )
    assert tasks.change(workspace, "one", wanted, new_name="two", expected_name="one") == "two"
    info = read_task(workspace.paths("two").folder)
    assert (info["name"], info["notes"], info["pinned"]) == ("two", "seen", True)
    assert metadata.tags_of(info) == ("good", "two words")
    assert metadata.env_of(info) == {"A": "1", "B": ""}
    assert metadata.order_of(info) == 2.5
    assert "_namespace_operation" not in info
    tasks.change(workspace, "two", metadata.TaskPatch(env={"A": None, "C": "3"}))
    assert metadata.env_of(read_task(workspace.paths("two").folder)) == {"B": "", "C": "3"}


@pytest.mark.parametrize(
    ("wanted", "new_name", "error"),
    [
        ({"tags": ("a,b",)}, None, InvalidInput),
        ({"tags": ("x" * 51,)}, None, InvalidInput),
        ({"tags": tuple(map(str, range(51)))}, None, InvalidInput),
        ({"tags": (" a",)}, None, InvalidInput),
        ({"tags": ("a\nb",)}, None, InvalidInput),
        ({"env": {"A=B": "1"}}, None, InvalidInput),
        ({"env": {"A B": "1"}}, None, InvalidInput),
        ({"env": {"A": "1\0"}}, None, InvalidInput),
        ({"env": {"PYRUNS_RUN_INDEX": "1"}}, None, InvalidInput),
        ({"env": {"A": "x" * 200_000}}, None, InvalidInput),
        ({"expected": {"lr": 1}}, None, InvalidInput),
        ({"expected": {"env": {"A": "2"}}}, None, Conflict),
        ({"expected": {"tags": ["other"]}}, None, Conflict),
        ({"expected": {"pinned": True}}, None, Conflict),
        ({"expected": {"order": 1.0}}, None, Conflict),
        ({"expected": {"notes": "other"}}, "free", Conflict),
        ({}, "a/b", InvalidInput),
        ({}, "taken", Conflict),
    ],
)
def test_what_is_refused_changes_nothing(
    tmp_path: Path, wanted: dict[str, Any], new_name: str | None, error: type[Exception]
) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    one_task(workspace, "taken")
    tasks.change(workspace, "one", metadata.TaskPatch(env={"A": "1"}))
    before = snapshot(workspace.tasks)
    change = metadata.TaskPatch(**{"notes": "new", **wanted})
    with pytest.raises(error) as caught:
        tasks.change(workspace, "one", change, new_name=new_name)
    assert str(caught.value).endswith(".")
    after = snapshot(workspace.tasks)
    after.pop(".pyruns-create.lock.guard", None)
    before.pop(".pyruns-create.lock.guard", None)
    assert after == before


def test_a_running_task_takes_notes_and_tags_but_no_name(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    with edit_task(folder) as info:
        runs.queue(info, attempt="a", batch="b")
    before = (folder / "task_info.json").read_bytes()
    with pytest.raises(Conflict, match="queued"):
        tasks.change(workspace, "one", metadata.TaskPatch(notes="x", tags=("t",)), new_name="two")
    assert (folder / "task_info.json").read_bytes() == before
    tasks.change(workspace, "one", metadata.TaskPatch(notes="x", tags=("t",)))
    assert metadata.tags_of(read_task(folder)) == ("t",)


def test_a_rename_that_fails_takes_the_change_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    tasks.change(workspace, "one", metadata.TaskPatch(tags=("old",), env={"A": "1"}))
    before = (folder / "task_info.json").read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(1, "not today", "x")

    monkeypatch.setattr("pyruns_jupyter.core.tasks.rename.os.rename", refuse)
    wanted = metadata.TaskPatch(notes="n", tags=("new",), env={"A": None, "B": "2"}, pinned=True, order=1.0)
    with pytest.raises(PermissionError):
        tasks.change(workspace, "one", wanted, new_name="two")
    assert (folder / "task_info.json").read_bytes() == before


def test_tags_are_added_and_taken_away(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    tasks.add_tags(workspace, "one", ["b", "a"])
    tasks.add_tags(workspace, "one", ["a", "c"])
    assert metadata.tags_of(read_task(folder)) == ("b", "a", "c")
    tasks.remove_tags(workspace, "one", ["a", "nothing"])
    assert metadata.tags_of(read_task(folder)) == ("b", "c")
    index = TaskIndex(workspace)
    index.refresh()
    assert index.rows["one"].tags == ("b", "c")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "PGPASS",
            "SMTP_PASS",
            "DB_PASS2",
            "GITHUB_PAT",
            "pat",
            "BEARER",
            "COOKIE",
            "SESSION_COOKIE",
            "X_AUTH",
        ),
        *(
            "OAUTH",
            "SENTRY_DSN",
            "AZURE_STORAGE_CONNECTION_STRING",
            "conn_str",
            "SSH_PRIVATE",
            "DB_PWD",
            "JWT",
        ),
        *("SLACK_WEBHOOK_URL", "DATABASE_URL", "REDIS_URI", "MONGODB_URI", "PASSWD", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_name_that_speaks_of_a_secret(name: str) -> None:
    assert masked({name: "x"}) == {name: MASK}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "PATH",
            "PYTHONPATH",
            "PATIENCE",
            "PWD",
            "OLDPWD",
            "GIT_AUTHOR_NAME",
            "PASSES",
            "PASSIVE",
            "N_PASSED",
        ),
        *("PASS_RATE", "LR", "HOME", "URL", "CONNECTIONS", "TRACE_PATTERN", "COMPATIBLE"),
    ],
)
def test_a_name_that_does_not_speak_of_a_secret(name: str) -> None:
    assert masked({name: "x"}) == {name: "x"}


def test_secrets_are_known_by_their_names() -> None:
    shown = masked({"HF_TOKEN": "x", "my_password": "x", "AWS_SECRET_ACCESS": "x", "API_KEY": "x", "LR": "1"})
    assert shown == {
        **dict.fromkeys(("HF_TOKEN", "my_password", "AWS_SECRET_ACCESS", "API_KEY"), MASK),
        "LR": "1",
    }


def order(workspace: WorkspaceFolder) -> list[str]:
    index = TaskIndex(workspace)
    index.refresh()
    names = [row.name for row in in_order(index.rows.values())]
    assert [
        row.name for row in select(index.rows.values(), sort="order", order="asc", limit=None).items
    ] == names
    return names


def move(workspace: WorkspaceFolder, *names: str, **where: str) -> list[str]:
    index = TaskIndex(workspace)
    index.refresh()
    return move_tasks(workspace, index.rows, names, **where)


def test_tasks_are_put_in_order(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    for number, name in enumerate("abcd"):
        with edit_task(one_task(workspace, name)) as info:
            info["pyruns_jupyter"]["created_at"] = 1000.0 + number
    assert order(workspace) == list("abcd")
    assert move(workspace, "d", before="b") == ["d"]
    assert order(workspace) == list("adbc")
    assert move(workspace, "a", after="c") == ["a"]
    assert order(workspace) == list("dbca")
    assert move(workspace, "a", "c", before="d") == ["a", "c"]
    assert order(workspace) == list("acdb")
    for _ in range(60):  # there is always room
        first, second = order(workspace)[1:3]
        move(workspace, second, before=first)
        assert order(workspace)[1:3] == [second, first]
    with pytest.raises(InvalidInput):
        move(workspace, "a", before="a")
    with pytest.raises(InvalidInput):
        move(workspace, "a", before="b", after="c")
    with pytest.raises(NotFound):
        move(workspace, "a", before="nothing")


def test_tasks_of_one_sweep_are_put_in_order(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    create_tasks(workspace, "lr: 1:21\n", "t")
    expected = order(workspace)
    moved = expected.pop(15)
    expected.insert(3, moved)
    written = move(workspace, moved, before=expected[4])
    assert order(workspace) == expected
    assert len(written) <= 8  # as few as it takes
    moved = expected.pop(2)
    expected.append(moved)
    assert move(workspace, moved, after=expected[-2]) == [moved]
    assert order(workspace) == expected
