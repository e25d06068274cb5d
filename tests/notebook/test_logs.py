"""Logs for the views of a widget: followed and searched by a real kernel, also while a cell runs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from tests.notebook.kernel import Kernel, Message, running_kernel
from tests.notebook.test_widgets import comms_of
from tests.recorder import Recorder

END = b"the last line\n"


class LogView:
    """One log stream of a widget, as its view has it."""

    def __init__(self, kernel: Kernel, comm: str, task: str, **where: Any) -> None:
        self.kernel = kernel
        self.comm = comm
        self.socket = f"log.{time.monotonic_ns()}"
        self.position = len(kernel.messages)
        self.data = b""
        kernel.comm_send(
            comm,
            {"type": "open", "socket": self.socket, "stream": "log", "arguments": {"task": task, **where}},
        )

    def next(self) -> dict[str, Any]:
        """Return the next message; bytes are gathered."""
        content, message = self.kernel.custom(
            self.comm, lambda content: content.get("socket") == self.socket, after=self.position
        )
        self.position = self.kernel.messages.index(message, self.position) + 1
        if content["type"] == "binary":
            self.data += b"".join(bytes(part) for part in message["buffers"])
        return json.loads(content["text"]) if content["type"] == "text" else content

    def until(self, kind: str) -> dict[str, Any]:
        """Return the next message of a kind."""
        while True:
            message = self.next()
            if message["type"] == kind:
                return message

    def acknowledge(self, offset: int) -> None:
        text = json.dumps({"ack": offset})
        self.kernel.comm_send(self.comm, {"type": "text", "socket": self.socket, "text": text})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    (folder / "train.py").write_text("print(1)\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def kernel(project: Path) -> Iterator[Kernel]:
    """One for all: it takes longer to start than to be asked."""
    with running_kernel(project) as running:
        yield running


@pytest.fixture(scope="module")
def comm(kernel: Kernel) -> str:
    published = kernel.execute(
        "from pyruns_jupyter import Workspace\n"
        "from pyruns_jupyter.notebook.widgets import TaskTable\n"
        "table = TaskTable(Workspace.open('train.py'))"
    )
    return comms_of(published)[0]


@pytest.fixture
def task(comm: str, project: Path) -> Iterator[Recorder]:
    """A task of which nobody but the test knows what it does."""
    workspace = open_workspace(project / "train.py")[0]
    create_tasks(workspace, "", "told")
    yield Recorder(workspace, "told")
    shutil.rmtree(workspace.paths("told").folder)


def frames_of(kernel: Kernel, view: LogView) -> list[Message]:
    """Return the binary frames that arrived and were not looked at yet."""
    return [
        message
        for message in kernel.messages[view.position :]
        if message["msg_type"] == "comm_msg" and message["content"]["data"]["content"]["type"] == "binary"
    ]


def log_of(task: Recorder, data: bytes) -> Path:
    """Let the task's only run have written these bytes and be done; return its log."""
    log = task.start()
    log.write_bytes(data)
    task.finish()
    return log


def test_a_log_comes_byte_for_byte_and_ends(kernel: Kernel, comm: str, task: Recorder) -> None:
    data = b"caf\xc3\xa9 \xff\x00\r\x1b[31m\n" * 1000 + END
    log_of(task, data)
    view = LogView(kernel, comm, "told")
    assert view.next() == {"type": "opened", "socket": view.socket}
    header = view.next()
    assert (header["type"], header["run"], header["offset"], header["size"]) == ("header", 1, 0, len(data))
    end = view.until("end")
    assert (end["offset"], end["status"], end["exit_code"]) == (len(data), "completed", 0)
    assert view.next() == {"type": "closed", "socket": view.socket}
    assert view.data == data


def test_only_the_end_is_read_when_asked_for(kernel: Kernel, comm: str, task: Recorder) -> None:
    data = b"a line\n" * 10_000 + END
    log_of(task, data)
    view = LogView(kernel, comm, "told", tail=20)
    view.until("end")
    assert view.data == data[-len(view.data) :] and END in view.data and len(view.data) <= 20


def test_much_waits_for_acknowledgements_but_goes_on_while_a_cell_runs(
    kernel: Kernel, comm: str, task: Recorder
) -> None:
    data = b"x" * 99 + b"\n"
    log_of(task, data * 30_000 + END)
    view = LogView(kernel, comm, "told")
    view.until("header")
    kernel.start("import time; time.sleep(4)")  # nobody hears acknowledgements for so long
    while len(view.data) < 1_500_000:
        view.next()
    view.acknowledge(len(view.data))
    while True:
        message = view.next()
        view.acknowledge(len(view.data))
        if message["type"] == "end":
            break
    assert view.data == data * 30_000 + END


