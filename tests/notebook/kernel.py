"""A real kernel, spoken to as a front end does."""

from __future__ import annotations

import json
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.engine.support import stop_everything
from tests.forks import KERNEL, client, forks
from tests.support import ROOT

Message = dict[str, Any]
DEADLINE = 120.0  # seconds; a safety net on a busy machine


class Kernel:
    """One kernel and everything it has published."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.messages: list[Message] = []

    def start(self, code: str) -> str:
        """Begin to execute a cell and return the id of the request."""
        return str(self.client.execute(code))

    def execute(self, code: str) -> list[Message]:
        """Execute a cell to its end and return what it published.

        Raises ``AssertionError`` with the traceback when the cell fails.
        """
        request = self.start(code)
        self.wait_for(
            lambda message: (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == request
            )
        )
        mine = [one for one in self.messages if one["parent_header"].get("msg_id") == request]
        for message in mine:
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
        return mine

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression (JSON data)."""
        published = self.execute(f"import json; print(json.dumps({expression}))")
        text = "".join(one["content"]["text"] for one in published if one["msg_type"] == "stream")
        return json.loads(text)

    def wait_for(self, wanted: Callable[[Message], bool], *, after: int = 0) -> Message:
        """Return the first message from number `after` on that is wanted, waiting for it if need be."""
        deadline = time.monotonic() + DEADLINE
        position = after
        while True:
            while position < len(self.messages):
                if wanted(self.messages[position]):
                    return self.messages[position]
                position += 1
            assert time.monotonic() < deadline, f"did not come; the last: {self.messages[-3:]}"
            try:
                self.messages.append(self.client.get_iopub_msg(timeout=1))
            except queue.Empty:
                continue

    def comm_send(self, comm: str, content: dict[str, Any]) -> None:
        """Send a custom message to a widget."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)

    def custom(
        self, comm: str, wanted: Callable[[dict[str, Any]], bool], *, after: int = 0
    ) -> tuple[dict[str, Any], Message]:
        """Return the first custom message of a widget that is wanted: its content, and all of it."""

        def fits(message: Message) -> bool:
            content = message["content"]
            return (
                message["msg_type"] == "comm_msg"
                and content["comm_id"] == comm
                and content["data"].get("method") == "custom"
                and wanted(content["data"]["content"])
            )

        found = self.wait_for(fits, after=after)
        return found["content"]["data"]["content"], found

    def ask(self, comm: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Send a request to a widget and return the answer's content."""
        request = f"test.{len(self.messages)}.{time.monotonic_ns()}"
        self.comm_send(
            comm,
            {"type": "request", "request": request, "operation": operation, "arguments": arguments},
        )
        content, _ = self.custom(comm, lambda content: content.get("request") == request)
        return content


@contextmanager
def running_kernel(folder: Path) -> Iterator[Kernel]:
    """Start a kernel in a folder as a fork, and end it."""
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / ".ipython")}
    command = [sys.executable, "-m", KERNEL]
    before = client(forks().address(command, environment), str(folder))
    # It would end, as the process that started it is not its parent.
    without_parent = "--IPKernelApp.parent_handle=0"
    manager.kernel_spec.argv = [*before, *command, "-f", "{connection_file}", without_parent]
    manager.start_kernel(cwd=str(folder), env=environment)
    front_end = manager.client()
    try:
        front_end.start_channels()
        front_end.wait_for_ready(timeout=DEADLINE)
        yield Kernel(front_end)
    finally:
        front_end.stop_channels()
        manager.shutdown_kernel(now=True)
        stop_everything(folder)  # the kernel, too
        manager.cleanup_resources()
