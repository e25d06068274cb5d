"""The kernel's side of a widget: answers what the widget's view asks over the comm.

The view's side is `src/client/comm.ts`. A view sends `request` (operation and arguments as in
`openapi.yaml`) and is answered with `answer`; it opens a stream with `open` and gets `opened`, then `text`
frames, until either side sends `close` or `closed`; `module` asks for the views themselves.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from pyruns_jupyter._version import __version__
from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, from_os_error
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import exports, logs, runs
from pyruns_jupyter.service.http_errors import INTERNAL, TooLarge, status_of_error, to_json
from pyruns_jupyter.service.logsearch import MAX_HITS, LogSearch
from pyruns_jupyter.service.operations import API_VERSION, MAX_RUN, OPERATIONS
from pyruns_jupyter.service.request import Arguments, MessageArguments
from pyruns_jupyter.service.workspaces import workspace_model
from pyruns_jupyter.system.sampler import Sampler
from pyruns_jupyter.system.samples import Sample

from .logstreams import LogStream, SearchStream
from .streams import EventStream, Stream, SystemStream
from .watch import MAX_AGE_SECONDS, Watch, watch_of

STATIC = Path(__file__).parent.parent / "static"
VIEWS = ("widget-views.js", "widget-views.css")
MAX_TASKS = 10_000  # of one sweep
MAX_ARTIFACT = 16 * 1024 * 1024  # bytes of a file that go to a view
MAX_EXPORT = 64 * 1024 * 1024  # bytes of a table: a message holds all of it
LOG_WINDOW = 1024 * 1024

_log = logging.getLogger(__name__)
_sampler = Sampler()  # does nothing until somebody asks


class Send(Protocol):
    """Sends a message to the widget's views, from any thread."""

    def __call__(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None: ...


T = TypeVar("T")


def sample() -> Sample:
    """Return the loads of the machine now."""
    return _sampler.sample()


@dataclass(frozen=True)
class _File:
    name: str
    media_type: str
    data: bytes


class Bridge:
    """Answers for one workspace; a view calls it by the path of its folder."""

    def __init__(self, workspace: WorkspaceFolder, send: Send) -> None:
        self._workspace = workspace
        self._watch = watch_of(workspace)
        self._send = send
        self._lock = threading.Lock()
        self._sockets: dict[str, Stream] = {}
        self._session = _KernelSession(workspace, self._watch)
        self._own: dict[str, Callable[[Arguments], Any]] = {
            "getStatus": self._status,
            "listWorkspaces": lambda _: {"items": [self._model()]},
            "openWorkspace": self._refuse,
            "getWorkspace": lambda _: self._model(),
            "exportResults": self._export,
            "readLog": self._read_log,
            "downloadArtifact": self._artifact,
            "getSystem": lambda _: sample(),
        }

    def receive(self, content: Any) -> None:
        """Take a message of a view; what is none of ours is passed over."""
        if not isinstance(content, dict):
            return
        kind = content.get("type")
        if kind == "module":
            self._send_module()
        elif kind == "request" and isinstance(content.get("request"), str):
            self._answer(content)
        elif kind == "open" and isinstance(content.get("socket"), str):
            self._open(content)
        elif kind == "text":
            with self._lock:
                stream = self._sockets.get(str(content.get("socket")))
            if stream is not None:
                stream.receive(str(content.get("text")))
        elif kind == "close":
            self._close(str(content.get("socket")))

    def close(self) -> None:
        """Close all streams."""
        with self._lock:
            streams, self._sockets = [*self._sockets.values()], {}
        for stream in streams:
            stream.close()

    def _answer(self, content: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"type": "answer", "request": content["request"]}
        buffers: list[bytes] = []
        try:
            value = self._perform(str(content.get("operation")), self._arguments(content))
            if isinstance(value, logs.LogRange):
                buffers = [value.data]
                value = {"offset": value.offset, "size": value.size}
            elif isinstance(value, _File):
                buffers = [value.data]
                value = {"name": value.name, "type": value.media_type}
            answer["text"] = to_json(value)
        except Exception as error:  # noqa: BLE001 - told to the view
            answer["error"] = _told(error)
        self._send(answer, buffers)

    def _perform(self, name: str, arguments: Arguments) -> Any:
        """Return what an operation returns; the shared ones never suspend with this session."""
        own, shared = self._own.get(name), OPERATIONS.get(name)
        if own is not None:
            return own(arguments)
        if shared is None:
            raise NotFound(f"The kernel knows no operation {name!r}.")
        return finish_now(shared.perform(self._session, arguments))

    def _arguments(self, content: dict[str, Any]) -> Arguments:
        values = content.get("arguments")
        arguments = MessageArguments(values if isinstance(values, dict) else {})
        asked = arguments.text("ws")
        if asked not in ("", str(self._workspace.folder)):
            raise NotFound(f"This widget shows {self._workspace.folder}, not {asked}.")
        return arguments

    def _open(self, content: dict[str, Any]) -> None:
        socket = content["socket"]
        try:
            said = self._arguments(content)
            opener = {
                "events": self._open_events,
                "system": self._open_system,
                "log": self._open_log,
                "search": self._open_search,
            }.get(str(content.get("stream")))
            if opener is None:
                raise NotFound(f"The kernel has no stream {content.get('stream')!r}.")
            stream = opener(said, socket)
            with self._lock:
                self._sockets[socket] = stream
            self._send({"type": "opened", "socket": socket})
            stream.start()
        except Exception as error:  # noqa: BLE001 - told to the view
            with self._lock:
                self._sockets.pop(socket, None)
            self._send({"type": "closed", "socket": socket, "error": _told(error)})

    def _close(self, socket: str) -> None:
        with self._lock:
            stream = self._sockets.pop(socket, None)
        if stream is not None:
            stream.close()

    def _frame(self, socket: str, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self._send({"type": "binary", "socket": socket}, [frame])
        else:
            self._send({"type": "text", "socket": socket, "text": frame})

    def _end(self, socket: str) -> None:
        """A stream has come to its end."""
        with self._lock:
            self._sockets.pop(socket, None)
        self._send({"type": "closed", "socket": socket})

    def _open_log(self, said: Arguments, socket: str) -> Stream:
        return LogStream(
            self._workspace,
            said.text("task"),
            run=said.number("run", low=1),
            offset=said.number("offset"),
            tail=said.number("tail", low=1),
            send=lambda frame: self._frame(socket, frame),
            ended=lambda: self._end(socket),
        )

    def _open_search(self, said: Arguments, socket: str) -> Stream:
        return SearchStream(
            self._workspace,
            said.text("task"),
            LogSearch.read(
                said.text("pattern"),
                literal=said.flag("literal"),
                ignore_case=said.flag("ignore_case"),
                start=said.number("offset"),
                limit=said.number("limit", low=1, high=MAX_HITS),
            ),
            run=said.number("run", low=1),
            send=lambda frame: self._frame(socket, frame),
            failed=lambda error: self._frame(socket, to_json({"error": _told(error)})),
            ended=lambda: self._end(socket),
        )

    def _open_events(self, said: Arguments, socket: str) -> Stream:
        return EventStream(
            self._watch,
            epoch=said.text("epoch"),
            since=said.number("since"),
            send=lambda frame: self._frame(socket, frame),
        )

    def _open_system(self, said: Arguments, socket: str) -> Stream:
        return SystemStream(_sampler, lambda frame: self._frame(socket, frame))

    def _send_module(self) -> None:
        try:
            parts = [(STATIC / name).read_bytes() for name in VIEWS]
        except OSError as error:
            self._send(
                {
                    "type": "module",
                    "message": f"{error.filename} is missing: the package was installed without being built.",
                }
            )
        else:
            self._send({"type": "module"}, parts)

    def _status(self, said: Arguments) -> dict[str, Any]:
        return {
            "version": __version__,
            "api_version": API_VERSION,
            "can_write": True,
            "can_execute": True,
            "limits": {"tasks_at_once": MAX_TASKS, "log_window": LOG_WINDOW},
        }

    def _refuse(self, said: Arguments) -> Any:
        raise NotFound("A widget shows one workspace. Open another one with Workspace.open in a cell.")

    def _model(self) -> dict[str, Any]:
        workspace = self._workspace
        script = workspace.script
        return self._watch.look(
            lambda index: workspace_model(
                workspace,
                index.counts,
                identifier=str(workspace.folder),
                path=str(workspace.project),
                script=None if script is None else str(script),
            )
        )

    def _artifact(self, said: Arguments) -> _File:
        path = said.text("path")
        most = said.number("most", low=1, high=MAX_ARTIFACT) or MAX_ARTIFACT
        run = said.number("run", low=1, high=MAX_RUN) or 1
        with os.fdopen(runs.open_artifact(self._workspace, said.text("task"), run, path), "rb") as file:
            return _File(path.rpartition("/")[2], "application/octet-stream", file.read(most))

    def _export(self, said: Arguments) -> _File:
        wanted = exports.Export.read(said.text)
        names = self._watch.look(wanted.names, max_age=0.0)()
        chunks, data = exports.export_chunks(self._workspace, wanted, names), bytearray()
        with closing(chunks):
            for chunk in chunks:
                data += chunk
                if len(data) > MAX_EXPORT:
                    raise TooLarge(
                        f"The table is larger than {MAX_EXPORT >> 20} MiB, which a widget does not download. "
                        "Filter the tasks, or use 'jupyter pyruns export'."
                    )
        return _File(wanted.file_name(self._workspace), wanted.media_type, bytes(data))

    def _read_log(self, said: Arguments) -> logs.LogRange:
        return logs.read_log(
            self._workspace,
            said.text("task"),
            run=said.number("run", low=1),
            offset=said.number("offset"),
            limit=said.number("limit", low=1, high=logs.MAX_BYTES),
            tail=said.number("tail", low=1, high=logs.MAX_BYTES),
            before=said.number("before"),
        )


class _KernelSession:
    """A request of a widget, performed immediately: a kernel has one user, who may do everything."""

    max_tasks = MAX_TASKS
    is_abandoned = False

    def __init__(self, workspace: WorkspaceFolder, watch: Watch) -> None:
        self._workspace, self._watch = workspace, watch

    async def open(self) -> WorkspaceFolder:
        return self._workspace

    async def require(self, action: str) -> None:
        pass

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        pass

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        return self._watch.look(read, max_age=0.0 if refresh else MAX_AGE_SECONDS)

    async def answer(self, question: object, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        return self._watch.look(read)()

    async def run(self, function: Callable[[], T]) -> T:
        return function()

    async def search(self, function: Callable[[], T]) -> T:
        return function()

    async def preview(self, function: Callable[[], T]) -> T:
        return function()

    def touch(self) -> None:
        self._watch.touch()


def finish_now(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    work.close()
    raise RuntimeError("An operation was suspended in a kernel, which has no event loop for it.")


def _told(error: Exception) -> dict[str, Any]:
    """Return an error as a view gets it, with the status that the server would answer with."""
    known = error if isinstance(error, PyrunsError) else None
    if isinstance(error, OSError):
        known = from_os_error(error)
    if known is not None:
        return {"status": status_of_error(known), **known.to_dict()}
    _log.error("A widget's question could not be answered.", exc_info=error)
    return {"status": 500, "code": "internal", "message": INTERNAL.replace("server extension", "kernel")}
