"""The log stream without a transport: how far it runs ahead of a client, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import NotFound, Unreadable
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.logs.reader import LogFollower
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live import log_stream
from pyruns_jupyter.live.log_stream import CHUNK, JUMP_TAIL, MAX_BEHIND, MAX_UNACKNOWLEDGED, LogStream
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.live.threads import wait_for_event
from pyruns_jupyter.service.operations import LOG_WINDOW
from pyruns_jupyter.system.sampler import Sampler
from tests.recorder import Recorder
from tests.server.client import PATIENCE, until


@asynccontextmanager
async def live_runtime(patience: float | None = None) -> AsyncIterator[LiveRuntime]:
    """The runtime of the test's event loop."""
    runtime = LiveRuntime(Sampler())
    runtime.patience = patience
    try:
        yield runtime
    finally:
        await runtime.close()


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    (tmp_path / "train.py").write_text("print(1)\n")
    found = open_workspace(tmp_path / "train.py")[0]
    create_tasks(found, "", "one")
    return found


def stream_of(runtime: LiveRuntime, workspace: WorkspaceFolder) -> LogStream:
    return LogStream(runtime, workspace, "one", number=None, offset=None, tail=None)


class Client:
    """Gathers what a stream sends."""

    def __init__(self) -> None:
        self.data = b""
        self.messages: list[dict[str, Any]] = []
        self.has_data = asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.data += message
            self.has_data.set()
        else:
            self.messages.append(json.loads(message))


@pytest.mark.parametrize(("patience", "limit"), [(None, LOG_WINDOW), (0.001, MAX_UNACKNOWLEDGED)])
async def test_a_client_that_acknowledges_nothing_is_not_flooded(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, patience: float | None, limit: int
) -> None:
    task, content = Recorder(workspace, "one"), os.urandom(MAX_UNACKNOWLEDGED + 3 * CHUNK)
    task.start().write_bytes(content)
    task.finish()
    has_stopped = asyncio.Event()
    pauses: list[int] = []  # how many bytes were on their way then

    async def wait(event: asyncio.Event, seconds: float | None) -> bool:
        if seconds is None:
            has_stopped.set()
        else:
            pauses.append(len(client.data))
        return await wait_for_event(event, seconds)

    monkeypatch.setattr(log_stream, "wait_for_event", wait)
    async with live_runtime(patience) as runtime:
        client, stream = Client(), stream_of(runtime, workspace)
        sending = asyncio.ensure_future(stream.run(client.send))
        await asyncio.wait_for(has_stopped.wait(), PATIENCE)
        assert len(client.data) == limit
        assert pauses == ([] if patience is None else [*range(LOG_WINDOW, limit + 1, CHUNK)])
        while not sending.done():
            client.has_data.clear()
            stream.receive(json.dumps({"ack": len(client.data)}))
            more = asyncio.ensure_future(client.has_data.wait())
            await asyncio.wait({more, sending}, return_when=asyncio.FIRST_COMPLETED)
            more.cancel()
        await sending
    assert client.data == content
    assert [message["type"] for message in client.messages] == ["header", "end"]


class Reader(Client):
    """Shows at once what arrives, and permits jumps."""

    stream: LogStream
    offset = 0

    async def send(self, message: str | bytes) -> None:
        await super().send(message)
        if isinstance(message, bytes):
            self.offset += len(message)
            self.stream.receive(json.dumps({"ack": self.offset, "jump": True}))
        elif self.messages[-1]["type"] == "jump":
            self.offset = self.messages[-1]["offset"]


