"""Opening and listing workspaces, and what their tasks can be given."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.paths import TASK_INFO
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel, submit
from pyruns_jupyter.live import watcher as watcher_module
from pyruns_jupyter.live.runtime import MAX_PREVIEWS, MAX_WAITING_PREVIEWS
from pyruns_jupyter.server.services import SETTING, Services
from pyruns_jupyter.service import generator
from tests.server.client import PATIENCE, Api, until
from tests.server.conftest import WS


async def test_a_script_is_opened_once(api: Api, jp_root_dir: Path) -> None:
    assert (await api.get("/workspaces"))["items"] == []
    answer = await api("post", "/workspaces", {"path": "train.py"})
    assert answer.status == 201
    assert answer.body == {
        "id": WS,
        "name": "train",
        "kind": "script",
        "path": "",
        "script": "train.py",
        "counts": dict.fromkeys(answer.body["counts"], 0),
        "engine": "local",
        "scheduler_alive": False,
        "problem": None,
    }
    again = await api("post", "/workspaces", {"path": "train.py"})
    assert again.status == 200
    assert again.body == answer.body
    assert await api.get("/workspaces/{ws}", ws=WS) == answer.body
    assert (jp_root_dir / WS / "config_default.yaml").is_file()


async def test_folders_and_scripts_below_are_listed(api: Api) -> None:
    nested = await api.post("/workspaces", {"path": "sub folder/nested.py"})
    assert nested["id"] == "sub folder/_pyruns_/nested"
    assert nested["path"] == "sub folder"
    assert nested["script"] == "sub folder/nested.py"
    shell = await api.post("/workspaces", {"path": "sub folder"})
    assert (shell["id"], shell["kind"], shell["script"]) == ("sub folder/_pyruns_/_shell_", "shell", None)
    root = await api.post("/workspaces", {"path": ""})
    assert root["id"] == "_pyruns_/_shell_"
    found = {item["id"] for item in (await api.get("/workspaces"))["items"]}
    assert found == {nested["id"], shell["id"], root["id"]}
    assert (await api.get("/workspaces/{ws}", ws=nested["id"]))["name"] == "nested"


@pytest.mark.skipif(sys.platform == "win32", reason="links and FIFOs of POSIX")
async def test_one_that_cannot_be_read_is_listed_with_the_reason(
    api: Api, train: WorkspaceFolder, jp_root_dir: Path
) -> None:
    for name in ("loop", "pipe"):
        (jp_root_dir / f"{name}.py").write_text("print(1)\n")
        open_workspace(jp_root_dir / f"{name}.py")
    loop, pipe = train.root / "loop", train.root / "pipe"
    (loop / "tasks").rmdir()
    (loop / "tasks").symlink_to("tasks")
    (pipe / "script_info.json").unlink()
    os.mkfifo(pipe / "script_info.json")
    items = (await api.get("/workspaces"))["items"]
    told = {item["name"]: item["problem"] or "" for item in items}
    assert "is a symbolic link" in told["loop"]
    assert "is a FIFO" in told["pipe"]
    assert "train" in told
    assert "is a FIFO" in (await api.get("/workspaces/{ws}", ws="_pyruns_/pipe"))["problem"]


def _settings(text: str) -> Callable[[WorkspaceFolder], object]:
    return lambda workspace: (workspace.root / "_pyruns_settings.yaml").write_text(text)


def _script_path(path: object) -> Callable[[WorkspaceFolder], object]:
    info = {"workspace_kind": "script", "script_path": path}
    return lambda workspace: (workspace.folder / "script_info.json").write_text(json.dumps(info))


def _format(text: str) -> Callable[[WorkspaceFolder], object]:
    def write(workspace: WorkspaceFolder) -> None:
        (workspace.root / ".engine").mkdir(exist_ok=True)
        (workspace.root / ".engine" / "format").write_text(text)

    return write


ODD: dict[str, Callable[[WorkspaceFolder], object]] = {
    "a time that no float holds": _settings(f"slurm: {{time: {'9' * 400}}}\n"),
    "a number that cannot be written out": _settings(f"slurm: {{cpus: 0x{'f' * 9000}}}\n"),
    "a GPU that cannot be written out": _settings(f"gpu_scheduler_device_ids: [0x{'f' * 9000}]\n"),
    "a script path that is too long": _script_path("x" * 5000),
    "a script path with half a character": _script_path("\ud800.py"),
    "a script path that is a number": _script_path(10**400),
    "digits that are none": _format("²"),
    "digits without end": _format("9" * 5000),
}


@pytest.mark.parametrize("spoil", ODD.values(), ids=ODD)
async def test_one_odd_folder_never_takes_the_list_away(
    api: Api, train: WorkspaceFolder, jp_root_dir: Path, spoil: Callable[[WorkspaceFolder], object]
) -> None:
    other, _ = open_workspace(jp_root_dir / "sub folder" / "nested.py")
    spoil(train)
    items = {item["name"]: item for item in (await api.get("/workspaces"))["items"]}
    assert set(items) == {"train", "nested"}
    assert items["nested"]["problem"] is None
    assert items["train"]["id"] == WS
    assert (await api.get("/workspaces/{ws}", ws=WS))["name"] == "train"
    assert other.root != train.root


@pytest.mark.parametrize("text", [f"slurm: {{time: {'9' * 400}}}\n", f"sweep_limit: 0x{'f' * 9000}\n"])
async def test_settings_that_cannot_be_used_can_be_mended(
    api: Api, train: WorkspaceFolder, text: str
) -> None:
    (train.root / "_pyruns_settings.yaml").write_text(text)
    found = await api.get("/workspaces/{ws}/settings", ws=WS)
    assert found["text"] == text
    assert "must be" in found["problem"]
    change = {"text": "max_jobs: 2\n", "expected": text}
    mended = await api("patch", "/workspaces/{ws}/settings", change, ws=WS)
    assert mended.body == {"text": "max_jobs: 2\n", "problem": None}


async def test_the_plain_path_in_the_address_is_understood_too(api: Api, train: WorkspaceFolder) -> None:
    answer = await api.raw("get", api.path("/workspaces/") + "_pyruns_/train")
    assert answer.code == 200


async def test_a_script_with_a_mistake_is_not_opened(api: Api, jp_root_dir: Path) -> None:
    answer = await api("post", "/workspaces", {"path": "broken.py"})
    assert answer.status == 400
    assert answer.body["code"] == "invalid_input"
    assert answer.body["line"] == 2
    assert not (jp_root_dir / "_pyruns_").exists()


async def test_a_workspace_without_its_script_says_so(
    api: Api, train: WorkspaceFolder, jp_root_dir: Path
) -> None:
    (jp_root_dir / "train.py").unlink()
    workspace = await api.get("/workspaces/{ws}", ws=WS)
    assert workspace["script"] is None
    assert "train.py" in workspace["problem"]
    parameters = await api.get("/workspaces/{ws}/parameters", ws=WS)
    assert parameters["error"]["field"] == "script"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe", "body"),
        (b"[1]", "body"),
        (b"[" * 100_000, "body"),
        ({}, "path"),
        ({"path": 1}, "path"),
        ({"path": "train.py", "more": 1}, "more"),
        ({"path": "train.py\ud800"}, "body"),
    ],
)
async def test_requests_that_are_none(api: Api, body: Any, field: str) -> None:
    answer = await api("post", "/workspaces", body)
    assert answer.status == 400
    assert answer.body["field"] == field


async def test_a_request_that_is_too_large(api: Api) -> None:
    answer = await api("post", "/workspaces", b'{"path": "' + b"x" * (9 << 20) + b'"}')
    assert answer.status == 413


async def test_parameters_of_a_script(api: Api, train: WorkspaceFolder) -> None:
    found = await api.get("/workspaces/{ws}/parameters", ws=WS)
    assert found["kind"] == "argparse"
    assert found["error"] is None
    by_name = {parameter["name"]: parameter for parameter in found["parameters"]}
    assert list(by_name) == ["lr", "opt", "epochs", "sleep"]
    assert by_name["lr"]["type"] == "float"
    assert by_name["lr"]["default"] == 0.1
    assert by_name["lr"]["help"] == "learning rate"
    assert by_name["lr"]["flags"] == ["--lr"]
    assert by_name["opt"]["choices"] == ["sgd", "adam"]


async def test_parameters_of_a_configuration_and_of_a_shell(api: Api, jp_root_dir: Path) -> None:
    open_workspace(jp_root_dir / "sub folder" / "nested.py")
    open_workspace(jp_root_dir)
    found = await api.get("/workspaces/{ws}/parameters", ws="sub folder/_pyruns_/nested")
    assert found["kind"] == "load"
    assert [parameter["name"] for parameter in found["parameters"]] == ["training.lr"]
    found = await api.get("/workspaces/{ws}/parameters", ws="_pyruns_/_shell_")
    assert (found["kind"], found["parameters"]) == ("shell", [])


LOOP = """
import argparse, random
parser = argparse.ArgumentParser()
for name, default in random.sample([("lr", 0.5)], 1):
    parser.add_argument("--" + name, type=float, default=default)
