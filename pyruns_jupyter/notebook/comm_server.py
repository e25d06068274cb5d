"""The kernel side of a widget: performs operations that the widget's view requests over the comm.

The other side is `src/client/comm.ts`. A view sends `request` (an operation of `openapi.yaml` with its
arguments) and gets `answer`. It opens a stream with `open` and gets `opened`, then `text` and `binary`
frames, until either side sends `close` or `closed`. `module` requests the JavaScript of the views.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import aclosing, closing, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

from msgspec import Meta

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, from_os_error
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.log_search import LogSearchStream
from pyruns_jupyter.live.runtime import LiveRuntime
from pyruns_jupyter.live.session import Encoded, LiveSession
from pyruns_jupyter.live.stream_table import STREAMS, open_log_search
from pyruns_jupyter.live.streams import Send, Stream, refuse_frame
from pyruns_jupyter.service.files import File, GeneratedFile, LogRange
from pyruns_jupyter.service.http_errors import INTERNAL, TooLarge, status_of_error, to_json
from pyruns_jupyter.service.operations import OPERATIONS, Created
from pyruns_jupyter.service.request import Arguments, Request
from pyruns_jupyter.service.workspaces import ListRequest, OpenRequest

from .widget_loop import WidgetLoop

STATIC = Path(__file__).parent.parent / "static"
VIEWS = ("widget-views.js", "widget-views.css")
MAX_TASKS = 10_000  # of one sweep, as on a server by default
MAX_FILE = 16 * 1024 * 1024  # bytes of a file that are sent to a view
MAX_EXPORT = 64 * 1024 * 1024  # bytes of a table, which one message contains

_log = logging.getLogger(__name__)


class SendToViews(Protocol):
    """Sends a message to the widget's views, from any thread."""

    def __call__(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None: ...


class _FileRequest(Request, frozen=True):
    """A request for the first `most` bytes of a file (None: the whole file)."""

    most: Annotated[int, Meta(ge=1, le=MAX_FILE)] | None = None


class CommServer:
    """Performs requests for one workspace, whose id is the path of its folder.

    `receive` and `close` may be called from any thread; everything else runs on the loop of the widgets.
    """

    def __init__(self, workspace: WorkspaceFolder, send: SendToViews) -> None:
        self._workspace = workspace
        self._send_to_views = send
        self._is_closed = False
        self._sockets: dict[str, asyncio.Task[None]] = {}
        self._streams: dict[str, Stream] = {}  # of open sockets

    def receive(self, content: Any) -> None:
        """Handle a message of a view. Unknown messages are ignored."""
        if isinstance(content, dict) and not self._is_closed:
            WidgetLoop.call(self, partial(self._take, content))

    def close(self) -> None:
        """Close all streams."""
        self._is_closed = True
        WidgetLoop.leave(self, self._cancel_streams)

    def _cancel_streams(self) -> None:
        for task in self._sockets.values():
            task.cancel()

    def _take(self, content: dict[str, Any], loop: WidgetLoop) -> None:
        kind, socket = content.get("type"), str(content.get("socket"))
        session = self.session(loop.runtime, content)
        if kind == "module":
            loop.start_request(self._send_module(session))
        elif kind == "request" and isinstance(content.get("request"), str):
            loop.start_request(self._answer(content, session))
        elif kind == "open" and isinstance(content.get("socket"), str):
            task = loop.runtime.start_stream(self._serve(socket, content, session))
            self._sockets[socket] = task
            task.add_done_callback(partial(self._end, socket))
        elif kind == "text" and socket in self._streams:
            with suppress(InvalidInput):
                self._streams[socket].receive(str(content.get("text")))
        elif kind == "close" and socket in self._sockets:
            self._sockets[socket].cancel()

    def session(self, runtime: LiveRuntime, content: dict[str, Any]) -> KernelSession:
        """Return the session of a message."""
        return KernelSession(runtime, self._workspace)

    def _send(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        if not self._is_closed:
            self._send_to_views(content, buffers)

    async def _answer(self, content: dict[str, Any], session: KernelSession) -> None:
        answer: dict[str, Any] = {"type": "answer", "request": content["request"]}
        buffers: list[bytes] = []
        try:
            name, arguments = str(content.get("operation")), self.arguments(content)
            if name not in OPERATIONS:
                raise NotFound(f"Unknown operation {name!r}.")
            value = await OPERATIONS[name].perform(session, arguments)
            match value:
                case Created():
                    value = value.value
                case LogRange(data, offset, size):
                    buffers, value = [data], {"offset": offset, "size": size}
                case File(name=name, media_type=media_type):
                    most = arguments.read(_FileRequest).most
                    buffers = [await session.run(partial(_first_bytes, value, most))]
                    value = {"name": name, "type": media_type}
                case GeneratedFile(name=name, media_type=media_type):
                    buffers = [await session.run(partial(_all_bytes, value))]
                    value = {"name": name, "type": media_type}
            if not isinstance(value, Encoded):
                value = Encoded(await session.runtime.encode(partial(to_json, value)))
            answer["text"] = value.text
        except Exception as error:  # noqa: BLE001 - sent to the view
            answer["error"] = _error_model(error)
        self._send(answer, buffers)

    def arguments(self, content: dict[str, Any]) -> Arguments:
        """Return the arguments of a message.

        Raises:
            NotFound: if they name another workspace.
        """
        values = content.get("arguments")
        values = values if isinstance(values, dict) else {}
        identifier, folder = values.get("ws"), str(self._workspace.folder)
        if identifier not in (None, "", folder):
            raise NotFound(f"This widget shows the workspace {folder}, not {identifier}.")
        return Arguments(values)

    async def _serve(self, socket: str, content: dict[str, Any], session: KernelSession) -> None:
        """Open a stream and send it until it ends."""

        async def send(message: str | bytes) -> None:
            if isinstance(message, bytes):
                self._send({"type": "binary", "socket": socket}, [message])
            else:
                self._send({"type": "text", "socket": socket, "text": message})

        stream = self._streams[socket] = await self._open(
            str(content.get("stream")), session, self.arguments(content)
        )
        self._send({"type": "opened", "socket": socket})
        await stream.run(send)

    def _end(self, socket: str, task: asyncio.Task[None]) -> None:
        """Report that a stream has ended, and why."""
        self._sockets.pop(socket, None)
        self._streams.pop(socket, None)
        error = None if task.cancelled() else task.exception()
        why = {} if error is None else {"error": _error_model(error)}
        self._send({"type": "closed", "socket": socket, **why})

    async def _open(self, name: str, session: KernelSession, arguments: Arguments) -> Stream:
        if name == "search":
            return _SearchFrames(await open_log_search(session, arguments))
        if name not in STREAMS:
            raise NotFound(f"Unknown stream {name!r}.")
        _, open_stream = STREAMS[name]
        return await open_stream(session, arguments)

    async def _send_module(self, session: KernelSession) -> None:
        try:
            parts = await session.run(lambda: [(STATIC / name).read_bytes() for name in VIEWS])
        except OSError as error:
            problem = (
                f"{error.filename} is missing because pyruns_jupyter was installed without being built. "
                "Install a release."
            )
            self._send({"type": "module", "message": problem})
        else:
            self._send({"type": "module"}, parts)


class _SearchFrames:
    """A search in a log whose lines are text frames; an error is a frame, too."""

    receive = staticmethod(refuse_frame)

    def __init__(self, search: LogSearchStream) -> None:
        self._search = search

    async def run(self, send: Send) -> None:
        try:
            async with aclosing(self._search.lines()) as lines:
                async for line in lines:
                    await send(line.decode())
        except Exception as error:  # noqa: BLE001 - sent to the view
            await send(to_json({"error": _error_model(error)}))


class KernelSession(LiveSession):
    """A request of a widget: a kernel has one user, who has all permissions."""

    max_tasks = MAX_TASKS
    max_jobs = None

    async def is_allowed(self, action: str) -> bool:
        return True

    async def require(self, action: str) -> None:
        pass

    async def list_workspaces(self, wanted: ListRequest) -> list[dict[str, Any]]:
        return [await self.describe()]

    async def open_workspace(self, wanted: OpenRequest) -> object:
        raise NotFound(
            "A widget can only show one workspace. Open another workspace in a cell with Workspace.open()."
        )

    def target(self, path: str) -> Path:
        return Path(path).expanduser()


def _first_bytes(file: File, most: int | None) -> bytes:
    descriptor, size = file.opened()
    with os.fdopen(descriptor, "rb") as opened:
        data = opened.read(min(size, most or MAX_FILE + 1))
    if len(data) > MAX_FILE:
        raise TooLarge(f"{file.name} is larger than {MAX_FILE >> 20} MiB, which is too large for a widget.")
    return data


def _all_bytes(file: GeneratedFile) -> bytes:
    data = bytearray()
    with closing(file.chunks):
        for chunk in file.chunks:
            data += chunk
            if len(data) > MAX_EXPORT:
                raise TooLarge(
                    f"The table is larger than {MAX_EXPORT >> 20} MiB, which is too large for a widget. "
                    "Filter the tasks, or use 'jupyter pyruns export'."
                )
    return bytes(data)


def _error_model(error: BaseException) -> dict[str, Any]:
    """Return an error as an `Error`, with the HTTP status that the server would send."""
    known = error if isinstance(error, PyrunsError) else None
    if isinstance(error, OSError):
        known = from_os_error(error)
    if known is not None:
        return {"status": status_of_error(known), **known.to_dict()}
    _log.error("A request of a widget failed.", exc_info=error)
    return {"status": 500, "code": "internal", "message": INTERNAL}
