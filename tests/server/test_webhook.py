"""Telling another service: what it is sent, when it fails, and what never stands in a log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from traitlets import TraitError

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.server import webhook
from pyruns_jupyter.server.app import PyrunsExtension
from pyruns_jupyter.server.webhook import Webhook, sentence
from tests.recorder import Recorder
from tests.server.client import Api, until
from tests.server.conftest import WS
from tests.server.process import ServerProcess


class Receiver:
    """A service that is told, on a port of its own."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.codes: list[int] = []  # of the next answers; 200 when there are none
        receiver = self

        class Handler(RequestHandler):
            def post(self) -> None:
                code = receiver.codes.pop(0) if receiver.codes else 200
                self.set_status(code)
                if code == 200:
                    assert self.request.headers["Content-Type"] == "application/json"
                    receiver.heard.append(json.loads(self.request.body))

        socket, port = bind_unused_port()
        self.server = HTTPServer(Application([("/secret-path", Handler)]))
        self.server.add_socket(socket)
        self.url = f"http://localhost:{port}/secret-path"

    async def told(self, count: int) -> list[dict[str, Any]]:
        async def enough() -> bool:
            return len(self.heard) >= count

        await until(enough, f"{count} messages, not {self.heard}")
        return self.heard


Receivers = Callable[[], Receiver]


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    """Makes them within a running loop."""
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield make
    for receiver in made:
        receiver.server.stop()


