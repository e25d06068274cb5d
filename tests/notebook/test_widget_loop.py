"""The kernel's side of widgets without a kernel: what runs on the loop of the widgets, and when that ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.tasks.index import Changes, TaskIndex
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live import background
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.notebook.comm_server import CommServer
from tests.support import wait_until

DEADLINE = 120.0  # seconds; a safety net on a busy machine


class Views:
    """The views of one widget: what they are sent."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.bridge = CommServer(workspace, self._take)
        self._arrived = threading.Condition()
        self._messages: list[dict[str, Any]] = []

    def _take(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        with self._arrived:
            self._messages.append(content)
            self._arrived.notify_all()

    def wait_for(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message that is wanted."""

        def found() -> dict[str, Any] | None:
            return next(filter(is_wanted, self._messages), None)

        with self._arrived:
            message = self._arrived.wait_for(found, DEADLINE)
            assert message is not None, self._messages
            return message

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        request = f"{operation}.{len(self._messages)}"
        self.bridge.receive(
            {"type": "request", "request": request, "operation": operation, "arguments": arguments}
        )
        return self.wait_for(lambda message: message.get("request") == request)

    def open(self, stream: str, socket: str = "s", **arguments: Any) -> None:
        self.bridge.receive({"type": "open", "socket": socket, "stream": stream, "arguments": arguments})

    def frame(self, kind: str, socket: str = "s") -> dict[str, Any]:
        """Return the first message of a kind in a text frame of a stream."""

        def is_wanted(message: dict[str, Any]) -> bool:
            if message["type"] != "text" or message["socket"] != socket:
                return False
            return bool(json.loads(message["text"])["type"] == kind)

        found: dict[str, Any] = json.loads(self.wait_for(is_wanted)["text"])
        return found

    @property
    def count(self) -> int:
        """How many messages have arrived."""
        return len(self._messages)

    def closed(self, socket: str = "s") -> dict[str, Any]:
        return self.wait_for(lambda message: message["type"] == "closed" and message["socket"] == socket)


def our_threads() -> list[str]:
    """The threads of widgets; an executor of another test may still follow its calls."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("pyruns-") and name != "pyruns-executor"]


@pytest.fixture
def workspace(project: Path) -> WorkspaceFolder:
    return open_workspace(project / "train.py")[0]


@pytest.fixture
def views(workspace: WorkspaceFolder) -> Iterator[Views]:
    """Those of a widget, which is closed after the test, and then nothing of ours runs."""
    shown = Views(workspace)
    yield shown
    shown.bridge.close()
    wait_until(lambda: not our_threads(), message=lambda: str(our_threads()))


def test_the_loop_runs_from_the_first_message_to_the_last_widget(
    views: Views, workspace: WorkspaceFolder
) -> None:
    other = Views(workspace)
    assert not our_threads()
    views.open("events")
    views.frame("hello")
    assert our_threads().count("pyruns-widgets") == 1
    assert "items" in json.loads(other.ask("listTasks")["text"])
    assert our_threads().count("pyruns-widgets") == 1
    views.bridge.close()
    assert "items" in json.loads(other.ask("listTasks")["text"])
    other.bridge.close()
    wait_until(lambda: not our_threads(), message=lambda: str(our_threads()))
    again = Views(workspace)
    again.open("events")
    again.frame("hello")
    again.bridge.close()
    other.bridge.receive({"type": "open", "socket": "late", "stream": "events"})  # a closed one stays closed


def test_a_new_widget_is_sampled_while_the_last_loop_ends(
    views: Views, workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, close = threading.Event(), threading.Event(), LiveRuntime._close_threads

    def slow(runtime: LiveRuntime) -> None:
        began.set()
        go_on.wait(DEADLINE)
        close(runtime)

    monkeypatch.setattr(LiveRuntime, "_close_threads", slow)
    last = Views(workspace)
    last.open("system")
    last.frame("sample")
    last.bridge.close()
    assert began.wait(DEADLINE)
    views.open("system")
    views.frame("sample")
    assert our_threads().count("pyruns-widgets") == 2
    go_on.set()
    wait_until(lambda: our_threads().count("pyruns-widgets") == 1)
    arrived = views.count
    wait_until(lambda: views.count > arrived)


def test_a_change_that_was_requested_happens_although_the_widget_is_closed(
    views: Views, workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what has to read the tasks first."""
    create_tasks(workspace, "lr: 1 | 2", "t")
    began, go_on, refresh = threading.Event(), threading.Event(), TaskIndex.refresh

    def slow(index: TaskIndex, *_: Any) -> Changes:
        began.set()
        go_on.wait(DEADLINE)
        return refresh(index)

    monkeypatch.setattr(TaskIndex, "refresh", slow)
    body = {"action": "delete", "query": "lr:1"}
    views.bridge.receive(
        {"type": "request", "request": "1", "operation": "actOnTasks", "arguments": {"body": body}}
    )
    assert began.wait(DEADLINE)
    views.bridge.close()
    go_on.set()
    wait_until(lambda: not our_threads())
    assert list(workspace.task_names()) == ["t_2_lr=2"]


def test_a_stream_that_is_closed_before_it_began_is_closed(views: Views) -> None:
    for socket in ("a", "b"):
        views.open("events", socket)
        views.bridge.receive({"type": "close", "socket": socket})
        assert views.closed(socket) == {"type": "closed", "socket": socket}


def test_the_machine_is_sampled_while_a_view_looks(views: Views) -> None:
    views.open("system")
    assert views.frame("history")["type"] == "history"
    assert views.frame("sample")["samples"][0]["memory"]["total"] > 0
    views.bridge.receive({"type": "close", "socket": "s"})
    views.closed()
    wait_until(lambda: "pyruns-system" not in our_threads())


@pytest.mark.parametrize("message", [None, [], {}, {"type": "text", "socket": []}, {"type": "open"}])
def test_messages_that_mean_nothing_are_ignored(views: Views, message: object) -> None:
    views.bridge.receive(message)
    assert "text" in views.ask("listTasks")


def test_a_frame_that_a_stream_does_not_know_is_ignored(views: Views, workspace: WorkspaceFolder) -> None:
    views.open("events")
    views.frame("hello")
    views.bridge.receive({"type": "text", "socket": "s", "text": "nonsense"})
    create_tasks(workspace, "lr: 0.5\n", "new")
    assert views.frame("changes")["changed"][0]["name"] == "new"


def test_a_stream_of_an_unknown_kind_is_refused(views: Views) -> None:
    views.open("weather")
    assert views.closed()["error"]["status"] == 404


def test_watching_goes_on_after_an_unexpected_error(
    views: Views,
    workspace: WorkspaceFolder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.01)
    views.open("events")
    views.frame("hello")
    failed = threading.Event()

    def broken(index: TaskIndex, *_: Any) -> None:
        failed.set()
        raise KeyError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(TaskIndex, "refresh", broken)
        assert failed.wait(DEADLINE)
    create_tasks(workspace, "lr: 0.5\n", "new")
    assert views.frame("changes")["changed"][0]["name"] == "new"
    assert "a mistake of ours" in caplog.text and "Traceback" in caplog.text


def test_an_unexpected_error_of_a_stream_is_logged_and_ends_it(
    views: Views, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(index: TaskIndex, *_: Any) -> None:
        raise KeyError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(TaskIndex, "refresh", broken)
        views.open("events")
        error = views.closed()["error"]
    assert (error["status"], "kernel" in error["message"]) == (500, True)
    assert "mistake" not in error["message"] and "a mistake of ours" in caplog.text