def test_a_closed_stream_sends_nothing_more(kernel: Kernel, comm: str, task: Recorder) -> None:
    log = task.start()
    log.write_bytes(b"begun\n")
    view = LogView(kernel, comm, "told")
    view.until("binary")
    kernel.comm_send(comm, {"type": "close", "socket": view.socket})
    view.until("closed")
    kernel.execute(
        "import os, time\n"
        "def is_open(path):\n"
        "    names = (f'/proc/self/fd/{name}' for name in os.listdir('/proc/self/fd'))\n"
        "    return path in [os.readlink(name) for name in names if os.path.islink(name)]\n"
        f"while is_open({str(log)!r}): time.sleep(0.05)"
    )
    with log.open("ab") as file:
        file.write(END)
    task.finish()
    assert json.loads(kernel.ask(comm, "readLog", task="told")["text"])["size"] == log.stat().st_size
    assert not frames_of(kernel, view)


@pytest.mark.parametrize("arguments", [{"task": "../x"}, {"task": "told", "run": 7}, {"task": "none"}])
def test_what_is_not_there_is_said(
    kernel: Kernel, comm: str, task: Recorder, arguments: dict[str, Any]
) -> None:
    log_of(task, b"")
    socket = f"none.{time.monotonic_ns()}"
    kernel.comm_send(comm, {"type": "open", "socket": socket, "stream": "log", "arguments": arguments})
    content, _ = kernel.custom(comm, lambda content: content.get("socket") == socket)
    assert (content["type"], content["error"]["status"]) == ("closed", 404)


def search(kernel: Kernel, comm: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return what a search says, to its end."""
    after, socket = len(kernel.messages), f"search.{time.monotonic_ns()}"
    wanted = {"task": "told", **arguments}
    kernel.comm_send(comm, {"type": "open", "socket": socket, "stream": "search", "arguments": wanted})
    said: list[dict[str, Any]] = []
    while not said or said[-1]["type"] != "closed":
        content, message = kernel.custom(comm, lambda content: content.get("socket") == socket, after=after)
        after = kernel.messages.index(message, after) + 1
        said.append(content)
    return [json.loads(one["text"]) if one["type"] == "text" else one for one in said if len(one) > 2]


def test_a_log_is_searched(kernel: Kernel, comm: str, task: Recorder) -> None:
    log_of(task, b"".join(b"step %d loss 0.%d\n" % (n, n) for n in range(5000)))
    said = search(kernel, comm, pattern=r"step \d*99 ", limit=3)
    assert said[-1]["done"] is True
    assert said[-1]["total"] == 3
    found = [hit for one in said for hit in one["hits"]]
    assert len(found) == 3
    assert sum(len(one["hits"]) for one in search(kernel, comm, pattern="LOSS 0.4999", ignore_case=True)) == 1
    assert sum(len(one["hits"]) for one in search(kernel, comm, pattern="0.4999", literal=True)) == 1
    assert search(kernel, comm, pattern="nothing-like-this")[-1]["total"] == 0


@pytest.mark.parametrize("pattern", ["(", "", "x" * 1001])
def test_a_pattern_that_is_none_is_told(kernel: Kernel, comm: str, task: Recorder, pattern: str) -> None:
    log_of(task, b"a\n")
    [refused] = search(kernel, comm, pattern=pattern)
    assert refused["error"]["status"] == 400
    assert "pattern" in refused["error"]["message"] or "expression" in refused["error"]["message"]


def test_a_page_that_is_gone_costs_no_more_than_a_few_windows(
    kernel: Kernel, comm: str, task: Recorder
) -> None:
    """Nothing is acknowledged: the stream stops, instead of filling the memory of whoever buffers it."""
    kernel.execute(
        "from pyruns_jupyter.live import log_stream\n"
        "from pyruns_jupyter.notebook.widget_loop import KernelRuntime\n"
        "usual = log_stream.LOG_WINDOW, log_stream.MAX_UNACKNOWLEDGED, KernelRuntime.patience\n"
        "log_stream.LOG_WINDOW, log_stream.MAX_UNACKNOWLEDGED = 2**18, 2**19\n"
        "KernelRuntime.patience = 0.01"
    )
    data = b"x" * 99 + b"\n"
    log_of(task, data * 30_000 + END)
    view = LogView(kernel, comm, "told")
    while len(view.data) < 2**19:
        view.next()
    assert len(view.data) == 2**19
    kernel.execute("import time; time.sleep(50 * KernelRuntime.patience)")
    assert not frames_of(kernel, view)
    while True:
        view.acknowledge(len(view.data))
        if view.next()["type"] == "end":
            break
    assert view.data == data * 30_000 + END
    kernel.execute("log_stream.LOG_WINDOW, log_stream.MAX_UNACKNOWLEDGED, KernelRuntime.patience = usual")
