"""The task table in a real kernel: what it saves, what it answers, what it pushes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.notebook.comm_server import STATIC, VIEWS
from pyruns_jupyter.notebook.widgets import SAVED
from tests.notebook.kernel import Kernel, Message

MOST_SAVED = 20_000  # bytes of a widget's state, as it is saved in a notebook
WIDGET = "application/vnd.jupyter.widget-view+json"

MAKE = """
from pyruns_jupyter import Workspace
from pyruns_jupyter.notebook.widgets import TaskTable
ws = Workspace.open("train.py")
tasks = ws.create("lr: 0.1 | 0.2 | 0.3", name="sweep")
table = TaskTable(ws)
table
"""


def state_of(message: Message) -> dict[str, Any]:
    state = message["content"]["data"]["state"]
    assert isinstance(state, dict)
    return state


def openings(published: list[Message]) -> list[Message]:
    """Return the messages that opened widgets."""
    return [
        one
        for one in published
        if one["msg_type"] == "comm_open" and state_of(one).get("_model_module") == "anywidget"
    ]


def comms_of(published: list[Message]) -> list[str]:
    """Return the ids of the comms of widgets that were opened."""
    return [opened["content"]["comm_id"] for opened in openings(published)]


def opened_table(kernel: Kernel) -> tuple[str, Message]:
    """Show a table of three tasks; return its comm's id and the message that opened it."""
    [opened] = openings(kernel.execute(MAKE))
    return opened["content"]["comm_id"], opened


@pytest.fixture
def table(kernel: Kernel) -> tuple[str, Message]:
    return opened_table(kernel)


def names_of(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in json.loads(answer["text"])["items"]]


def open_events(kernel: Kernel, comm: str, socket: str) -> dict[str, Any]:
    """Open the event stream of a widget and return its greeting."""
    kernel.comm_send(comm, {"type": "open", "socket": socket, "stream": "events", "arguments": {}})
    kernel.custom(comm, lambda content: content == {"type": "opened", "socket": socket})
    return next_event(kernel, comm, socket, "hello")


def next_event(kernel: Kernel, comm: str, socket: str, kind: str, after: int = 0) -> dict[str, Any]:
    content, _ = kernel.custom(
        comm,
        lambda content: (
            content.get("type") == "text"
            and content["socket"] == socket
            and json.loads(content["text"])["type"] == kind
        ),
        after=after,
    )
    message = json.loads(content["text"])
    assert isinstance(message, dict)
    return message


def test_little_is_saved(table: tuple[str, Message], project: Path) -> None:
    _, opened = table
    state = state_of(opened)
    assert len(json.dumps(state)) < MOST_SAVED
    assert state["_esm"] == (STATIC / "widget-loader.js").read_text(encoding="utf-8")
    folder = project / "_pyruns_" / "train"
    found = folder.stat()
    assert state["workspace"] == "train"
    assert state["folder"] == str(folder)
    assert state["identity"] == f"{found.st_dev}:{found.st_ino}"
    assert state["selected"] == []
    assert "sweep" not in json.dumps(state)


def test_a_table_is_shown_where_no_widget_lives(kernel: Kernel) -> None:
    published = kernel.execute(MAKE)
    shown = [one["content"]["data"] for one in published if one["msg_type"] == "execute_result"]
    assert set(shown[0]) == {WIDGET, SAVED, "text/html", "text/plain"}
    assert "sweep_1_lr=0.1" in shown[0]["text/plain"]
    assert "<table>" in shown[0]["text/html"]
    assert "sweep_3_lr=0.3" in shown[0]["text/html"]


def test_the_views_come_once_asked_for(kernel: Kernel, table: tuple[str, Message]) -> None:
    comm, _ = table
    kernel.comm_send(comm, {"type": "module"})
    content, message = kernel.custom(comm, lambda content: content.get("type") == "module")
    assert content == {"type": "module"}
    assert [bytes(part) for part in message["buffers"]] == [(STATIC / name).read_bytes() for name in VIEWS]


def test_requests_are_answered(kernel: Kernel, table: tuple[str, Message], project: Path) -> None:
    comm, _ = table
    answer = kernel.ask(comm, "listTasks", query="lr<0.25", sort="name", order="asc", limit=10)
    assert names_of(answer) == ["sweep_1_lr=0.1", "sweep_2_lr=0.2"]

    folder = str(project / "_pyruns_" / "train")
    workspace = json.loads(kernel.ask(comm, "getWorkspace", ws=folder)["text"])
    assert workspace["id"] == folder
    assert workspace["counts"]["pending"] == 3

    done = kernel.ask(comm, "actOnTasks", ws=folder, body={"action": "delete", "names": ["sweep_1_lr=0.1"]})
    assert json.loads(done["text"]) == {
        "done": ["sweep_1_lr=0.1"],
        "refused": [],
        "made": ["sweep_1_lr=0.1"],
    }
    assert names_of(kernel.ask(comm, "listTasks", sort="name", order="asc")) == [
        "sweep_2_lr=0.2",
        "sweep_3_lr=0.3",
    ]

    detail = json.loads(kernel.ask(comm, "getTask", task="sweep_2_lr=0.2")["text"])
    assert "lr: 0.2" in detail["config"]
    preview = kernel.ask(comm, "previewSweep", body={"text": "lr: 1 | 2", "name": "more"})
    assert json.loads(preview["text"])["count"] == 2