@pytest.mark.parametrize("lag", [MAX_BEHIND, MAX_BEHIND + 1])
async def test_a_client_that_is_far_behind_and_permits_it_jumps_to_the_end(
    workspace: WorkspaceFolder, lag: int
) -> None:
    """After its first frame, `lag` bytes remain."""
    task, line = Recorder(workspace, "one"), b"x" * 1000 + b"\n"
    content = (line * 5000)[: CHUNK + lag]
    task.start().write_bytes(content)
    task.finish()
    async with live_runtime() as runtime:
        client = Reader()
        client.stream = stream_of(runtime, workspace)
        await asyncio.wait_for(client.stream.run(client.send), PATIENCE)
    jumps = [message for message in client.messages if message["type"] == "jump"]
    assert client.messages[-1]["offset"] == len(content)
    if lag <= MAX_BEHIND:
        assert (client.data, jumps) == (content, [])
        return
    (jump,) = jumps
    begin = jump["offset"]
    assert jump["size"] == len(content)
    assert begin == len(content) - JUMP_TAIL + content[-JUMP_TAIL:].index(b"\n") + 1
    assert client.data == content[:CHUNK] + content[begin:]


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 2), (3600.0, 1)])
async def test_the_next_jump_waits_so_that_lines_can_be_seen(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, seconds: float, count: int
) -> None:
    task, lines = Recorder(workspace, "one"), (b"x" * 1000 + b"\n") * 5000
    log = task.start()
    log.write_bytes(lines)
    monkeypatch.setattr(log_stream, "JUMP_SECONDS", seconds)

    class Grower(Reader):
        async def send(self, message: str | bytes) -> None:
            await super().send(message)
            if self.messages[-1]["type"] == "jump" and task.attempt:
                with log.open("ab") as file:
                    file.write(lines)
                task.finish()

    async with live_runtime() as runtime:
        client = Grower()
        client.stream = stream_of(runtime, workspace)
        await asyncio.wait_for(client.stream.run(client.send), PATIENCE)
    assert [message["type"] for message in client.messages].count("jump") == count
    assert client.messages[-1]["offset"] == 2 * len(lines)


async def test_a_read_in_progress_closes_the_log_of_a_stream_that_was_cancelled(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that takes its time."""
    log = Recorder(workspace, "one").start()
    log.write_bytes(b"x")
    began, go_on = threading.Event(), threading.Event()
    read = LogFollower.read

    def slow(self: LogFollower, limit: int) -> bytes:
        data = read(self, limit)
        began.set()
        go_on.wait(PATIENCE)
        return data

    monkeypatch.setattr(LogFollower, "read", slow)
    async with live_runtime() as runtime:
        sending = asyncio.ensure_future(stream_of(runtime, workspace).run(Client().send))
        await asyncio.to_thread(began.wait, PATIENCE)
        sending.cancel()
        await asyncio.wait({sending})
        assert open_descriptors(log) == 1  # not closed under the thread that reads
        go_on.set()
        await until(lambda: asyncio.sleep(0, not open_descriptors(log)), "the log to be closed")


@pytest.mark.parametrize("is_damaged_first", [True, False])
async def test_the_log_of_a_damaged_task_is_followed(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, is_damaged_first: bool
) -> None:
    looked = threading.Event()  # while the file was damaged

    def read(folder: Path) -> Any:
        try:
            return read_task(folder)
        except Unreadable:
            looked.set()
            raise

    monkeypatch.setattr(log_stream, "read_task", read)
    task = Recorder(workspace, "one")
    log = task.start()
    log.write_bytes(b"first")
    content = task.paths.info.read_bytes()
    async with live_runtime() as runtime:
        if is_damaged_first:
            task.paths.info.write_bytes(content[:-2])
        client, stream = Client(), stream_of(runtime, workspace)
        sending = asyncio.ensure_future(stream.run(client.send))
        await asyncio.wait_for(client.has_data.wait(), PATIENCE)
        if is_damaged_first:
            with pytest.raises(NotFound, match="has no run 3"):
                LogStream(runtime, workspace, "one", number=3, offset=None, tail=None)
            looked.clear()
        task.paths.info.write_bytes(content[:-2])
        assert await asyncio.to_thread(looked.wait, PATIENCE)
        with log.open("ab") as file:
            file.write(b" second")
        await until(lambda: asyncio.sleep(0, client.data == b"first second"), "what was written since")
        task.paths.info.write_bytes(content)
        task.finish()
        await asyncio.wait_for(sending, PATIENCE)
    assert [message["type"] for message in client.messages] == ["header", "end"]
    assert {message["run"] for message in client.messages} == {1}
    assert (client.messages[1]["status"], client.messages[1]["exit_code"]) == ("completed", 0)


def open_descriptors(path: Path) -> int:
    count = 0
    for entry in os.scandir("/proc/self/fd"):
        try:
            count += os.readlink(entry.path) == str(path)
        except OSError:
            continue
    return count
