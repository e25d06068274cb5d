"""Logs over REST and the log socket: bytes are bytes, and nobody is flooded."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Answer, Api, Stream, until
from tests.server.conftest import WS

WINDOW = 1024 * 1024  # what openapi.yaml promises a client to be the most on its way

# Nothing but the test may act on the tasks.
pytestmark = pytest.mark.parametrize(
    "server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""]
)
LOG, STREAM = "/workspaces/{ws}/tasks/{task}/logs", "/workspaces/{ws}/tasks/{task}/logs/stream"


@pytest.fixture
def task(train: WorkspaceFolder) -> Recorder:
    create_tasks(train, "lr: 1", "one")
    return Recorder(train, "one")


async def read(api: Api, **query: Any) -> Answer:
    return await api("get", LOG, query=query, ws=WS, task="one")


async def follow(api: Api, **query: Any) -> Stream:
    return await api.stream(STREAM, query, ws=WS, task="one")


async def take(stream: Stream, size: int, acknowledge: bool = True, begin: int = 0) -> bytes:
    """Read binary frames until there are `size` bytes; `begin` is the offset of the first."""
    data = b""
    while len(data) < size:
        frame = await stream.frame()
        assert isinstance(frame, bytes), frame
        data += frame
        if acknowledge:
            await stream.send({"ack": begin + len(data)})
    return data


async def end(stream: Stream) -> dict[str, Any]:
    message = await stream.message("LogMessage")
    assert message["type"] == "end"
    assert await stream.frame() is None
    return message


async def test_ranges(api: Api, task: Recorder) -> None:
    assert (await read(api)).status == 404
    content = b"first\r\n\x00\xff\x1b[31m\xe4\xb8\nlast"
    task.start().write_bytes(content)
    answer = await read(api)
    assert answer.body == content
    assert answer.headers["X-Pyruns-Log-Offset"] == "0"
    assert answer.headers["X-Pyruns-Log-Size"] == str(len(content))
    assert (await read(api, offset=3, limit=5)).body == content[3:8]
    beyond = await read(api, offset=1000)
    assert (beyond.body, beyond.headers["X-Pyruns-Log-Size"]) == (b"", str(len(content)))
    tail = await read(api, tail=6)
    assert (tail.body, tail.headers["X-Pyruns-Log-Offset"]) == (b"last", str(len(content) - 4))
    task.finish()


async def test_wrong_ranges(api: Api, task: Recorder) -> None:
    task.start()
    for query in (
        {"offset": "-1"},
        {"limit": "0"},
        {"limit": str(5 << 20)},
        {"tail": "x"},
        {"offset": "1", "tail": "1"},
        {"run": "0"},
    ):
        assert (await read(api, **query)).status == 400, query
    for run in (2, 3):
        answer = await read(api, run=run)
        assert answer.status == 404, run
    task.finish()
    task.paths.log(1).unlink()
    assert "was deleted" in (await read(api)).body["message"]


async def test_a_finished_log_comes_whole(api: Api, task: Recorder) -> None:
    content = os.urandom(300_000)
    task.start().write_bytes(content)
    task.finish("failed", 3)
    stream = await follow(api)
    header = await stream.message("LogMessage")
    assert header == {
        "type": "header",
        "task": "one",
        "run": 1,
        "offset": 0,
        "size": 300_000,
        "status": "failed",
    }
    assert await take(stream, len(content)) == content
    assert await end(stream) == {
        "type": "end",
        "run": 1,
        "offset": 300_000,
        "size": 300_000,
        "status": "failed",
        "exit_code": 3,
    }


async def test_resuming_at_an_offset(api: Api, task: Recorder) -> None:
    task.start().write_bytes(b"0123456789")
    task.finish()
    stream = await follow(api, offset=4)
    assert (await stream.message("LogMessage"))["offset"] == 4
    assert await take(stream, 6, begin=4) == b"456789"
    await end(stream)
    stream = await follow(api, offset=10)
    assert (await stream.message("LogMessage"))["offset"] == 10
    await end(stream)


async def test_a_tail_begins_at_a_line(api: Api, task: Recorder) -> None:
    task.start().write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    task.finish()
    stream = await follow(api, tail=20)
    header = await stream.message("LogMessage")
    data = await take(stream, header["size"] - header["offset"], begin=header["offset"])
    assert data == b"line 998\nline 999\n"
    await end(stream)


async def test_a_growing_log_is_followed_to_its_end(api: Api, task: Recorder) -> None:
    log = task.start()
    stream = await follow(api)
    assert (await stream.message("LogMessage"))["status"] == "running"
    seen = b""
    for number in range(5):
        line = b"epoch %d\r" % number
        with log.open("ab") as file:
            file.write(line)
        seen += await take(stream, len(line), begin=len(seen))
    task.finish()
    with log.open("ab") as file:
        file.write(b"last words\n")  # what is written in the moment of the end is not lost
    seen += await take(stream, 11, begin=len(seen))
    assert seen == log.read_bytes()
    assert (await end(stream))["offset"] == len(seen)


async def test_a_client_that_shows_nothing_gets_a_window_and_no_more(api: Api, task: Recorder) -> None:
    content = os.urandom(3 * WINDOW + 12345)
    task.start().write_bytes(content)
    task.finish()
    stream = await follow(api)
    await stream.message("LogMessage")
    first = await take(stream, WINDOW, acknowledge=False)
    assert len(first) == WINDOW
    waiting = asyncio.ensure_future(stream.frame())
    await asyncio.wait([waiting], timeout=0.5)
    assert not waiting.done()
    await stream.send({"ack": 1000})
    frame = await waiting
    assert isinstance(frame, bytes)
    assert len(frame) == 1000
    await stream.send({"ack": WINDOW // 2})  # only what was really shown makes room
    await stream.send({"ack": 10 * WINDOW})
    rest = await take(stream, WINDOW // 2 - 1000, acknowledge=False)
    got = first + frame + rest
    await stream.send({"ack": len(got)})
    got += await take(stream, len(content) - len(got), begin=len(got))
    assert got == content
    await end(stream)


async def test_clients_that_send_nonsense_are_sent_away(api: Api, task: Recorder) -> None:
    log = task.start()
    log.write_bytes(b"x")
    for nonsense in ("hello", "[]", "{}", '{"ack": "1"}', '{"ack": true}', b"\xff"):
        stream = await follow(api)
        await stream.message("LogMessage")
        await take(stream, 1, acknowledge=False)
        await stream.connection.write_message(nonsense, binary=isinstance(nonsense, bytes))
        assert await stream.frame() is None
        assert stream.connection.close_code == 1008
    task.finish()


async def test_a_run_that_waits_is_waited_for(api: Api, task: Recorder) -> None:
    task.queue()
    stream = await follow(api)
    header = await stream.message("LogMessage")
    assert (header["run"], header["offset"], header["size"], header["status"]) == (1, 0, 0, "queued")
    task.start().write_bytes(b"now\n")
    assert await take(stream, 4) == b"now\n"
    task.finish()
    assert (await end(stream))["exit_code"] == 0
    # The next one, while the first is there to be read.
    task.queue()
    stream, old = await follow(api), await follow(api, run=1)
    assert (await stream.message("LogMessage"))["run"] == 2
    assert (await old.message("LogMessage"))["run"] == 1
    assert await take(old, 4) == b"now\n"
    await end(old)
    with edit_task(task.paths.folder) as info:
        info["status"] = "cancelled"
    assert (await end(stream))["status"] == "cancelled"


async def test_a_log_that_is_cut_or_replaced_is_told(api: Api, task: Recorder, tmp_path: Path) -> None:
    log = task.start()
    log.write_bytes(b"a" * 100)
    stream = await follow(api)
    await stream.message("LogMessage")
    await take(stream, 100)
    os.truncate(log, 10)
    message = await stream.message("LogMessage")
    assert (message["type"], message["offset"]) == ("reset", 0)
    assert message["reason"].endswith(".")
    assert await take(stream, 10) == b"a" * 10
    other = tmp_path / "other"
    other.write_bytes(b"b" * 50)
    other.replace(log)
    assert (await stream.message("LogMessage"))["type"] == "reset"
    assert await take(stream, 50) == b"b" * 50
    # Somebody who had seen more than there is now.
    late = await follow(api, offset=100)
    assert (await late.message("LogMessage"))["offset"] == 100
    assert (await late.message("LogMessage"))["type"] == "reset"
    assert await take(late, 50) == b"b" * 50
    late.close()
    task.finish()
    await end(stream)


async def test_a_task_that_vanishes_ends_its_stream(api: Api, task: Recorder) -> None:
    log = task.start()
    log.write_bytes(b"x")
    stream = await follow(api)
    await stream.message("LogMessage")
    await take(stream, 1)
    shutil.rmtree(task.paths.folder)
    await end(stream)


@pytest.mark.parametrize(
    ("name", "query", "code"),
    [
        ("one", {"run": "3"}, 404),
        ("one", {"run": "x"}, 400),
        ("one", {"offset": "-1"}, 400),
        ("nothing", {}, 404),
        ("..", {}, 404),
    ],
)
async def test_streams_that_cannot_be(
    api: Api, task: Recorder, name: str, query: dict[str, str], code: int
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await api.stream(STREAM, query, ws=WS, task=name)
    assert refused.value.code == code


async def test_leaving_closes_the_log(api: Api, task: Recorder) -> None:
    log = task.start()
    log.write_bytes(b"x")
    stream = await follow(api)
    await stream.message("LogMessage")
    await take(stream, 1)
    assert _open(log) == 1
    stream.close()
    await until(lambda: asyncio.sleep(0, not _open(log)), "the log to be closed")
    task.finish()


def _open(path: Path) -> int:
    count = 0
    for entry in os.scandir("/proc/self/fd"):
        try:
            count += os.readlink(entry.path) == str(path)
        except OSError:
            continue
    return count


async def test_the_metrics_in_the_text_of_a_log(api: Api, task: Recorder, train: WorkspaceFolder) -> None:
    preview = LOG + "/metrics"
    task.start().write_bytes(b"epoch 1 loss: 0.5\nwords\nepoch 2 loss: 0.25\nscore 7\n")
    answer = await api("get", preview, ws=WS, task="one")
    assert [(one["key"], one["count"], one["last"]) for one in answer.body["metrics"]] == [
        ("epoch", 2, 2),
        ("loss", 2, 0.25),
    ]
    assert answer.body["matched"] == 2 and answer.body["patterns"] == [] and not answer.body["is_active"]
    (train.root / "_pyruns_settings.yaml").write_text(r"log_metrics: ['score (?P<score>\d+)']")
    answer = await api("get", preview, ws=WS, task="one")
    assert [one["key"] for one in answer.body["metrics"]] == ["score"]
    assert answer.body["patterns"] == [r"score (?P<score>\d+)"] and answer.body["is_active"]
    answer = await api(
        "get", preview, query={"pattern": [r"epoch (?P<epoch>\d)", "(?P<w>w)"]}, ws=WS, task="one"
    )
    assert [one["key"] for one in answer.body["metrics"]] == ["epoch"]
    for pattern in ("(", "loss"):
        answer = await api("get", preview, query={"pattern": [pattern]}, ws=WS, task="one")
        assert answer.status == 400 and answer.body["field"] == "pattern"