@pytest.mark.parametrize(
    ("operation", "arguments", "status", "words"),
    [
        ("listTasks", {"query": 'a "b'}, 400, "quote"),
        ("listTasks", {"limit": "many"}, 400, "limit"),
        ("listTasks", {"ws": "/elsewhere"}, 404, "/elsewhere"),
        ("getTask", {"task": "../../x"}, 404, "../../x"),
        ("actOnTasks", {"body": {"action": "explode", "names": []}}, 400, "explode"),
        ("openWorkspace", {"path": "other.py"}, 404, "Workspace.open"),
        ("formatDisk", {}, 404, "formatDisk"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    shared_kernel: tuple[Kernel, str], operation: str, arguments: dict[str, Any], status: int, words: str
) -> None:
    kernel, comm = shared_kernel
    error = kernel.ask(comm, operation, **arguments)["error"]
    assert error["status"] == status
    assert words in error["message"]


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One kernel with a table for tests that change nothing."""
    from tests.notebook.conftest import SCRIPT
    from tests.notebook.kernel import running_kernel

    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    with running_kernel(folder) as kernel:
        yield kernel, opened_table(kernel)[0]


def test_a_log_is_bytes(kernel: Kernel, table: tuple[str, Message]) -> None:
    comm, _ = table
    kernel.execute("ws.run('sweep_1_lr=0.1'); ws.wait('sweep_1_lr=0.1', timeout=120)")
    kernel.comm_send(
        comm,
        {
            "type": "request",
            "request": "log",
            "operation": "readLog",
            "arguments": {"task": "sweep_1_lr=0.1"},
        },
    )
    content, message = kernel.custom(comm, lambda content: content.get("request") == "log")
    data = b"".join(bytes(part) for part in message["buffers"])
    assert b"lr is 0.1" in data
    assert json.loads(content["text"]) == {"offset": 0, "size": len(data)}


def test_results_are_a_file_and_the_trash_a_list(kernel: Kernel, table: tuple[str, Message]) -> None:
    comm, _ = table
    for request, operation, arguments in (
        ("export", "exportResults", {"format": "csv", "runs": "latest", "query": "lr<0.15"}),
        ("trash", "listTrash", {}),
        ("wrong", "exportResults", {"format": "xls"}),
    ):
        kernel.comm_send(
            comm,
            {"type": "request", "request": request, "operation": operation, "arguments": arguments},
        )
    content, message = kernel.custom(comm, lambda content: content.get("request") == "export")
    lines = b"".join(bytes(part) for part in message["buffers"]).decode().splitlines()
    assert len(lines) == 2 and "sweep_1_lr=0.1" in lines[1]
    assert json.loads(content["text"]) == {"name": "train.csv", "type": "text/csv; charset=utf-8"}
    content, _ = kernel.custom(comm, lambda content: content.get("request") == "trash")
    assert json.loads(content["text"]) == {"items": []}
    content, _ = kernel.custom(comm, lambda content: content.get("request") == "wrong")
    assert content["error"]["field"] == "format"


def test_a_table_that_is_too_large_for_a_message_is_refused(
    kernel: Kernel, table: tuple[str, Message]
) -> None:
    comm, _ = table
    kernel.execute(
        "from pyruns_jupyter.notebook import comm_server\n"
        "usual, comm_server.MAX_EXPORT = comm_server.MAX_EXPORT, 9"
    )
    refused = kernel.ask(comm, "exportResults", format="csv")
    assert refused["error"]["status"] == 413 and "jupyter pyruns export" in refused["error"]["message"]
    kernel.execute("comm_server.MAX_EXPORT = usual")
    assert "error" not in kernel.ask(comm, "exportResults", format="csv")


def test_queue_groups_runs_and_files(kernel: Kernel, table: tuple[str, Message], project: Path) -> None:
    comm, _ = table

    def ask(operation: str, **arguments: object) -> Any:
        request = f"{operation} {arguments}"
        asked = {"type": "request", "request": request, "operation": operation, "arguments": arguments}
        kernel.comm_send(comm, asked)
        answer, message = kernel.custom(comm, lambda content: content.get("request") == request)
        assert "error" not in answer, answer
        return json.loads(answer["text"]), message["buffers"]

    assert ask("changeQueue", body={"paused": True})[0]["paused"]
    name = ask("listTasks", order="asc", fields=["lr"])[0]["items"][0]
    assert name["values"] == {"lr": 0.1}
    ask("actOnTasks", body={"action": "run", "names": [name["name"]], "run": {"jobs": 1}})
    (batch,) = ask("getQueue")[0]["batches"]
    assert batch["next"] == [name["name"]]
    assert {column["key"] for column in ask("listColumns")[0]["parameters"]} >= {"lr"}
    assert ask("groupTasks", by=["lr"])[0]["total"] == 3
    assert ask("listCurves", name=[name["name"]], key=["loss"], points=9)[0]["items"] == []
    assert not ask("changeQueue", body={"paused": False})[0]["paused"]
    search = {"text": "lr: uniform(0, 1)", "name": "s", "objective": "acc", "n": 1}
    assert [one["kind"] for one in ask("previewSearch", body=search)[0]["dimensions"]] == ["interval"]
    assert ask("beginStudy", body=search)[0]["state"] == "active"
    kernel.execute("ws.studies['s'].wait(timeout=110, progress=False)")
    assert ask("getStudy", study="s")[0]["counts"]["complete"] == 1
    kernel.ask(comm, "changeQueue", body={"paused": True})  # so that it does not end by itself
    resumed = {"action": "resume", "n": 2}
    assert ask("changeStudy", study="s", body=resumed)[0]["state"] == "active"
    assert ask("changeStudy", study="s", body={"action": "stop", "running": True})[0]["state"] == "stopped"
    kernel.ask(comm, "changeQueue", body={"paused": False})
    ask("removeStudy", study="s")
    assert ask("listStudies")[0]["items"] == []
    kernel.execute("ws.wait(tasks[:1], timeout=120)")
    assert ask("getRunInput", task=name["name"], run=1)[0]["config"].count("lr: 0.1") == 1
    folder = project / "_pyruns_" / "train" / "tasks" / name["name"] / "artifacts" / "run1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(b"\x00\x01\x02")
    assert [item["path"] for item in ask("listArtifacts", task=name["name"], run=1)[0]["items"]] == [
        "model.bin"
    ]
    told, buffers = ask("downloadArtifact", task=name["name"], run=1, path="model.bin", most=2)
    assert (told["name"], bytes(buffers[0])) == ("model.bin", b"\x00\x01")


def test_changes_are_pushed_while_a_cell_runs(
    kernel: Kernel, table: tuple[str, Message], project: Path
) -> None:
    comm, _ = table
    hello = open_events(kernel, comm, "s1")
    assert hello["counts"]["pending"] == 3
    seen = len(kernel.messages)
    # The kernel stays busy until the test has heard all that is pushed meanwhile.
    busy = kernel.start("import os, time\nws.run(tasks)\nwhile not os.path.exists('heard'): time.sleep(0.05)")
    changes = next_event(kernel, comm, "s1", "changes", after=seen)
    assert {row["name"] for row in changes["changed"]} <= {
        "sweep_1_lr=0.1",
        "sweep_2_lr=0.2",
        "sweep_3_lr=0.3",
    }
    while changes["counts"]["completed"] < 3:
        position = len(kernel.messages)
        changes = next_event(kernel, comm, "s1", "changes", after=position)

    def ended(message: Message) -> bool:
        return bool(
            message["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
            and message["parent_header"].get("msg_id") == busy
        )

    assert not any(map(ended, kernel.messages))
    (project / "heard").touch()
    kernel.wait_for(ended)


def test_watching_ends_with_the_last_listener(kernel: Kernel, table: tuple[str, Message]) -> None:
    comm, _ = table
    running = "[t.name for t in __import__('threading').enumerate() if t.name == 'pyruns-widgets']"
    assert kernel.evaluate(running) == []
    open_events(kernel, comm, "s1")
    open_events(kernel, comm, "s2")
    assert kernel.evaluate(running) == ["pyruns-widgets"]
    kernel.execute("from pyruns_jupyter.notebook.widget_loop import WidgetLoop")
    watching = "WidgetLoop._running.runtime.watchers.get(ws.folder).watching"
    for socket, goes_on in (("s1", True), ("s2", False)):
        kernel.comm_send(comm, {"type": "close", "socket": socket})
        kernel.custom(comm, {"type": "closed", "socket": socket}.__eq__)
        assert kernel.evaluate(watching) is goes_on
    kernel.execute("table.close()")
    kernel.execute(f"import time\nwhile {running}: time.sleep(0.05)")


def test_the_selection_is_a_trait(kernel: Kernel, table: tuple[str, Message]) -> None:
    comm, _ = table
    kernel.execute("heard = []; table.observe(lambda change: heard.append(change['new']), 'selected')")
    data = {"method": "update", "state": {"selected": ["sweep_2_lr=0.2"]}, "buffer_paths": []}
    message = kernel.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
    kernel.client.shell_channel.send(message)
    assert kernel.evaluate("[table.selected, heard]") == [["sweep_2_lr=0.2"], [["sweep_2_lr=0.2"]]]
