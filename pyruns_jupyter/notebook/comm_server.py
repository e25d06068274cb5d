"""The kernel's side of a widget: answers what the widget's view asks over the comm.

The view's side is `src/client/comm.ts`. A view sends `request` (operation and arguments as in
`openapi.yaml`) and is answered with `answer`; it opens a stream with `open` and gets `opened`, then `text`
frames, until either side sends `close` or `closed`; `module` asks for the views themselves.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pyruns_jupyter._version import __version__
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError, from_os_error
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.log_search import LogSearchStream
from pyruns_jupyter.live.log_stream import WINDOW
from pyruns_jupyter.live.session import Encoded, LiveSession
from pyruns_jupyter.live.stream_table import STREAMS, open_log_search
from pyruns_jupyter.live.streams import Send, Stream, refuse_frame
from pyruns_jupyter.service import exports, logs, runs
from pyruns_jupyter.service.http_errors import INTERNAL, TooLarge, status_of_error, to_json
from pyruns_jupyter.service.operations import API_VERSION, OPERATIONS
from pyruns_jupyter.service.request import MAX_RUN, Arguments
from pyruns_jupyter.service.workspaces import workspace_model

from .widget_loop import WidgetLoop

STATIC = Path(__file__).parent.parent / "static"
VIEWS = ("widget-views.js", "widget-views.css")
MAX_TASKS = 10_000  # of one sweep
MAX_ARTIFACT = 16 * 1024 * 1024  # bytes of a file that go to a view
MAX_EXPORT = 64 * 1024 * 1024  # bytes of a table: a message holds all of it

_log = logging.getLogger(__name__)


class SendToViews(Protocol):
    """Sends a message to the widget's views, from any thread."""

    def __call__(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None: ...


@dataclass(frozen=True)
class _File:
    name: str
    media_type: str
    data: bytes


class Bridge:
    """Answers for one workspace; a view calls it by the path of its folder.

    Any thread may call `receive` and `close`; everything else happens on the loop of the widgets.
    """

    def __init__(self, workspace: WorkspaceFolder, send: SendToViews) -> None:
        self._workspace = workspace
        self._send_to_views = send
        self._is_closed = False
        self._sockets: dict[str, asyncio.Task[None]] = {}
        self._streams: dict[str, Stream] = {}  # of the sockets that are open
        self._own: dict[str, Callable[[_KernelSession, Arguments], Awaitable[object]]] = {
            "getStatus": self._status,
            "listWorkspaces": self._list,
            "openWorkspace": self._refuse,
            "getWorkspace": self._model,
            "exportResults": self._export,
            "readLog": self._read_log,
            "downloadArtifact": self._artifact,
            "getSystem": lambda session, _: session.run(session.runtime.sampler.sample),
        }

    def receive(self, content: Any) -> None:
        """Take a message of a view; unknown ones are ignored."""
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
        session = _KernelSession(loop.runtime, self._workspace)
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

    def _send(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        if not self._is_closed:
            self._send_to_views(content, buffers)

    async def _answer(self, content: dict[str, Any], session: _KernelSession) -> None:
        answer: dict[str, Any] = {"type": "answer", "request": content["request"]}
        buffers: list[bytes] = []
        try:
            value = await self._perform(str(content.get("operation")), self._arguments(content), session)
            if isinstance(value, logs.LogRange):
                buffers = [value.data]
                value = {"offset": value.offset, "size": value.size}
            elif isinstance(value, _File):
                buffers = [value.data]
                value = {"name": value.name, "type": value.media_type}
            if not isinstance(value, Encoded):
                value = Encoded(await session.runtime.encode(partial(to_json, value)))
            answer["text"] = value.text
        except Exception as error:  # noqa: BLE001 - sent to the view
            answer["error"] = _error_model(error)
        self._send(answer, buffers)

    async def _perform(self, name: str, arguments: Arguments, session: _KernelSession) -> object:
        own, shared = self._own.get(name), OPERATIONS.get(name)
        if own is not None:
            return await own(session, arguments)
        if shared is None:
            raise NotFound(f"The kernel knows no operation {name!r}.")
        return await shared.perform(session, arguments)

    def _arguments(self, content: dict[str, Any]) -> Arguments:
        values = content.get("arguments")
        arguments = Arguments(values if isinstance(values, dict) else {})
        asked = arguments.text("ws")
        if asked not in ("", str(self._workspace.folder)):
            raise NotFound(f"This widget shows {self._workspace.folder}, not {asked}.")
        return arguments

    async def _serve(self, socket: str, content: dict[str, Any], session: _KernelSession) -> None:
        """Open a stream and send it to its end."""

        async def send(message: str | bytes) -> None:
            if isinstance(message, bytes):
                self._send({"type": "binary", "socket": socket}, [message])
            else:
                self._send({"type": "text", "socket": socket, "text": message})

        stream = self._streams[socket] = await self._open(
            str(content.get("stream")), session, self._arguments(content)
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

    async def _open(self, name: str, session: _KernelSession, arguments: Arguments) -> Stream:
        if name == "search":
            return _SearchFrames(await open_log_search(session, arguments))
        if name not in STREAMS:
            raise NotFound(f"The kernel has no stream {name!r}.")
        _, open_stream = STREAMS[name]
        return await open_stream(session, arguments)

    async def _send_module(self, session: _KernelSession) -> None:
        try:
            parts = await session.run(lambda: [(STATIC / name).read_bytes() for name in VIEWS])
        except OSError as error:
            self._send(
                {
                    "type": "module",
                    "message": f"{error.filename} is missing: the package was installed without being built.",
                }
            )
        else:
            self._send({"type": "module"}, parts)

    async def _status(self, session: _KernelSession, arguments: Arguments) -> dict[str, Any]:
        return {
            "version": __version__,
            "api_version": API_VERSION,
            "can_write": True,
            "can_execute": True,
            "limits": {"tasks_at_once": MAX_TASKS, "log_window": WINDOW},
        }

    async def _refuse(self, session: _KernelSession, arguments: Arguments) -> object:
        raise NotFound("A widget shows one workspace. Open another one with Workspace.open in a cell.")

    async def _list(self, session: _KernelSession, arguments: Arguments) -> dict[str, Any]:
        return {"items": [await self._model(session, arguments)]}

    async def _model(self, session: _KernelSession, arguments: Arguments) -> dict[str, Any]:
        workspace = self._workspace
        script = workspace.script
        return await session.look(
            lambda index: workspace_model(
                workspace,
                index.counts,
                identifier=str(workspace.folder),
                path=str(workspace.project),
                script=None if script is None else str(script),
            )
        )

    async def _artifact(self, session: _KernelSession, arguments: Arguments) -> _File:
        path = arguments.text("path")
        most = arguments.number("most", low=1, high=MAX_ARTIFACT) or MAX_ARTIFACT
        run = arguments.number("run", low=1, high=MAX_RUN) or 1

        def read() -> bytes:
            with os.fdopen(
                runs.open_artifact(self._workspace, arguments.text("task"), run, path), "rb"
            ) as file:
                return file.read(most)

        return _File(path.rpartition("/")[2], "application/octet-stream", await session.run(read))

    async def _export(self, session: _KernelSession, arguments: Arguments) -> _File:
        wanted = exports.Export.read(arguments.text)
        names = await session.search(await session.look(wanted.names, refresh=True))

        def read() -> bytes:
            chunks, data = exports.export_chunks(self._workspace, wanted, names), bytearray()
            with closing(chunks):
                for chunk in chunks:
                    data += chunk
                    if len(data) > MAX_EXPORT:
                        raise TooLarge(
                            f"The table is larger than {MAX_EXPORT >> 20} MiB, which a widget does not "
                            "download. Filter the tasks, or use 'jupyter pyruns export'."
                        )
            return bytes(data)

        return _File(wanted.file_name(self._workspace), wanted.media_type, await session.run(read))

    async def _read_log(self, session: _KernelSession, arguments: Arguments) -> logs.LogRange:
        return await session.run(
            lambda: logs.read_log(
                self._workspace,
                arguments.text("task"),
                run=arguments.number("run", low=1),
                offset=arguments.number("offset"),
                limit=arguments.number("limit", low=1, high=logs.MAX_BYTES),
                tail=arguments.number("tail", low=1, high=logs.MAX_BYTES),
                before=arguments.number("before"),
            )
        )


class _SearchFrames:
    """A search whose lines are text frames; what is wrong is a frame, too."""

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


class _KernelSession(LiveSession):
    """A request of a widget: a kernel has one user, who may do everything."""

    max_tasks = MAX_TASKS

    async def require(self, action: str) -> None:
        pass

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        pass


def _error_model(error: BaseException) -> dict[str, Any]:
    """Return an error as it is sent to a view, with the status that the server would answer with."""
    known = error if isinstance(error, PyrunsError) else None
    if isinstance(error, OSError):
        known = from_os_error(error)
    if known is not None:
        return {"status": status_of_error(known), **known.to_dict()}
    _log.error("A request of a widget failed.", exc_info=error)
    return {"status": 500, "code": "internal", "message": INTERNAL.replace("server extension", "kernel")}