async def test_a_service_is_told_once_what_happened(
    api: Api, train: WorkspaceFolder, jp_serverapp: Any, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = receivers()
    services = jp_serverapp.web_app.settings["pyruns_jupyter_services"]
    monkeypatch.setattr(services, "_webhook", Webhook(receiver.url))
    names = create_tasks(train, "lr: 1 | 2\n", "t")
    good, bad = (Recorder(train, name) for name in names)
    stream = await api.stream("/workspaces/{ws}/events", ws=WS)
    await stream.message("EventMessage")
    logs = [one.start() for one in (good, bad)]
    os.utime(logs[0], (time.time() - 3600, time.time() - 3600))
    (train.root / "_pyruns_settings.yaml").write_text("silent_after_minutes: 0.001\n")
    await receiver.told(2)
    assert {one["event"] for one in receiver.heard} == {"task_silent"}
    assert f"Task {names[0]} in train is stalled. It has produced no output or metrics for a while." in {
        one["text"] for one in receiver.heard
    }
    # What else happens to a silent task makes it no news.
    with edit_task(good.paths.folder) as info:
        info["pinned"] = True

    async def pinned() -> bool:
        items = (await api.get("/workspaces/{ws}/tasks", ws=WS))["items"]
        return any(item["pinned"] for item in items)

    await until(pinned, "the pin")
    bad.finish("failed", 3)
    await receiver.told(3)
    assert receiver.heard[2] == {
        "text": f"Task {names[1]} in train failed: Exit code 3.",
        "event": "task_failed",
        "workspace": WS,
        "task": names[1],
        "run": 1,
        "exit_code": 3,
        "message": "Exit code 3",
    }
    good.finish()
    await receiver.told(4)
    assert receiver.heard[3]["text"] == (
        "All tasks in train have ended (1 completed, 1 failed). 1 of 2 failed: 1 Exit code 3."
    )


@pytest.mark.timeout(400)  # two servers start one after the other
async def test_a_restarted_server_that_nobody_asks_tells_of_the_end(
    tmp_path: Path, receivers: Receivers
) -> None:
    receiver = receivers()
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    server = await asyncio.to_thread(ServerProcess, root, home, lab=False)
    try:
        server.request("POST", "/workspaces", {"path": ""})
        script = "while [ ! -e go ]; do sleep 0.1; done; exit 3\n"
        body = {"text": script, "name": "t", "run": {}}
        server.request("POST", "/workspaces/{ws}/tasks", body, ws="_pyruns_/_shell_")
    finally:
        server.kill()
    options = [
        f"--PyrunsExtension.webhook_url={receiver.url}",
        "--PyrunsExtension.activity_seconds=0.2",
        "--ServerApp.authenticate_prometheus=False",
    ]
    server = await asyncio.to_thread(partial(ServerProcess, root, home, *options, lab=False))

    async def watches() -> bool:
        answer = await AsyncHTTPClient().fetch(f"{server.base}metrics")
        return b'\npyruns_tasks{status="running"} 1.0' in answer.body

    try:
        await until(watches, "a look at the running task")
        (root / "go").touch()
        await receiver.told(2)
    finally:
        server.kill()
    events = {one["event"]: one for one in receiver.heard}
    assert events["task_failed"]["exit_code"] == 3
    assert events["batch_finished"]["failed"] == 1


async def test_it_tries_again_but_not_for_ever(
    receivers: Receivers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = receivers()
    monkeypatch.setattr(webhook, "PAUSES", (0.01, 0.01))
    told = Webhook(receiver.url)

    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == webhook.__name__]

    with caplog.at_level(logging.WARNING):
        receiver.codes = [500, 429]
        told.send("batch_finished", {"workspace": WS})
        await receiver.told(1)
        assert not warnings()
        receiver.codes = [404, 200]
        told.send("batch_finished", {"workspace": WS})

        async def given_up() -> bool:
            return bool(warnings())

        await until(given_up, "a warning")
        assert receiver.codes == [200]
        receiver.server.stop()
        gone = Webhook("http://localhost:1/secret-path")
        gone.send("task_failed", {"workspace": WS})
        await until(lambda: asyncio.sleep(0, len(warnings()) == 2), "another warning")
    assert "404" in warnings()[0]
    assert not any("secret-path" in text for text in warnings())
    await told.close()


async def test_a_slow_service_is_not_flooded(
    receivers: Receivers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = receivers()
    monkeypatch.setattr(webhook, "MAX_PENDING", 2)
    told = Webhook(receiver.url)
    for _ in range(5):
        told.send("batch_finished", {"workspace": WS})
    await receiver.told(2)
    await asyncio.sleep(0.05)
    assert len(receiver.heard) == 2
    assert caplog.text.count("too slow") == 3
    nobody = Webhook("")
    nobody.send("batch_finished", {})
    await nobody.close()


@pytest.mark.parametrize("url", ["ftp://host/x", "https://", "no address", "javascript:alert(1)"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(TraitError, match="webhook_url must be an https:// or http:// URL"):
        PyrunsExtension(webhook_url=url)


def test_sentences() -> None:
    assert sentence("batch_finished", {"workspace": "a/_pyruns_/b", "completed": 0}) == (
        "All tasks in a/b have ended (none)."
    )
    study = {"workspace": "b", "study": "s", "state": "failed", "message": "No figure."}
    assert sentence("study_ended", study) == "Study s in b failed: No figure."
    assert sentence("study_ended", {**study, "state": "finished", "message": ""}) == (
        "Study s in b has finished."
    )
    alert = {"workspace": "b", "task": "t", "level": "warning", "title": "loss is nan", "text": ""}
    assert sentence("alert_sent", alert) == "Alert (warning) of task t in b: loss is nan"
    assert sentence("alert_sent", {**alert, "text": "loss = nan."}).endswith("loss is nan: loss = nan.")
    assert sentence("task_failed", {"workspace": "b", "task": "t", "exit_code": 3}) == (
        "Task t in b failed: exit code 3."
    )


async def test_what_a_script_prints_mentions_no_chat_user(receivers: Receivers) -> None:
    receiver = receivers()
    hook = Webhook(receiver.url)
    message = "ValueError: <!channel> <https://evil|click> &lt; @channel @here a@b.c\u202e\x1b[2J\nend"
    hook.send("task_failed", {"workspace": "train", "task": "t<1>", "message": message})
    [told] = await receiver.told(1)
    assert told["text"] == (
        "Task t&lt;1&gt; in train failed: ValueError: &lt;!channel&gt; &lt;https://evil|click&gt; &amp;lt; "
        "@\u200bchannel @\u200bhere a@b.c\\u202e\\x1b[2J\\nend."
    )
    assert told["message"] == message
    alert = {"workspace": "train", "task": "t", "run": 1, "level": "warning", "title": "look"}
    hook.send("alert_sent", {**alert, "text": "<!channel> @here"})
    _, told = await receiver.told(2)
    assert told == {
        **alert,
        "event": "alert_sent",
        "text": "Alert (warning) of task t in train: look: &lt;!channel&gt; @\u200bhere",
    }
    await hook.close()
