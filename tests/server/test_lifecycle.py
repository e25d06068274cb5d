"""Tags, environment, order, copies, the trash and exports over REST."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.server.services import SETTING
from pyruns_jupyter.service import exports
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS

TASKS, TASK, ACTIONS = "/workspaces/{ws}/tasks", "/workspaces/{ws}/tasks/{task}", "/workspaces/{ws}/actions"
TRASH, EXPORT = "/workspaces/{ws}/trash", "/workspaces/{ws}/export"


async def create(api: Api, text: str, name: str) -> list[str]:
    return list((await api.post(TASKS, {"text": text, "name": name}, ws=WS))["names"])


async def names(api: Api, **query: Any) -> list[str]:
    page = await api.get(TASKS, query, ws=WS)
    return [item["name"] for item in page["items"]]


async def act(api: Api, action: str, *chosen: str, **more: Any) -> Any:
    body = {"action": action, **({"names": chosen} if chosen else {}), **more}
    return await api.post(ACTIONS, body, ws=WS)


async def test_tags_and_environment_of_one_task(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "one")
    change = {
        "tags": ["good"],
        "env": {"A": "1", "MY_TOKEN": "hidden"},
        "order": 5,
        "expected": {"tags": [], "env": {"A": None}, "order": None},
    }
    answer = await api("patch", TASK, change, ws=WS, task="one")
    assert answer.status == 200
    assert (answer.body["task"]["tags"], answer.body["task"]["order"]) == (["good"], 5)
    assert answer.body["env"] == [
        {"name": "A", "value": "1", "secret": False},
        {"name": "MY_TOKEN", "value": None, "secret": True},
    ]
    assert "hidden" not in json.dumps(await api.get(TASK, ws=WS, task="one"))
    assert metadata.env_of(read_task(train.tasks / "one")) == {"A": "1", "MY_TOKEN": "hidden"}
    answer = await api("patch", TASK, {"env": {"A": None}}, ws=WS, task="one")
    assert [one["name"] for one in answer.body["env"]] == ["MY_TOKEN"]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"tags": ["a,b"]}, 400, "tags"),
        ({"tags": "a"}, 400, "tags"),
        ({"env": {"A": 1}}, 400, "env"),
        ({"env": {"A B": "1"}}, 400, "env"),
        ({"env": []}, 400, "env"),
        ({"order": "first"}, 400, "order"),
        ({"order": True}, 400, "order"),
        ({"expected": {"name": 5}}, 400, "expected.name"),
        ({"expected": {"name": "other"}}, 409, None),
        ({"expected": {"tags": ["x"]}}, 409, None),
        ({"expected": {"env": {"A": "x"}}}, 409, None),
    ],
)
async def test_wrong_changes_change_nothing(
    api: Api, train: WorkspaceFolder, change: Any, status: int, field: str | None
) -> None:
    await create(api, "lr: 1\n", "task")
    before = (train.tasks / "task" / "task_info.json").read_bytes()
    answer = await api("patch", TASK, {"notes": "mine", **change}, ws=WS, task="task")
    assert (answer.status, answer.body.get("field")) == (status, field)
    assert (train.tasks / "task" / "task_info.json").read_bytes() == before


async def test_a_running_task_refuses_a_name_and_everything_with_it(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "one")
    recorder = Recorder(train, "one")
    recorder.start()
    change = {"name": "other", "notes": "lost", "tags": ["lost"]}
    assert (await api("patch", TASK, change, ws=WS, task="one")).status == 409
    found = await api.get(TASK, ws=WS, task="one")
    assert (found["notes"], found["task"]["tags"]) == ("", [])
    recorder.finish()


async def test_tags_of_many(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    assert (await act(api, "tag", query="lr>=2", tags=["big", "b"]))["done"] == made[1:]
    assert sorted(await names(api, query="tag:big")) == made[1:]
    assert (await act(api, "untag", made[1], tags=["big"]))["refused"] == []
    assert await names(api, query="tag:big") == made[2:]


async def test_order_by_hand(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    assert (await act(api, "move", made[2], before=made[0]))["done"] == [made[2]]
    assert await names(api, sort="order", order="asc") == [made[2], made[0], made[1]]
    assert (
        await api("post", ACTIONS, {"action": "move", "names": made[:1], "after": "no"}, ws=WS)
    ).status == 404


async def test_copies(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "one")
    assert (await act(api, "duplicate", "one"))["made"] == ["one_2"]
    assert (await act(api, "duplicate", "one", as_name="third", runs=True))["made"] == ["third"]
    result = await act(api, "duplicate", "one", as_name="third")
    assert (result["done"], result["made"]) == ([], [])
    assert "third" in result["refused"][0]["message"]
    assert sorted(await names(api)) == ["one", "one_2", "third"]


async def test_the_trash(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3 | 4\n", "t")
    await act(api, "delete", *made)
    found = await api.get(TRASH, ws=WS)
    assert sorted(item["name"] for item in found["items"]) == made
    assert all(item["trashed_at"] <= time.time() for item in found["items"])
    assert (await act(api, "restore", made[0], as_name="back"))["made"] == ["back"]
    assert await names(api) == ["back"]
    result = await act(api, "purge", made[1], "nothing")
    assert (result["done"], [one["name"] for one in result["refused"]]) == ([made[1]], ["nothing"])
    with edit_task(train.trash / made[2]) as info:
        info["pyruns_jupyter"]["trashed_at"] = time.time() - 1000
    assert (await act(api, "purge", older_than=500))["done"] == [made[2]]
    assert (await act(api, "purge", older_than=0))["done"] == [made[3]]
    assert (await api.get(TRASH, ws=WS))["items"] == []
    assert await names(api) == ["back"]


async def test_a_deletion_tells_the_names_in_the_trash(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "one")
    assert (await act(api, "delete", "one"))["made"] == ["one"]
    await create(api, "lr: 2\n", "one")
    result = await act(api, "delete", "one")
    (trashed,) = result["made"]
    assert result["done"] == ["one"]
    assert trashed != "one"
    assert (await act(api, "restore", trashed))["made"] == ["one"]
    assert await names(api, query="lr:2") == ["one"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "purge"}, "names"),
        ({"action": "purge", "query": "a"}, "query"),
        ({"action": "purge", "older_than": -1}, "older_than"),
        ({"action": "tag", "names": ["a"]}, "tags"),
        ({"action": "tag", "names": ["a"], "tags": [","]}, "tags"),
        ({"action": "move", "names": ["a"]}, "before"),
        ({"action": "move", "names": ["a"], "before": "b", "after": "c"}, "before"),
        ({"action": "move", "names": ["a"], "before": 5}, "before"),
        ({"action": "duplicate", "names": ["a", "b"], "as_name": "c"}, "as_name"),
        ({"action": "duplicate", "names": ["a"], "runs": "yes"}, "runs"),
        ({"action": "restore", "names": ["a"], "as_name": 5}, "as_name"),
    ],
)
async def test_wrong_actions(api: Api, train: WorkspaceFolder, body: Any, field: str) -> None:
    answer = await api("post", ACTIONS, body, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, field)


async def test_results_are_downloaded(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2\n", "t")
    for name, acc in zip(made, (0.5, float("nan")), strict=True):
        recorder = Recorder(train, name)
        recorder.start()
        recorder.finish(records={"acc": acc}, tracks={"loss": [3, 2]})
    answer = await api.raw("get", api.path(EXPORT, ws=WS))
    assert answer.code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="train.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [(row["task"], row["lr"], row["acc"], row["loss"]) for row in rows] == [
        (made[0], "1", "0.5", "2"),
        (made[1], "2", "nan", "2"),
    ]
    found = await api.get(EXPORT, {"format": "json", "query": "lr>1", "runs": "latest"}, ws=WS)
    assert [(row["task"], row["acc"]) for row in found] == [(made[1], "NaN")]
    assert await api.get(EXPORT, {"format": "json", "status": "failed"}, ws=WS) == []
    found = await api.get(EXPORT, {"format": "json", "curves": "true", "query": "lr>1"}, ws=WS)
    assert [(row["metric"], row["step"], row["value"]) for row in found] == [("loss", 0, 3), ("loss", 1, 2)]
    for form, begin, name in (
        ("parquet", b"PAR1", "train.parquet"),
        ("tensorboard", b"PK", "train-tensorboard.zip"),
        ("mlflow", b"PK", "train-mlflow.zip"),
    ):
        file = await api("get", EXPORT, query={"format": form}, ws=WS)
        assert file.body.startswith(begin)
        assert file.headers["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"runs": "some"}, "runs"),
        ({"order": "up"}, "order"),
        ({"bom": "maybe"}, "bom"),
        ({"status": "lost"}, "status"),
        ({"query": '"'}, "query"),
        ({"curves": "maybe"}, "curves"),
        ({"format": "excel"}, "format"),
    ],
)
async def test_wrong_exports(api: Api, train: WorkspaceFolder, query: Any, field: str) -> None:
    answer = await api("get", EXPORT, query=query, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, field)


@pytest.mark.parametrize("form", ["csv", "parquet", "tensorboard", "mlflow"])
async def test_an_export_ends_before_the_next_task(api: Api, train: WorkspaceFolder, form: Any) -> None:
    made = await create(api, "lr: 1 | 2\n", "t")
    for curves in (False, True):
        wanted = exports.ExportRequest(format=form, curves=curves)
        file = exports.export(train, wanted, exports.ExportContent(made, {}))
        file.stop.set()
        with pytest.raises(exports.ExportStopped):
            b"".join(file.chunks)


async def test_an_export_without_a_client_ends(
    api: Api, train: WorkspaceFolder, jp_http_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(api, "lr: 1\n", "t")
    threads: list[str] = []
    ended: list[bool] = []

    def endless(_: WorkspaceFolder, names: Sequence[str], *more: object) -> Iterator[bytes]:
        try:
            threads.append(threading.current_thread().name)
            while next(iter(names)):  # raises ExportStopped at the end
                time.sleep(0.01)
            yield b""
        except exports.ExportStopped:
            ended.append(True)
            raise

    monkeypatch.setattr(exports, "export_chunks", endless)
    reader, writer = await asyncio.open_connection("localhost", jp_http_port)
    head = "".join(f"{name}: {value}\r\n" for name, value in api.headers.items())
    path = api.path(EXPORT, {"format": "mlflow"}, ws=WS)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{jp_http_port}\r\n{head}\r\n".encode())
    await writer.drain()

    async def is_started() -> bool:
        return bool(threads)

    async def is_ended() -> bool:
        return bool(ended)

    await until(is_started, "the export")
    writer.close()
    await until(is_ended, "its end")
    assert threads[0].startswith("pyruns-search")  # other requests do not wait for it
    del reader


async def test_an_export_that_fails_halfway_does_not_look_complete(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(api, "lr: 1\n", "t")

    def failing(*_: object) -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(exports, "export_chunks", failing)
    with pytest.raises(HTTPClientError, match="closed"):
        await api.raw("get", api.path(EXPORT, {"format": "csv"}, ws=WS))


async def test_a_server_that_is_stopping_says_so(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jp_serverapp.web_app.settings[SETTING], "is_stopping", True)
    answer = await api("get", EXPORT, ws=WS)
    assert (answer.status, answer.body["message"]) == (503, "The server is stopping.")


async def test_more_names_than_a_workspace_may_have_are_refused(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "one")
    body = {"action": "pin", "names": ["one", *(f"t{number}" for number in range(100_000))]}
    answer = await api("post", ACTIONS, body, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "names")
    assert not read_task(train.tasks / "one")["pinned"]
