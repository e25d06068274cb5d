"""Sends odd requests to a server and looks at everything that they must not do: see `Fuzzer`."""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import websocket
from tornado.httputil import HTTPHeaders

from pyruns_jupyter.server.routes import API, STREAMS
from tests.server.client import OPENAPI, ValidationError, check_answer, check_schema, refuse_constant, resolve
from tests.server.oddities import SECRET, TEXT, label
from tests.server.process import TOKEN, ServerProcess

PATIENCE_SECONDS = 60.0  # a server that has not answered by then is killed and started anew
SLOW_SECONDS = 1.0  # of a request on quiet cores
QUIET_SECONDS = 0.001  # of an empty request on quiet cores
RECENT = 10  # empty requests that tell how quiet the cores are
MAX_MESSAGE = 4000  # characters of the sentence of an error
CLOSING_CODES = {1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009}
READING = ("GET", "HEAD", "OPTIONS", "TRACE")
# Not the lines with the status and the headers of a request: they come after its answer.
_ERROR = re.compile(r"^\[[EC] [^]]+\] (?!\d{3} |\{)", re.MULTILINE)
_SOCKET = re.compile(r"`([\w{}/]+)(?:\?([\w=&]*))?` sends an? `(\w+)`")
Listing = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Request:
    """A request: `address` is the route it goes to, `path` what is sent, `odd` what is odd about it."""

    method: str
    address: str
    path: str
    odd: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        path = self.path if len(self.path) <= 200 else f"{self.path[:200]}... ({len(self.path):,} bytes)"
        told = f"{self.method} {path}  [{self.odd}]"
        if self.body is not None:
            told += f"  body {self.body[:160]!r}" + ("..." if len(self.body) > 160 else "")
        return told + (f"  {label(str(self.headers))}" if self.headers else "")


@dataclass(frozen=True)
class Reply:
    """What a request brought."""

    status: int
    headers: HTTPHeaders
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Socket:
    """A websocket as the description tells of it: the parameters of its query, the schema of its messages."""

    parameters: tuple[str, ...]
    schema: str | None


def socket(address: str) -> Socket:
    """Return what the description says about a websocket."""
    for found, query, schema in _SOCKET.findall(OPENAPI["info"]["description"]):
        if f"/{found}" == address:
            return Socket(tuple(part.rstrip("=") for part in query.split("&") if part), schema)
    return Socket((), None)