args = parser.parse_args()
"""


async def test_asking_a_script(api: Api, jp_root_dir: Path) -> None:
    (jp_root_dir / "loop.py").write_text(LOOP)
    open_workspace(jp_root_dir / "loop.py")
    ws = "_pyruns_/loop"
    found = await api.get("/workspaces/{ws}/parameters", ws=ws)
    assert found["asked"] is None and "lr" not in [one["name"] for one in found["parameters"]]
    answer = await api("post", "/workspaces/{ws}/ask", {}, ws=ws)
    assert answer.body["problem"] is None and answer.body["parameters"]["asked"]["library"] == "argparse"
    found = await api.get("/workspaces/{ws}/parameters", ws=ws)
    assert found == answer.body["parameters"]
    assert [(one["name"], one["default"]) for one in found["parameters"]] == [("lr", 0.5)]
    assert "lr: 0.5" in (await api.get("/workspaces/{ws}/templates", ws=ws))["text"]

    request = {"text": "lr: 1 | 2", "name": "a", "check": True}
    answer = await api("post", "/workspaces/{ws}/tasks", request, ws=ws)
    assert answer.status == 201
    (jp_root_dir / "loop.py").write_text(LOOP.replace("type=float", "choices=[1], type=float"))
    answer = await api("post", "/workspaces/{ws}/tasks", {**request, "name": "b"}, ws=ws)
    assert answer.status == 400 and answer.body["field"] == "lr" and answer.body["line"] == 1
    assert "task 2 (lr: 2): argument --lr: invalid choice" in answer.body["message"]

    (jp_root_dir / "loop.py").write_text("import not_installed_here")
    answer = await api("post", "/workspaces/{ws}/ask", {"seconds": 30}, ws=ws)
    assert "line 1" in answer.body["problem"] and answer.body["missing"] == "not_installed_here"
    answer = await api("post", "/workspaces/{ws}/ask", {"seconds": 0}, ws=ws)
    assert answer.status == 400


async def test_a_script_that_was_broken_later(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    (jp_root_dir / "train.py").write_text("x = 1\ny = (\n")
    found = await api.get("/workspaces/{ws}/parameters", ws=WS)
    assert found["parameters"] == []
    assert found["error"]["field"] == "script"
    assert found["error"]["line"] == 2
    answer = await api("post", "/workspaces/{ws}/tasks", {"text": "lr: 1", "name": "a"}, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == "script"
    assert train.task_names() == []


async def test_templates(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    default = await api.get("/workspaces/{ws}/templates", ws=WS)
    assert "lr: 0.1" in default["text"]
    made = await api.post("/workspaces/{ws}/tasks", {"text": "lr: 0.7  # mine\n", "name": "first"}, ws=WS)
    assert made["names"] == ["first"]
    mine = await api.get("/workspaces/{ws}/templates", {"task": "first"}, ws=WS)
    assert mine["text"] == "lr: 0.7  # mine\n"
    assert mine["name"] not in ("first", default["name"])
    answer = await api("get", "/workspaces/{ws}/templates", query={"task": "nothing"}, ws=WS)
    assert answer.status == 404
    open_workspace(jp_root_dir)
    shell = await api.get("/workspaces/{ws}/templates", ws="_pyruns_/_shell_")
    assert shell["text"].strip()


async def preview(api: Api, text: str, **more: Any) -> Any:
    return await api.post("/workspaces/{ws}/preview", {"text": text, **more}, ws=WS)


async def test_preview_of_a_sweep(api: Api, train: WorkspaceFolder) -> None:
    found = await preview(api, "lr: 0.01 | 0.1 | 1\nepochs: 1:3\n", name="ablation", offset=1, limit=2)
    assert found["errors"] == []
    assert found["count"] == 6
    assert [(axis["key"], axis["kind"], axis["count"], axis["line"]) for axis in found["axes"]] == [
        ("lr", "product", 3, 1),
        ("epochs", "range", 2, 2),
    ]
    assert found["axes"][0]["values"] == ["0.01", "0.1", "1"]
    assert len(found["rows"]) == 2
    assert found["rows"][0]["values"] == {"lr": 0.01, "epochs": 2}
    assert found["rows"][0]["name"].startswith("ablation_2")
    assert train.task_names() == []


async def test_a_preview_has_commands_if_they_are_requested(api: Api, train: WorkspaceFolder) -> None:
    found = await preview(api, "lr: 0.01 | 0.1 | 1\n", name="a", offset=2, limit=1, commands=True)
    [row] = found["rows"]
    assert row["command"].startswith("python train.py") and "--lr 1" in row["command"]
    assert "command" not in (await preview(api, "lr: 1\n"))["rows"][0]


async def test_preview_of_one_task_and_of_a_shell_script(api: Api, train: WorkspaceFolder) -> None:
    found = await preview(api, "lr: 1\n")
    assert (found["count"], found["axes"], found["rows"][0]["values"]) == (1, [], {})
    shell = open_workspace(train.project)[0]
    found = await api.post("/workspaces/{ws}/preview", {"text": "echo a | b"}, ws=f"_pyruns_/{shell.name}")
    assert (found["count"], found["errors"]) == (1, [])


@pytest.mark.parametrize(
    ("text", "name", "field", "line"),
    [
        ("lr: [1\n", "a", "lr", 1),
        ("epochs: 3\nlr: (1 | 2)\nsleep: (1 | 2 | 3)\n", "a", "sleep", 3),
        ("lr: fast\n", "a", "lr", 1),
        ("epochs: 2\nopt: rmsprop\n", "a", "opt", 2),
        ("lr: 1\n", "a/b", "name", None),
        ("lr: 0:1:0.00001\n", "a", "lr", 1),
    ],
    ids=["yaml", "zip", "type", "choice", "name", "many"],
)
async def test_mistakes_are_told_with_their_place(
    api: Api, train: WorkspaceFolder, text: str, name: str, field: str, line: int | None
) -> None:
    found = await preview(api, text, name=name)
    assert found["count"] == 0
    assert found["errors"][0]["field"] == field
    if line is not None:
        assert found["errors"][0]["line"] == line
    answer = await api("post", "/workspaces/{ws}/tasks", {"text": text, "name": name}, ws=WS)
    assert answer.status == 400
    assert answer.body["field"] == field
    assert answer.body["message"] == found["errors"][0]["message"]
    assert train.task_names() == []


async def test_the_preview_tells_every_mistake_at_once(api: Api, train: WorkspaceFolder) -> None:
    found = await preview(api, "sleep: x | 1\nlr: 1\nepochs: 1 |\nlr: 2\n", name="{epoch}")
    assert [(one["field"], one["line"], one["column"]) for one in found["errors"]] == [
        ("sleep", 1, 8),
        ("epochs", 3, 12),
        ("lr", 4, 1),
        ("name", None, None),
    ]
    assert (found["count"], found["rows"]) == (0, [])


async def test_the_preview_names_by_pattern_and_tells_what_is_folded(
    api: Api, train: WorkspaceFolder
) -> None:
    text = "lr: 0.1 | 0.2 | 0.10\nepochs: 1 | 2\n"
    found = await preview(api, text, name="{lr}-{epochs}")
    assert [row["name"] for row in found["rows"]] == ["0.1-1", "0.1-2", "0.2-1", "0.2-2"]
    assert (found["count"], found["duplicates"]) == (4, 2)
    assert [(one["field"], one["line"]) for one in found["notices"]] == [("lr", 1)]
    assert "lr=0.1 occurs twice" in found["notices"][0]["message"]
    found = await preview(api, text, name="{epochs}")
    assert [row["name"] for row in found["rows"]] == ["1", "2", "1_2", "2_2"]
    assert found["notices"][1]["field"] == "name"
    made = await api.post("/workspaces/{ws}/tasks", {"text": text, "name": "{lr}-{epochs}"}, ws=WS)
    assert made["names"] == ["0.1-1", "0.1-2", "0.2-1", "0.2-2"]


async def test_readers_cannot_keep_others_waiting_with_previews(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "PREVIEW_SECONDS", 0.1)
    preview_of, begun, go_on = generator.preview, list[object](), threading.Event()

    def held(workspace: WorkspaceFolder, wanted: generator.PreviewRequest, max_tasks: int) -> dict[str, Any]:
        begun.append(wanted)
        go_on.wait(PATIENCE)
        return preview_of(workspace, wanted, max_tasks)

    monkeypatch.setattr(generator, "preview", held)
    slow = {"text": "".join(f"k{number}: choice(1:9999, n=1)\n" for number in range(5_000))}
    asked = [asyncio.ensure_future(api.post("/workspaces/{ws}/preview", slow, ws=WS)) for _ in range(6)]
    await until(lambda: asyncio.sleep(0, len(begun) == MAX_PREVIEWS), "previews")
    assert (await api.get("/workspaces"))["items"]
    assert not any(one.done() for one in asked)
    go_on.set()
    told = [answer["errors"][0]["message"] for answer in await asyncio.gather(*asked)]
    assert all("longer than 0.1 s" in one for one in told)


async def test_a_search_over_thousands_of_new_keys_is_answered(api: Api, train: WorkspaceFolder) -> None:
    keys = "".join(f"k{number}: {number}\n" for number in range(20_000))
    body = {"text": keys, "name": "s", "objective": "acc"}
    [error] = (await api.post("/workspaces/{ws}/searches", body, ws=WS))["errors"]
    assert "at most 2,000" in error["message"]


async def test_more_previews_than_may_wait_are_refused(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any
) -> None:
    services: Services = jp_serverapp.web_app.settings[SETTING]
    go_on = threading.Event()
    waiting = [asyncio.ensure_future(services.preview(go_on.wait)) for _ in range(MAX_WAITING_PREVIEWS)]
    await asyncio.sleep(0)
    answer = await api("post", "/workspaces/{ws}/preview", {"text": "lr: 1\n"}, ws=WS)
    assert (answer.status, answer.body["code"]) == (503, "busy")
    assert "Try again" in answer.body["message"]
    go_on.set()
    await asyncio.gather(*waiting)
    assert (await preview(api, "lr: 1\n"))["count"] == 1


_opened: list[list[str]] = []


def _hear_opening(event: str, arguments: tuple[object, ...]) -> None:
    if _opened and event == "open" and str(arguments[0]).endswith(TASK_INFO):
        _opened[0].append(str(arguments[0]))


sys.addaudithook(_hear_opening)  # stays for ever, and does nothing but during the test


async def test_listing_workspaces_reads_no_tasks(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    """What it costs follows from what is shown, not from how many tasks all projects have."""
    other, _ = open_workspace(jp_root_dir / "sub folder" / "nested.py")
    for workspace in (train, other):
        create_tasks(workspace, "lr: 1 | 2 | 3\n", "t")
    await api.get("/workspaces/{ws}/tasks", ws=WS)
    _opened.append([])
    try:
        items = {item["name"]: item for item in (await api.get("/workspaces"))["items"]}
        assert _opened[0] == []
        assert items["train"]["counts"]["pending"] == 3  # somebody looked at it
        assert items["nested"]["counts"] is None
        one = await api.get("/workspaces/{ws}", ws=items["nested"]["id"])
        assert one["counts"]["pending"] == 3
        assert len(_opened[0]) == 3  # the hook hears
    finally:
        _opened.clear()


async def test_running_tasks_are_counted_though_nobody_looked(api: Api, train: WorkspaceFolder) -> None:
    create_tasks(train, "sleep: 60\n", "long")
    assert submit(train, ["long"]).queued == ["long"]

    async def running() -> bool:
        [item] = (await api.get("/workspaces"))["items"]
        return item["counts"] is not None and item["counts"]["running"] == 1

    try:
        await until(running, "the running task")
    finally:
        cancel(train, "long")


async def test_indexes_that_nobody_uses_leave_memory(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = jp_serverapp.web_app.settings[SETTING]
    open_workspace(jp_root_dir / "sub folder" / "nested.py")
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    await api.get("/workspaces/{ws}/tasks", ws="sub folder/_pyruns_/nested")
    assert len(services.watchers.all()) == 2
    services.watchers.drop_idle()
    assert len(services.watchers.all()) == 2  # used a moment ago
    monkeypatch.setattr(watcher_module, "IDLE_SECONDS", 0.0)
    services.watchers.drop_idle()
    assert [one.workspace.folder for one in services.watchers.all()] == [train.folder]  # somebody listens


async def test_the_parameters_say_how_many_gpus_a_task_gets(api: Api, train: WorkspaceFolder) -> None:
    open_workspace(train.project)
    for text, count in (("", 0), ("default_gpus: 2\n", 2), ("gpu_scheduler_enabled: true\n", 1)):
        (train.root / "_pyruns_settings.yaml").write_text(text)
        for ws in (WS, "_pyruns_/_shell_"):
            found = await api.get("/workspaces/{ws}/parameters", ws=ws)
            assert found["default_gpus"] == {"count": count, "framework": ""}
