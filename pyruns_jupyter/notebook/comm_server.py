"""The kernel's side of a widget: answers what the widget's view asks over the comm.

The view's side is `src/client/comm.ts`. A view sends `request` (operation and arguments as in
`openapi.yaml`) and is answered with `answer`; it opens a stream with `open` and gets `opened`, then `text`
frames, until either side sends `close` or `closed`; `module` asks for the views themselves.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyruns_jupyter._version import __version__
from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, from_os_error
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import actions, changes, exports, generator, logs, queue, runs, studies, tasks
from pyruns_jupyter.service.columns import columns_reader
from pyruns_jupyter.service.compare import Comparing
from pyruns_jupyter.service.curves import MOST_POINTS, curves
from pyruns_jupyter.service.groups import Grouping
from pyruns_jupyter.service.http_errors import INTERNAL, TooLarge, status_of_error, to_json
from pyruns_jupyter.service.logsearch import MOST_HITS, LogSearch
from pyruns_jupyter.service.request import Body
from pyruns_jupyter.service.workspaces import workspace_model
from pyruns_jupyter.system.sampler import Sampler
from pyruns_jupyter.system.samples import Sample

from .logstreams import LogStream, SearchStream
from .streams import EventStream, Stream, SystemStream
from .watch import watch_of

STATIC = Path(__file__).parent.parent / "static"
VIEWS = ("widget-views.js", "widget-views.css")
API_VERSION = 1
MOST_TASKS = 10_000  # of one sweep
MOST_ARTIFACT = 16 * 1024 * 1024  # bytes of a file that go to a view
MAX_EXPORT = 64 * 1024 * 1024  # bytes of a table: a message holds all of it
LOG_WINDOW = 1024 * 1024
_BIG = 2**53

_log = logging.getLogger(__name__)
_sampler = Sampler()  # does nothing until somebody asks


class Send(Protocol):
    """Sends a message to the widget's views, from any thread."""

    def __call__(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None: ...


Operation = Callable[[Body], Any]
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
        self._operations: dict[str, Operation] = {
            "getStatus": self._status,
            "listWorkspaces": lambda _: {"items": [self._model()]},
            "openWorkspace": self._refuse,
            "getWorkspace": lambda _: self._model(),
            "getParameters": lambda _: generator.parameters(workspace),
            "getTemplate": lambda said: generator.template(workspace, said.text("task", "")),
            "previewSweep": lambda said: generator.preview(
                workspace, generator.Sketch.read(said.inner("body", generator.Sketch.KEYS)), MOST_TASKS
            ),
            "listTasks": self._list,
            "createTasks": self._create,
            "actOnTasks": self._act,
            "listTrash": lambda _: exports.trash_model(workspace),
            "exportResults": self._export,
            "getTask": lambda said: self._detail(said.text("task")),
            "changeTask": self._change,
            "deleteTask": self._delete,
            "readLog": self._read_log,
            "listLogTimes": self._log_times,
            "getTracks": lambda said: tasks.tracks(workspace, said.text("task"), _number(said, "run", 1)),
            "getRunInput": lambda said: runs.run_input(workspace, said.text("task"), _run(said)),
            "listArtifacts": lambda said: runs.artifacts(workspace, said.text("task"), _run(said)),
            "readArtifact": self._artifact,
            "getQueue": lambda _: queue.queue(workspace.root),
            "pauseQueue": self._change_queue,
            "requeueForeign": self._change_queue,
            "listColumns": lambda _: self._watch.look(columns_reader)(),
            "groupTasks": self._groups,
            "listCurves": lambda said: curves(
                workspace,
                said.texts("names"),
                _texts(said, "keys") or None,
                said.integer("points", 40, low=2, high=MOST_POINTS),
                _number(said, "run", 1),
            ),
            "compareTasks": self._compare,
            "getSystem": lambda _: sample(),
            "listStudies": lambda _: studies.StudyList.read(workspace).listing(workspace, self._rows()),
            "getStudy": lambda said: studies.StudyList.one(workspace, said.text("study")).detail(
                workspace, self._rows()
            ),
            "previewSearch": lambda said: studies.preview(workspace, _beginning(said)),
            "beginStudy": lambda said: self._touched(lambda: studies.begin(workspace, _beginning(said))),
            "changeStudy": lambda said: self._touched(
                lambda: studies.change(
                    workspace,
                    said.text("study"),
                    studies.StudyChange.read(said.inner("body", studies.StudyChange.KEYS)),
                )
            ),
            "removeStudy": lambda said: self._touched(lambda: studies.remove(workspace, said.text("study"))),
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
            operation = self._operations.get(str(content.get("operation")))
            if operation is None:
                raise NotFound(f"The kernel knows no operation {content.get('operation')!r}.")
            said = self._arguments(content)
            value = operation(said)
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

    def _arguments(self, content: dict[str, Any]) -> Body:
        values = content.get("arguments")
        said = Body(values if isinstance(values, dict) else {})
        if said.has("ws") and said.text("ws") != str(self._workspace.folder):
            raise NotFound(f"This widget shows {self._workspace.folder}, not {said.text('ws')}.")
        return said

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

    def _open_log(self, said: Body, socket: str) -> Stream:
        return LogStream(
            self._workspace,
            said.text("task"),
            run=_number(said, "run", 1),
            offset=_number(said, "offset", 0),
            tail=_number(said, "tail", 1),
            send=lambda frame: self._frame(socket, frame),
            ended=lambda: self._end(socket),
        )

    def _open_search(self, said: Body, socket: str) -> Stream:
        return SearchStream(
            self._workspace,
            said.text("task"),
            LogSearch.read(
                said.text("pattern"),
                literal=said.has("literal") and said.flag("literal"),
                ignore_case=said.has("ignore_case") and said.flag("ignore_case"),
                start=_number(said, "offset", 0),
                limit=_number(said, "limit", 1, MOST_HITS),
            ),
            run=_number(said, "run", 1),
            send=lambda frame: self._frame(socket, frame),
            failed=lambda error: self._frame(socket, to_json({"error": _told(error)})),
            ended=lambda: self._end(socket),
        )

    def _open_events(self, said: Body, socket: str) -> Stream:
        return EventStream(
            self._watch,
            epoch=said.text("epoch", ""),
            since=_number(said, "since", 0),
            send=lambda frame: self._frame(socket, frame),
        )

    def _open_system(self, said: Body, socket: str) -> Stream:
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

    def _status(self, said: Body) -> dict[str, Any]:
        return {
            "version": __version__,
            "api_version": API_VERSION,
            "can_write": True,
            "can_execute": True,
            "limits": {"tasks_at_once": MOST_TASKS, "log_window": LOG_WINDOW},
        }

    def _refuse(self, said: Body) -> Any:
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

    def _list(self, said: Body) -> dict[str, Any]:
        read = tasks.page_reader(
            query=said.text("query", ""),
            status=said.text("status", ""),
            sort=said.text("sort", ""),
            order=said.text("order", ""),
            offset=_number(said, "offset", 0),
            limit=_number(said, "limit", 1, tasks.MOST),
            fields=tuple(_texts(said, "fields")),
        )
        return self._watch.look(read)()

    def _groups(self, said: Body) -> dict[str, Any]:
        wanted = Grouping(
            by=tuple(_texts(said, "by")),
            fold=tuple(_texts(said, "fold")),
            offset=said.integer("offset", 0, low=0, high=_BIG),
            limit=said.integer("limit", tasks.USUAL, low=1, high=tasks.MOST),
            **{key: said.text(key, "") for key in ("query", "status", "sort", "order")},
        )
        return self._watch.look(lambda index: wanted.reader(index, lambda: False))()

    def _compare(self, said: Body) -> dict[str, Any]:
        wanted = Comparing.read(said)
        return self._watch.look(lambda index: wanted.reader(lambda: False)(index))()

    def _change_queue(self, said: Body) -> dict[str, Any]:
        queue.change(self._workspace.root, queue.read_change(said))
        return queue.queue(self._workspace.root)

    def _artifact(self, said: Body) -> _File:
        path, most = said.text("path"), said.integer("most", MOST_ARTIFACT, low=1, high=MOST_ARTIFACT)
        opened = runs.open_artifact(self._workspace, said.text("task"), _run(said), path)
        with os.fdopen(opened, "rb") as file:
            return _File(path.rpartition("/")[2], "application/octet-stream", file.read(most))

    def _export(self, said: Body) -> _File:
        wanted = exports.Export.read(lambda key: said.text(key, ""))
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

    def _rows(self) -> Mapping[str, TaskRow]:
        """Return all tasks as they are now."""
        return self._watch.look(lambda index: index.rows, max_age=0.0)

    def _touched(self, change: Callable[[], T]) -> T:
        """Return what a change returns; the tasks are looked at anew after it."""
        try:
            return change()
        finally:
            self._watch.touch()

    def _detail(self, name: str) -> dict[str, Any]:
        return self._watch.look(lambda index: tasks.detail(index, name))

    def _create(self, said: Body) -> dict[str, Any]:
        wanted = tasks.Creation.read(said.inner("body", tasks.Creation.KEYS))
        return self._touched(lambda: tasks.create(self._workspace, wanted, MOST_TASKS))

    def _act(self, said: Body) -> dict[str, Any]:
        wanted = actions.ActionRequest.read(said.inner("body", actions.ActionRequest.KEYS))
        names = wanted.names
        if names is None:
            names = self._watch.look(wanted.matching, max_age=0.0)()
        rows = self._rows() if wanted.action == actions.MOVE else {}
        return self._touched(lambda: actions.act(self._workspace, wanted, names, rows))

    def _change(self, said: Body) -> dict[str, Any]:
        wanted = changes.Patch.read(said.inner("body", changes.Patch.KEYS))
        return self._detail(self._touched(lambda: changes.change(self._workspace, said.text("task"), wanted)))

    def _delete(self, said: Body) -> None:
        self._touched(lambda: trash.trash(self._workspace, said.text("task")))

    def _read_log(self, said: Body) -> logs.LogRange:
        return logs.read_log(
            self._workspace,
            said.text("task"),
            run=_number(said, "run", 1),
            offset=_number(said, "offset", 0),
            limit=_number(said, "limit", 1, logs.MOST),
            tail=_number(said, "tail", 1, logs.MOST),
            before=_number(said, "before", 0),
        )

    def _log_times(self, said: Body) -> dict[str, Any]:
        return logs.log_times(
            self._workspace,
            said.text("task"),
            run=_number(said, "run", 1),
            offset=said.integer("offset", 0, low=0, high=_BIG),
            end=_number(said, "end", 0),
            limit=said.integer("limit", 1000, low=1, high=10_000),
        )


def _beginning(said: Body) -> studies.StudyRequest:
    return studies.StudyRequest.read(said.inner("body", studies.StudyRequest.KEYS))


def _run(said: Body) -> int:
    return said.integer("run", 1, low=1, high=2**31)


def _texts(said: Body, key: str) -> list[str]:
    return said.texts(key) if said.has(key) else []


def _number(said: Body, key: str, low: int, high: int = _BIG) -> int | None:
    return said.integer(key, low, low=low, high=high) if said.has(key) else None


def _told(error: Exception) -> dict[str, Any]:
    """Return an error as a view gets it, with the status that the server would answer with."""
    known = error if isinstance(error, PyrunsError) else None
    if isinstance(error, OSError):
        known = from_os_error(error)
    if known is not None:
        return {"status": status_of_error(known), **known.to_dict()}
    _log.error("A widget's question could not be answered.", exc_info=error)
    return {"status": 500, "code": "internal", "message": INTERNAL.replace("server extension", "kernel")}
