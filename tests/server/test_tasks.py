"""Tasks over REST: create, list, look, change, trash."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS

TASKS, TASK, ACTIONS = "/workspaces/{ws}/tasks", "/workspaces/{ws}/tasks/{task}", "/workspaces/{ws}/actions"


async def create(api: Api, text: str, name: str) -> list[str]:
    made = await api.post(TASKS, {"text": text, "name": name}, ws=WS)
    assert not made["queued"]
    return list(made["names"])


async def names(api: Api, **query: Any) -> list[str]:
    page = await api.get(TASKS, query, ws=WS)
    return [item["name"] for item in page["items"]]


async def act(api: Api, action: str, *chosen: str, **more: Any) -> Any:
    body = {"action": action, **({"names": chosen} if chosen else {}), **more}
    return await api.post(ACTIONS, body, ws=WS)


async def test_a_sweep_is_created_and_listed_at_once(api: Api, train: WorkspaceFolder) -> None:
    assert await names(api) == []
    made = await create(api, "lr: 0.01 | 0.1 | 1\n", "ablation")
    page = await api.get(TASKS, {"sort": "name", "order": "asc"}, ws=WS)
    assert [item["name"] for item in page["items"]] == made
    assert [item["swept"] for item in page["items"]] == [{"lr": 0.01}, {"lr": 0.1}, {"lr": 1}]
    assert page["total"] == 3
    assert page["counts"]["pending"] == 3
    assert page["columns"]["swept"] == ["lr"]
    assert (await api.get("/workspaces/{ws}", ws=WS))["counts"]["pending"] == 3


async def test_pages_queries_and_orders(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3 | 4 | 5\n", "t")
    assert await names(api, sort="lr", order="asc", limit=2, offset=1) == made[1:3]
    assert await names(api, sort="lr", order="desc", limit=1) == made[4:]
    assert await names(api, query="lr>3", sort="lr", order="asc") == made[3:]
    assert await names(api, query="lr>3 -t_5") == made[3:4]
    assert await names(api, status="pending,failed", sort="lr", order="asc") == made
    assert await names(api, status="running") == []
    await act(api, "pin", made[2])
    assert (await names(api, sort="lr", order="asc"))[0] == made[2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"order": "up"}, "order"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "9" * 400}, "offset"),
        ({"query": 'a "b'}, "query"),
    ],
)
async def test_a_wrong_query_is_told(api: Api, train: WorkspaceFolder, query: Any, field: str) -> None:
    answer = await api("get", TASKS, query=query, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == field


async def test_a_name_is_used_once(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "same")
    answer = await api("post", TASKS, {"text": "lr: 2\n", "name": "same"}, ws=WS)
    assert answer.status == 409
    assert answer.body["field"] == "name"
    assert train.task_names() == ["same"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "lr: 1"}, "name"),
        ({"name": "a"}, "text"),
        ({"text": "lr: 1", "name": "a", "run": {"jobs": 0}}, "jobs"),
        ({"text": "lr: 1", "name": "a", "run": {"nice": 0}}, "run.nice"),
        ({"text": "lr: 1", "name": "a", "run": 1}, "run"),
        ({"text": "lr: 1", "name": "a" * 300}, "name"),
    ],
)
async def test_wrong_creations(api: Api, train: WorkspaceFolder, body: Any, field: str) -> None:
    answer = await api("post", TASKS, body, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == field
    assert train.task_names() == []


async def test_a_missing_interpreter_is_told_before_anything_is_made(
    api: Api, train: WorkspaceFolder
) -> None:
    (train.root / "_pyruns_settings.yaml").write_text("python_executable: /no/such/python\n")
    answer = await api("post", TASKS, {"text": "lr: 1", "name": "a", "run": {}}, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == "python_executable"
    assert train.task_names() == []
    await create(api, "lr: 1", "a")
    answer = await api("post", ACTIONS, {"action": "run", "names": ["a"]}, ws=WS)
    assert answer.status == 400
    assert "/no/such/python" in (await api.get("/workspaces/{ws}", ws=WS))["problem"]
    assert (await api.get(TASK, ws=WS, task="a"))["task"]["status"] == "pending"


async def test_one_task(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 0.5  # half\n", "one")
    found = await api.get(TASK, ws=WS, task="one")
    assert found["config"] == "lr: 0.5  # half\n"
    assert found["notes"] == ""
    assert found["history"] == []
    recorder = Recorder(train, "one")
    recorder.start().write_bytes(b"12345")
    recorder.finish(records={"acc": 0.9, "bad": float("nan")}, tracks={"loss": [1.0, float("inf")]})
    found = await api.get(TASK, ws=WS, task="one")
    assert found["task"]["status"] == "completed"
    assert found["task"]["figures"] == {"acc": 0.9, "bad": "NaN", "loss": "Infinity"}
    run = found["history"][0]
    assert (run["index"], run["status"], run["exit_code"], run["log_size"]) == (1, "completed", 0, 5)
    assert run["records"]["acc"] == 0.9
    tracks = await api.get("/workspaces/{ws}/tasks/{task}/tracks", ws=WS, task="one")
    assert tracks == {
        "run": 1,
        "tracks": {"loss": [1.0, "Infinity"]},
        "records": {"acc": 0.9, "bad": "NaN"},
        "messages": [],
    }


async def test_a_curve_is_thinned_to_what_a_picture_needs(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1", "one")
    recorder = Recorder(train, "one")
    recorder.start()
    loss = [1.0 / (step + 1) for step in range(20_000)]
    loss[12_345] = 9.0
    recorder.finish(tracks={"loss": loss, "short": [1, 2]})
    address = "/workspaces/{ws}/tasks/{task}/tracks"
    found = await api.get(address, {"points": 100}, ws=WS, task="one")
    places = found["places"]["loss"]
    assert len(places) <= 100
    assert 12_345 in places
    assert found["tracks"]["loss"] == [loss[place] for place in places]
    assert (found["tracks"]["short"], found["places"]["short"]) == ([1, 2], [0, 1])
    for points in ("1", "100001", "many"):
        answer = await api("get", address, query={"points": points}, ws=WS, task="one")
        assert (answer.status, answer.body["field"]) == (400, "points")


async def test_tracks_of_a_living_run(api: Api, train: WorkspaceFolder) -> None:
    address = "/workspaces/{ws}/tasks/{task}/tracks"
    await create(api, "lr: 0.5\n", "one")
    assert (await api.get(address, ws=WS, task="one"))["run"] == 0
    recorder = Recorder(train, "one")
    recorder.start()
    recorder.paths.journal(1).write_text('{"t":1,"track":{"loss":3}}\n{"t":2,"track":{"loss":2}}\n{"t":3,"tr')
    found = await api.get(address, ws=WS, task="one")
    assert found == {"run": 1, "tracks": {"loss": [3, 2]}, "records": {}, "messages": []}
    assert (await api.get(TASK, ws=WS, task="one"))["task"]["figures"] == {"loss": 2}
    for run in ("2", "0", "x"):
        assert (await api("get", address, query={"run": run}, ws=WS, task="one")).status in (400, 404)
    recorder.finish()


async def test_points_that_cannot_be_read_are_told(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 0.5\n", "one")
    recorder = Recorder(train, "one")
    recorder.start()
    recorder.finish(tracks={"loss": [3, 2]})
    with edit_task(recorder.paths.folder) as info:
        info["track_store"] = {"version": 1, "generation": "a", "max_run_index": 1}
    (recorder.paths.folder / "tracks.sqlite3").write_bytes(b"no database")
    found = await api.get("/workspaces/{ws}/tasks/{task}/tracks", ws=WS, task="one")
    assert found["tracks"] == {"loss": [3, 2]}
    (said,) = found["messages"]
    assert "tracks.sqlite3 cannot be read" in said


async def test_changes(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "old")
    change = {"name": "new", "notes": "seen <b>", "pinned": True, "expected": {"notes": "", "name": "old"}}
    answer = await api("patch", TASK, change, ws=WS, task="old")
    assert answer.status == 200
    assert answer.body["task"]["name"] == "new"
    assert answer.body["task"]["pinned"]
    assert answer.body["notes"] == "seen <b>"
    assert (await api("get", TASK, ws=WS, task="old")).status == 404
    assert read_task(train.tasks / "new")["name"] == "new"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"notes": "mine", "expected": {"notes": "older"}}, 409, None),
        ({"notes": "mine", "name": "a/b"}, 400, "name"),
        ({"notes": "mine", "pinned": "yes"}, 400, "pinned"),
        ({"notes": "mine", "expected": {"lr": 1}}, 400, "expected.lr"),
        ({"notes": "mine", "lr": 1}, 400, "lr"),
    ],
)
async def test_changes_that_are_refused_change_nothing(
    api: Api, train: WorkspaceFolder, change: Any, status: int, field: str | None
) -> None:
    await create(api, "lr: 1\n", "task")
    before = (train.tasks / "task" / "task_info.json").read_bytes()
    answer = await api("patch", TASK, change, ws=WS, task="task")
    assert answer.status == status
    assert answer.body.get("field") == field
    assert (train.tasks / "task" / "task_info.json").read_bytes() == before


async def test_a_running_task_keeps_its_name(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2\n", "t")
    recorder = Recorder(train, made[0])
    recorder.start()
    assert (await api("patch", TASK, {"name": "other"}, ws=WS, task=made[0])).status == 409
    assert (await api("patch", TASK, {"name": made[1]}, ws=WS, task=made[0])).status == 409
    assert (await api("delete", TASK, ws=WS, task=made[0])).status == 409
    result = await act(api, "delete", *made)
    assert result["done"] == made[1:]
    assert [one["name"] for one in result["refused"]] == made[:1]
    assert result["refused"][0]["message"].endswith(".")
    recorder.finish()


async def test_trash_and_restore(api: Api, train: WorkspaceFolder) -> None:
    made = await create(api, "lr: 1 | 2 | 3\n", "t")
    assert (await api("delete", TASK, ws=WS, task=made[0])).status == 204
    assert sorted(await names(api)) == made[1:]
    assert (await api("delete", TASK, ws=WS, task=made[0])).status == 404
    assert (await act(api, "delete", query="lr>=2"))["done"] == made[1:]
    assert await names(api) == []
    assert (await act(api, "restore", *made))["done"] == made
    assert sorted(await names(api)) == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"names": ["a"]}, "action"),
        ({"action": "explode", "names": ["a"]}, "action"),
        ({"action": "pin"}, "names"),
        ({"action": "pin", "names": "a"}, "names"),
        ({"action": "pin", "names": [1]}, "names"),
        ({"action": "pin", "names": ["a"], "query": "b"}, "names"),
        ({"action": "restore", "query": "b"}, "query"),
        ({"action": "run", "names": ["a"], "run": {"jobs": 1001}}, "jobs"),
        ({"action": "run", "names": ["a"], "run": {"jobs": True}}, "jobs"),
        ({"action": "pin", "query": '"'}, "query"),
    ],
)
async def test_wrong_actions(api: Api, train: WorkspaceFolder, body: Any, field: str) -> None:
    answer = await api("post", ACTIONS, body, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == field


@pytest.mark.parametrize("action", ["run", "cancel", "delete", "restore", "pin", "unpin"])
async def test_tasks_that_are_not_there_are_refused_one_by_one(
    api: Api, train: WorkspaceFolder, action: str
) -> None:
    result = await act(api, action, "nothing", "../train", "a\0b", "")
    assert result["done"] == []
    assert [one["name"] for one in result["refused"]] == ["nothing", "../train", "a\0b", ""]


async def test_a_damaged_task_is_shown_and_left_alone(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "bad")
    path = train.tasks / "bad" / "task_info.json"
    await create(api, "lr: 1\n", "good")
    path.write_text('{"name": ')
    page = await api.get(TASKS, {"query": "is:damaged"}, ws=WS)
    assert page["items"][0]["message"]
    assert (page["counts"]["pending"], page["counts"]["unreadable"]) == (1, 1)
    for status, name in (("pending", "good"), ("unreadable", "bad")):
        assert await names(api, status=status) == [name]
        assert await names(api, query=f"status:{status}") == [name]
    opened = await api.get("/workspaces/{ws}", ws=WS)
    assert opened["counts"] == page["counts"]
    groups = await api.get("/workspaces/{ws}/groups", {"by": "lr"}, ws=WS)
    assert [group["counts"] for group in groups["items"]] == [{**page["counts"], "unreadable": 0}]
    found = await api.get(TASK, ws=WS, task="bad")
    assert found["config"] == "lr: 1\n"
    assert (await api("patch", TASK, {"pinned": True}, ws=WS, task="bad")).status == 409
    assert path.read_text() == '{"name": '


async def test_hostile_content_stays_data(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1\n", "odd")
    with edit_task(train.tasks / "odd") as info:
        info["notes"] = "<script>\ud800\u2028"
        info["status"] = ["x"]
        info["records"] = {"a": 1}
        info["config_file"] = "../../../train.py"
        info["run_statuses"] = [None, 3]
        info["durations"] = ["x", 1e999]
    found = await api.get(TASK, ws=WS, task="odd")
    assert found["notes"] == "<script>\ud800\u2028"
    assert found["config"] == "lr: 1\n"
    assert (await api.get(TASKS, ws=WS))["total"] == 1


async def test_answers_are_strict_json(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: .nan | .inf | 1\n", "t")
    answer = await api.raw("get", api.path(TASKS, ws=WS))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    rows = json.loads(answer.body, parse_constant=refuse)["items"]
    assert {str(row["swept"]["lr"]) for row in rows} == {"NaN", "Infinity", "1"}


async def test_tasks_that_cannot_be_queued_are_made_all_the_same(api: Api, train: WorkspaceFolder) -> None:
    (train.root / ".engine").write_text("in the way")
    body = {"text": "lr: 0.5\n", "name": "run", "run": {"jobs": 1}}
    made = await api.post(TASKS, body, ws=WS)
    assert (made["names"], made["queued"]) == (["run"], False)
    assert ".engine" in made["message"]


async def test_one_folder_that_refuses_does_not_stop_an_action(api: Api, train: WorkspaceFolder) -> None:
    await create(api, "lr: 1 | 2\n", "run")
    first, second = sorted(await names(api))
    (train.tasks / first / ".task_info.json.lock.guard").mkdir()
    result = await act(api, "pin", first, second)
    assert result["done"] == [second]
    assert [refused["name"] for refused in result["refused"]] == [first]
    assert result["refused"][0]["message"].endswith(".")