class Fuzzer:
    """A server to which odd requests are sent, and everything that they must not do.

    `problems` holds a sentence for each answer of 5xx, answer that is not as described, NaN in JSON, header
    that a request brought in, text from outside of the root, error in the server's log, change outside of the
    projects, change by a refused request, and request that took too long; each with the request.
    """

    def __init__(self, outer: Path, root: Path, home: Path, mend: Callable[[Fuzzer], None]) -> None:
        """`root` lies below `outer`, in which nothing else may change; `mend` restores the projects."""
        self.outer, self.root = outer, root
        self.problems: list[str] = []
        self.asked: Counter[str] = Counter()
        self.statuses: dict[str, Counter[int]] = {}
        self.times: list[tuple[float, Request]] = []
        self.empty: list[float] = []
        self.sockets = 0
        self._home, self._mend = home, mend
        self._log_size = 0
        self._start()
        self.mend()
        self._outside = self._list_outside()

    def _start(self) -> None:
        self.server = ServerProcess(self.root, self._home, lab=False)
        self.prefix = f"/base{API}"
        self._connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_SECONDS)

    def mend(self) -> None:
        """Bring the projects back into their first state."""
        self._mend(self)
        self._inside = self._first = self._list_inside()

    def _may_have_changed(self, request: Request) -> bool:
        """Return whether files differ from the first state, or a scheduler was started or works already."""
        started = any((one / ".engine").exists() for one in self.projects() if one.parent.name != "live")
        return started or "live" in request.path or self._inside != self._first

    def ask(self, request: Request) -> Reply | None:
        """Send a request and check everything; None when there was no answer."""
        self.asked[request.address] += 1
        if sum(self.asked.values()) % 50 == 1:
            self._ask_nothing()
        reply = self._send(request)
        if reply is None:
            return None
        self.statuses.setdefault(f"{request.method} {request.address}", Counter())[reply.status] += 1
        seconds = reply.seconds
        if seconds > SLOW_SECONDS:
            # Once more, and the quicker one counts: other processes may have had the cores.
            delayed = self._waited_for_cores()
            again = self._send(request)
            if again is not None:
                seconds = min(seconds, again.seconds - (self._waited_for_cores() - delayed))
        self.times.append((seconds, request))
        if seconds > self.bound:
            self.problem(request, f"took {seconds:.2f} s, an empty one {1000 * self.unit:.1f} ms")
        for fault in _faults(request, reply):
            self.problem(request, fault, reply)
        self.look(request, reply)
        if request.method not in READING and reply.status < 400 and self._may_have_changed(request):
            self.mend()
        return reply

    def look(self, request: Request, reply: Reply | None = None) -> None:
        """Check the server's log and the disk after a request."""
        told = self._new_log()
        if "Traceback" in told or _ERROR.search(told):
            self.problem(request, f"the server's log: {told[-3000:]}", reply)
        if request.method in READING:
            return
        outside = self._list_outside()
        if outside != self._outside:
            self.problem(
                request, f"changed outside of the projects: {_difference(self._outside, outside)}", reply
            )
            self._outside = outside
        inside = self._list_inside()
        if inside != self._inside and (reply is None or reply.status >= 400):
            self.problem(request, f"was refused, but changed: {_difference(self._inside, inside)}", reply)
        self._inside = inside

    @property
    def unit(self) -> float:
        """How long an empty request takes, in seconds."""
        return statistics.median(self.empty)

    @property
    def bound(self) -> float:
        """How long a request may take: a second, more on a machine where empty requests take longer too."""
        return SLOW_SECONDS * max(1.0, statistics.median(self.empty[-RECENT:]) / QUIET_SECONDS)

    def _waited_for_cores(self) -> float:
        """Return for how many seconds the server and this process were ready to run, but had no core."""
        nanoseconds = 0
        for process in (self.server.process.pid, "self"):
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                with suppress(OSError):  # the thread has ended
                    nanoseconds += int(path.read_text().split()[1])
        return nanoseconds / 1e9

    def problem(self, request: Request, fault: str, reply: Reply | None = None) -> None:
        """Remember what is wrong."""
        told = "" if reply is None else f" -> {reply.status} in {reply.seconds:.2f} s {reply.body[:160]!r}"
        self.problems.append(f"{request}{told}\n    {fault}")

    def _ask_nothing(self) -> None:
        reply = self._send(Request("GET", "/status", f"{self.prefix}/status", "nothing"))
        if reply is not None:
            self.empty.append(reply.seconds)

    def _send(self, request: Request) -> Reply | None:
        headers = {"Authorization": f"token {TOKEN}"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(request.headers)
        for attempt in (1, 2):
            begun = time.perf_counter()
            try:
                self._connection.request(request.method, request.path, request.body, headers)
                answer = self._connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                seconds = time.perf_counter() - begun
                if attempt == 1 and not isinstance(error, TimeoutError):
                    continue  # the server may close a connection that was not used for a while
                self.problem(request, f"no answer in {seconds:.1f} s: {error!r}")
                if isinstance(error, TimeoutError):
                    self.close()
                    self._start()
                return None
            seconds = time.perf_counter() - begun
            if answer.will_close:
                self._connection.close()
            return Reply(answer.status, HTTPHeaders(dict(answer.getheaders())), body, seconds)
        raise AssertionError

    def converse(self, request: Request, frame: tuple[int, bytes] | None = None) -> None:
        """Open a websocket, send it a frame, and check what it answers until that has been dealt with."""
        self.asked[request.address] += 1
        self.sockets += 1
        schema = socket(request.address).schema
        line = websocket.WebSocket(skip_utf8_validation=True)
        line.settimeout(PATIENCE_SECONDS)
        headers = {"Authorization": f"token {TOKEN}", **request.headers}
        begun = time.perf_counter()
        try:
            url = f"ws://127.0.0.1:{self.server.port}{request.path}"
            line.connect(url, header=headers, suppress_origin=True)  # type: ignore[no-untyped-call]
            assert line.sock is not None
            self.times.append((time.perf_counter() - begun, request))
            self._count(request, 101)
            with suppress(OSError):  # it may refuse what is too long before it has all of it
                if frame is not None:
                    line.sock.sendall(_framed(*frame))
                line.sock.sendall(_framed(_PING, b"over"))
            with suppress(*([websocket.WebSocketProtocolException] if frame and frame[0] == _CLOSE else [])):
                for fault in _messages(line, schema):
                    self.problem(request, fault)
        except websocket.WebSocketBadStatusException as error:
            seconds = time.perf_counter() - begun
            self.times.append((seconds, request))
            self._count(request, error.status_code)
            reply = Reply(
                error.status_code, HTTPHeaders(error.resp_headers or {}), error.resp_body or b"", seconds
            )
            for fault in _faults(request, reply):
                self.problem(request, fault, reply)
        except (OSError, websocket.WebSocketException) as error:
            self.problem(request, f"no answer in {time.perf_counter() - begun:.1f} s: {error!r}")
        finally:
            line.shutdown()  # type: ignore[no-untyped-call]
        self.look(request)

    def _count(self, request: Request, status: int) -> None:
        self.statuses.setdefault(f"SOCKET {request.address}", Counter())[status] += 1

    def _new_log(self) -> str:
        size = self.server.log.stat().st_size
        if size == self._log_size:
            return ""
        with self.server.log.open("rb") as file:
            file.seek(self._log_size)
            data = file.read()
        self._log_size += len(data)
        return data.decode(errors="replace")

    def _list_outside(self) -> Listing:
        """List everything but what lies in projects."""
        return _list(self.outer, "_pyruns_")

    def projects(self) -> list[Path]:
        """Return the `_pyruns_` folders that there are."""
        return [one for one in (self.root / "_pyruns_", *self.root.glob("*/_pyruns_")) if one.is_dir()]

    def _list_inside(self) -> Listing:
        """List everything in projects that only requests change: not what schedulers and runs write, and no
        locks of what there is.
        """
        listing: Listing = {}
        for project in self.projects():
            if project.parent.name != "live":
                listing |= _list(project, ".engine")
        return {path: stamp for path, stamp in listing.items() if not _is_of_another(path, listing)}

    def close(self) -> None:
        """Kill the server."""
        self._connection.close()
        self.server.kill()

    def report(self) -> str:
        """Return how many requests there were, what they brought, and the slowest ones."""
        slowest = sorted(self.times, key=lambda timed: -timed[0])[:5]
        lines = [
            f"{sum(self.asked.values()):,} requests to {len(self.asked)} routes",
            f"{self.sockets:,} of them websockets",
            f"{1000 * self.unit:.2f} ms for an empty request",
            *(f"{seconds:.2f} s  {request}"[:250] for seconds, request in slowest),
            *(f"{route}: {dict(sorted(counts.items()))}" for route, counts in sorted(self.statuses.items())),
        ]
        return "\n".join(lines)


_PING, _PONG, _CLOSE = 9, 10, 8


def _faults(request: Request, reply: Reply) -> Iterator[str]:
    """Return what is wrong about an answer."""
    if reply.status >= 500:
        yield "the server's error"
    if SECRET.encode() in reply.body:
        yield "holds a file from outside of the server's root"
    for name, value in reply.headers.get_all():
        if "injected" in name.lower() or not (name + value).isprintable():
            yield f"has the header {name!r}: {value!r}"
    if _has_no_description(request, reply):
        return
    try:
        method = request.method.lower()
        if method == request.method or method not in OPENAPI["paths"].get(request.address, {}):
            assert reply.status in (400, 403, 404, 405), "does what is not described"
            value = json.loads(reply.body, parse_constant=refuse_constant)
            check_schema("Error", value)
        else:
            value = check_answer(method, request.address, reply.status, reply.headers, reply.body)
    except ValidationError as error:
        yield f"is not as described: {error!s:.500}"
    except (AssertionError, KeyError, ValueError) as error:
        yield f"is not as described: {error!r:.500}"
    else:
        if reply.status >= 400 and value is not None and len(value["message"]) > MAX_MESSAGE:
            yield f"has a sentence of {len(value['message']):,} characters"


def _has_no_description(request: Request, reply: Reply) -> bool:
    """Return whether HTTP itself, or Tornado's handshake of a websocket, gives the answer its form."""
    if request.address in STREAMS and request.method == "GET" and reply.status == 400:
        return not reply.headers.get("Content-Type", "").startswith("application/json")
    return request.method in ("HEAD", "OPTIONS") or reply.status == 304


def _messages(line: websocket.WebSocket, schema: str | None) -> Iterator[str]:
    """Read until a websocket has answered our ping or closes; return what is wrong about its messages."""
    while True:
        try:
            opcode, frame = line.recv_data_frame(control_frame=True)
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return  # what is no frame at all is answered with the end of the connection
        data = frame.data
        if opcode == _PONG and data == b"over":
            return
        if opcode == _CLOSE:
            code = int.from_bytes(data[:2], "big") if data else 1005
            if code not in CLOSING_CODES:
                yield f"closed with {code}: {data[2:]!r}"
            return
        if opcode == TEXT:
            try:
                value = json.loads(data, parse_constant=refuse_constant)
                if schema is not None:
                    check_schema(schema, value)
            except (ValueError, ValidationError) as error:
                yield f"sent {data[:300]!r}: {error!r:.500}"


def _framed(opcode: int, data: bytes) -> bytes:
    """Return a frame as clients send it, with a mask that changes nothing."""
    size = len(data)
    if size < 126:
        head = bytes([128 | opcode, 128 | size])
    elif size < 2**16:
        head = bytes([128 | opcode, 128 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([128 | opcode, 128 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + data


def _list(top: Path, left_out: str) -> Listing:
    """Return sizes and times of the files below a folder, of folders only that they are there; without those
    that are called `left_out`.
    """
    listing: Listing = {}
    waiting = [str(top)]
    while waiting:
        with suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name == left_out:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    listing[entry.path] = (0, 0)
                    waiting.append(entry.path)
                else:
                    with suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        listing[entry.path] = (status.st_size, status.st_mtime_ns)
    return listing


def _is_of_another(path: str, listing: Listing) -> bool:
    """Return whether a file is the lock of another one that is there."""
    folder, _, name = path.rpartition("/")
    if ".lock" not in name:
        return False
    found = re.fullmatch(r"\.(.+)\.lock(\.guard)?", name)
    return found is not None and any(f"{folder}/{found[1]}{ending}" in listing for ending in ("", ".json"))


def _difference(before: Listing, after: Listing) -> str:
    told = {
        "new": sorted(after.keys() - before.keys()),
        "gone": sorted(before.keys() - after.keys()),
        "changed": sorted(path for path in before.keys() & after.keys() if before[path] != after[path]),
    }
    return "; ".join(f"{kind}: {', '.join(paths[:5])}" for kind, paths in told.items() if paths)


HINTS: dict[str, Any] = {
    "text": "lr: 1 | 2\n",
    "name": "taken",
    "path": "train.py",
    "query": "lr>0",
    "pattern": "line",
    "objective": "loss",
    "memory": "1G",
    "time": "1h",
    "as_name": "copied",
    "n": 1,
}


def sample(schema: dict[str, Any], key: str, turn: int = 0) -> Any:
    """Return a value of a schema that is likely to be taken; `turn` chooses among those of an enumeration."""
    schema = resolve(schema)
    if "enum" in schema:
        return schema["enum"][turn % len(schema["enum"])]
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        required = schema.get("required", ())
        return {name: sample(schema["properties"][name], name, turn) for name in required}
    if kind == "array":
        return [sample(schema.get("items", {}), key, turn)]
    if key in HINTS:
        return HINTS[key]
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return "one"


def keys(
    schema: dict[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Return each key of a schema with its own schema, also those of inner objects."""
    schema = resolve(schema)
    for key, inner in schema.get("properties", {}).items():
        yield (*above, key), resolve(inner)
        yield from keys(inner, (*above, key))
    if isinstance(schema.get("additionalProperties"), dict):
        yield (*above, "ONE"), resolve(schema["additionalProperties"])


def put(value: dict[str, Any], path: tuple[str, ...], inner: Any) -> dict[str, Any]:
    """Return a copy of an object with another value at a place within."""
    key, *rest = path
    if rest:
        held = value.get(key)
        inner = put(held if isinstance(held, dict) else {}, tuple(rest), inner)
    return {**value, key: inner}


def boundaries(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the values that a schema names, and those next to its bounds."""
    values = [one for one in schema.get("enum", ()) if one is not None]
    for bound in ("minimum", "maximum"):
        if bound in schema:
            values += [schema[bound] - 1, schema[bound], schema[bound] + 1]
    if "maxItems" in schema:
        values += [["one"] * schema["maxItems"], [f"task {n}" for n in range(50_000)]]
    return [(label(str(value)), value) for value in values]


def segments(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")
