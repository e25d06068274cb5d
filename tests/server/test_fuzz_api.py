"""Odd requests to every route, made from its description: no errors of the server, no effect elsewhere.

Routes, parameters, keys and sockets are read from `openapi.yaml` and `server/routes.py`: new ones are
covered. Of long lists of odd values each place gets a random choice of the first six and one of the others.

PYRUNS_FUZZ_EXAMPLES is the size of these choices and the number of random mixtures for each operation (1 by
default; with 1000 each place gets all values). PYRUNS_FUZZ_SEED chooses others. PYRUNS_FUZZ_REPORT names a
file to which the numbers of requests, the slowest ones and all problems are appended.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.tasks.trash import trash
from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.server.routes import API, REST, STREAMS
from tests.recorder import Recorder
from tests.server.client import METHODS, OPENAPI, operation, resolve
from tests.server.conftest import TRAIN
from tests.server.fuzzing import HINTS, Fuzzer, Request, boundaries, keys, put, sample, segments, socket
from tests.server.oddities import (
    BODIES,
    CONFIGURATIONS,
    FRAMES,
    HEADERS,
    HUGE,
    QUERIES,
    RANGES,
    SEARCHES,
    SECRET,
    SEGMENTS,
    VALUES,
    label,
    to_body,
)
from tests.server.oddities import METHODS as ODD_METHODS
from tests.support import wait_until

EXAMPLES = int(os.environ.get("PYRUNS_FUZZ_EXAMPLES", "1"))
TELLING = 6  # values that each list begins with
SEED = int(os.environ.get("PYRUNS_FUZZ_SEED", "0"))
REPORT = os.environ.get("PYRUNS_FUZZ_REPORT")
ODD_NAME = "odd 'ü\" <b>\n\x1b[31m\u202e"
HINTS["expected"] = DEFAULT_TEXT
# What there is, the usual one first.
KNOWN = {
    "ws": [
        *("_pyruns_/train", "_pyruns_/_shell_", "sub folder/_pyruns_/nested", "live/_pyruns_/_shell_"),
        *(f"{ODD_NAME}/_pyruns_/train", "damaged/_pyruns_/train", "damaged/_pyruns_/_shell_"),
    ],
    "task": ["done", "one", "two", "ünï ✔", "failed", "gone", "sleeping", "damaged", "taken_1"],
    "study": ["taken", "damaged", "huge"],
    "run": ["1", "2"],
    "path": ["plots/a b.csv", "page.html", "ünï ✔.bin"],
}


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    outer = tmp_path_factory.mktemp("outer")
    root = outer / "a" / "b" / "c" / "d" / "e" / "root"  # far below, so that climbs end within `outer`
    root.mkdir(parents=True)
    for folder in (outer, *root.parents[: -len(outer.parents) - 1]):
        (folder / "secret.txt").write_text(SECRET)
    (outer / "evil").write_text(SECRET)
    _make_projects(root)
    first = tmp_path_factory.mktemp("first") / "root"
    shutil.copytree(root, first, symlinks=True)
    made = Fuzzer(outer, root, tmp_path_factory.mktemp("home"), lambda one: _mend(one, first))
    yield made
    _report(made.report())
    made.close()
    _end_processes(outer)


def _report(text: str) -> None:
    if REPORT and text:
        with Path(REPORT).open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n\n")


def _make_projects(root: Path) -> None:
    (root / "train.py").write_text(TRAIN)
    for name in ("sub folder", "live", ODD_NAME, "damaged"):
        (root / name).mkdir()
        (root / name / "train.py").write_text(TRAIN)
    (root / "sub folder" / "nested.py").write_text(
        "import pyruns_jupyter as pyruns\nprint(pyruns.load().training.lr)\n"
    )
    (root / "sub folder" / "config.yaml").write_text("training:\n  lr: 0.5  # step\n")
    (root / "notes.txt").write_text("no script\n")
    for target, text in (
        *((root / "train.py", "lr: 1\nepochs: 1\n"), (root, "echo hi\n"), (root / "live", "sleep 1000\n")),
        *((root / ODD_NAME / "train.py", "lr: 1\n"), (root / "damaged" / "train.py", "lr: 1\n")),
        *((root / "damaged", "echo\n"), (root / "sub folder" / "nested.py", "training: {lr: 1}\n")),
    ):
        workspace = open_workspace(target)[0]
        if target == root / "live":
            create_tasks(workspace, text, "sleeping")
            continue
        for name in ("one", "two", "ünï ✔", "done", "failed", "gone"):
            create_tasks(workspace, text, name)
        done = Recorder(workspace, "done")
        done.start().write_bytes(b"line\n\xff\0\x1b[31mred\n" * 500)
        done.paths.input(1).write_text(json.dumps({"config": text, "env": {"A_TOKEN": "x"}}))
        done.finish(tracks={"loss": [1.0, float("nan"), float("inf"), 10**300]})
        for name in KNOWN["path"]:
            path = done.paths.artifact_dir(1) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("a,b\n1,2\n")
        failed = Recorder(workspace, "failed")
        failed.start().write_text("Traceback (most recent call last):\nValueError: no\n")
        failed.finish("failed", 3)
        trash(workspace, "gone")
        studies = workspace.folder / "studies"
        studies.mkdir()
        (studies / "taken.json").write_text(json.dumps(_STUDY))
        if "damaged" in str(target):
            create_tasks(workspace, text, "damaged")
            (workspace.paths("damaged").info).write_text('{"name": ')
            (workspace.paths("two").info).write_text(
                '{"name": 1, "status": [], "created_at": 1e999, "pinned": "x"}'
            )
            (studies / "damaged.json").write_text("{")
            huge = json.dumps({**_STUDY, "options": {"retry_delay": 0}}).replace(": 0}", f": {HUGE}}}")
            (studies / "huge.json").write_text(huge)
            (workspace.folder / "config_default.yaml").write_text("lr: [\n")
    (root / "damaged" / "_pyruns_" / "_pyruns_settings.yaml").write_text("slurm: [\n")
    (root / "damaged" / "train.py").write_text("import argparse\ndef (:\n")


_STUDY = {
    "version": 1,
    "name": "taken",
    "text": "lr: log(0.01, 1)\nepochs: 1\n",
    "objective": "loss",
    "n": 3,
    "state": "stopped",
    "created_at": 1.0,
    "options": {},
}


def _mend(fuzzer: Fuzzer, first: Path) -> None:
    """Restore the projects: a task runs in `live`, and nothing runs elsewhere."""
    for project in fuzzer.projects():
        engine = project / ".engine"
        if project.parent.name == "live":
            info = json.loads((project / "_shell_" / "tasks" / "sleeping" / "task_info.json").read_bytes())
            if info.get("status") == "running":
                continue
        if engine.exists():
            _end_processes(project)
            # The server may start a scheduler at this moment, so it is not deleted file by file.
            engine.rename(tempfile.mkdtemp(dir=first.parent))
        origin = first / project.relative_to(fuzzer.root)
        if not origin.exists():
            shutil.rmtree(project)
            continue
        _restore(origin, project)
        if project.parent.name == "live":
            _let_run(fuzzer)


def _restore(origin: Path, folder: Path) -> None:
    kept = {entry.name: entry for entry in os.scandir(origin)}
    there = {entry.name: entry for entry in os.scandir(folder)}
    for name, entry in there.items():
        if name in kept and entry.is_dir(follow_symlinks=False) == kept[name].is_dir():
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    for name, entry in kept.items():
        path = folder / name
        if entry.is_dir():
            path.mkdir(exist_ok=True)
            _restore(Path(entry.path), path)
            continue
        old = there.get(name)
        if old is None or not old.is_file(follow_symlinks=False) or _stamp(old) != _stamp(entry):
            shutil.copy2(entry.path, path)


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    status = entry.stat(follow_symlinks=False)
    return status.st_size, status.st_mtime_ns


def _let_run(fuzzer: Fuzzer) -> None:
    server, ws = fuzzer.server, "live/_pyruns_/_shell_"
    server.request("POST", "/workspaces/{ws}/actions", {"action": "run", "names": ["sleeping"]}, ws=ws)

    def runs() -> bool:
        task = server.request("GET", "/workspaces/{ws}/tasks/{task}", ws=ws, task="sleeping")["task"]
        return bool(task["status"] == "running")

    wait_until(runs, message="the task that sleeps does not start")


def _end_processes(folder: Path) -> None:
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("PYRUNS_TASK_DIR", "")]
            if process.pid != os.getpid() and any(str(folder) in word for word in words):
                process.kill()
                wait_until(lambda: _is_over(process))  # noqa: B023 - waits here
        except psutil.Error:
            continue


def _is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


_PART = re.compile(r"{(\w+)}")


def _fill(address: str, **odd: str) -> str:
    """Return the path of a route; what is not given as it is sent is what there is."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        return odd.get(name, segments(KNOWN.get(name, ["one"])[0]))

    return f"/base{API}" + _PART.sub(part, address)


def _parameters(address: str, method: str, place: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of an operation by name that are in the `path`, `query` or `header`."""
    listed = [
        *OPENAPI["paths"][address].get("parameters", ()),
        *operation(method, address).get("parameters", ()),
    ]
    shared = OPENAPI["components"]["parameters"]
    found = [shared[one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one for one in listed]
    return {one["name"]: one for one in found if one["in"] == place}


T = TypeVar("T")


def _choice(values: Sequence[T], choose: random.Random) -> list[T]:
    parts = values[:TELLING], values[TELLING:]
    return [one for part in parts for one in choose.sample(part, min(EXAMPLES, len(part)))]


class Operation:
    """A method of a route, and all odd requests that can be made from its description."""

    def __init__(self, method: str, address: str) -> None:
        self.method, self.address = method, address
        self.names = _PART.findall(address)
        self.queries = _parameters(address, method, "query")
        self.headers = _parameters(address, method, "header")
        content = operation(method, address).get("requestBody", {}).get("content", {})
        self.schema = resolve(content["application/json"]["schema"]) if content else None
        self.random = random.Random(f"{SEED} {method} {address}")

    def requests(self) -> Iterator[Request]:
        """Return what is usual, what is odd in one place, and mixtures."""
        yield self._request("as usual")
        yield self._request("without credentials", headers={"Authorization": "token wrong"})
        yield from self._odd_paths()
        yield from self._odd_queries()
        for odd, headers in _choice(HEADERS, self.random):
            yield self._request(odd, headers=headers)
        for name in self.headers:
            for odd, value in RANGES:
                yield self._request(f"{name} {odd}", headers={name: value})
        if self.schema is not None:
            yield from self._odd_bodies(self.schema)
        for _ in range(EXAMPLES):
            yield self._mixture()

    def _request(
        self,
        odd: str,
        query: list[str] | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        parts: dict[str, str] | None = None,
    ) -> Request:
        if query is None:
            query = self._query()
        if body is None and self.schema is not None:
            body = to_body(self._base(self.schema, "", 0))
        path = _fill(self.address, **(parts or {})) + ("?" + "&".join(query) if query else "")
        return Request(self.method.upper(), self.address, path, odd, body, headers or {})

    def _query(self, without: str = "") -> list[str]:
        return [
            f"{name}={segments(str(sample(one['schema'], name)))}"
            for name, one in self.queries.items()
            if one.get("required") and name != without
        ]

    def _odd_paths(self) -> Iterator[Request]:
        for name in self.names:
            for odd, segment in _choice(SEGMENTS, self.random):
                yield self._request(f"{name} is {odd}", parts={name: segment})
            for known in KNOWN.get(name, ())[1:]:
                yield self._request(f"{name} is {label(known)}", parts={name: segments(known)})
        if self.method == "get" and "task" in self.names:
            for ws in KNOWN["ws"]:
                for task in KNOWN["task"]:
                    yield self._request(
                        f"{label(task)} of {label(ws)}", parts={"ws": segments(ws), "task": segments(task)}
                    )

    def _odd_queries(self) -> Iterator[Request]:
        for name, one in self.queries.items():
            for odd, value in self._query_values(name, one["schema"], whole=False):
                query = [*self._query(without=name), f"{name}={value}"]
                yield self._request(f"{name} is {odd}", query)
            yield self._request(f"{name} twice", [*self._query(), f"{name}=1", f"{name}=2", name])
            yield self._request(f"500 times {name}", [*self._query(), *([f"{name}=lr"] * 500)])

    def _query_values(self, name: str, schema: dict[str, Any], *, whole: bool) -> list[tuple[str, str]]:
        """Return odd values of a parameter, percent-encoded; not all of them unless `whole`."""
        lists = [QUERIES]
        if name in ("query", "pattern"):
            lists.append([(label(text), segments(text)) for text in SEARCHES])
        values = [one for each in lists for one in (each if whole else _choice(each, self.random))]
        near = [
            (odd, segments(str(value))) for odd, value in boundaries(schema) if not isinstance(value, list)
        ]
        return [*near, *values]

    def _odd_bodies(self, schema: dict[str, Any]) -> Iterator[Request]:
        for odd, data in BODIES:
            yield self._request(odd, body=data)
        usual = self._base(schema, "", 0)
        for key in usual:
            yield self._request(f"without {key}", body=to_body({k: v for k, v in usual.items() if k != key}))
        for path, inner in keys(schema):
            for turn, (odd, value) in enumerate(self._values(path[-1], inner, whole=False)):
                body = put(self._base(schema, path[0], turn), path, value)
                yield self._request(f"{'.'.join(path)} is {odd}", body=to_body(body))

    def _values(self, key: str, schema: dict[str, Any], *, whole: bool) -> list[tuple[str, Any]]:
        """Return odd values of a key; not all of them unless `whole`."""
        lists: list[list[tuple[str, Any]]] = [VALUES, *([CONFIGURATIONS] if key == "text" else ())]
        values = [one for each in lists for one in (each if whole else _choice(each, self.random))]
        return [*boundaries(schema), *values]

    def _base(self, schema: dict[str, Any], key: str, turn: int) -> Any:
        """Return the usual body for a key: with the action that its description begins with ("For move"),
        else another one at each turn; with names of tasks where there may be any.
        """
        body = sample(schema, "", turn)
        if "names" in schema["properties"] and key != "query":
            body["names"] = ["one"]
        if "objective" in schema["properties"]:
            body |= {"text": "lr: log(0.001, 1)\n", "objective": HINTS["objective"]}
            if self.address.endswith("/searches"):  # a study would be started for each
                body["name"] = "new"
        action = re.match(r"(?:For|With) (\w+)", schema["properties"].get(key, {}).get("description", ""))
        for name, inner in schema["properties"].items():
            if action is not None and action[1] in inner.get("enum", ()):
                body[name] = action[1]
        return body

    def _mixture(self) -> Request:
        choose = self.random
        parts = {}
        for name in self.names:
            known = KNOWN.get(name, ["one"])
            parts[name] = (
                segments(choose.choice(known)) if choose.random() < 0.9 else choose.choice(SEGMENTS)[1]
            )
        query = self._query()
        for name in choose.sample([*self.queries], choose.randint(0, len(self.queries))):
            values = self._query_values(name, self.queries[name]["schema"], whole=True)
            query.append(f"{name}={choose.choice(values)[1]}")
        body = None
        if self.schema is not None:
            value = self._base(
                self.schema, choose.choice([*self.schema["properties"]]), choose.randrange(100)
            )
            known_keys = [*keys(self.schema)]
            for path, inner in choose.sample(known_keys, choose.randint(0, min(6, len(known_keys)))):
                if choose.random() < 0.5:
                    value = put(value, path, sample(inner, path[-1], choose.randrange(100)))
                else:
                    value = put(value, path, choose.choice(self._values(path[-1], inner, whole=True))[1])
            body = to_body(value)
        headers = dict([("Range", choose.choice(RANGES)[1])] if self.headers else [])
        return self._request("a mixture", query, body, headers, parts)


def _judge(fuzzer: Fuzzer) -> None:
    problems, fuzzer.problems = fuzzer.problems, []
    _report("\n\n".join(problems))
    told = "\n\n".join(problems[:30])
    assert not problems, f"{len(problems)} requests went wrong:\n\n{told}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("address", REST)
def test_odd_requests(fuzzer: Fuzzer, address: str) -> None:
    described = [method for method in METHODS if method in OPENAPI["paths"][address]]
    fuzzer.mend()
    for method in described:
        for request in Operation(method, address).requests():
            fuzzer.ask(request)
    for odd in ODD_METHODS:
        if odd.lower() not in described or odd not in map(str.upper, described):
            fuzzer.ask(
                Request(odd, address, _fill(address), f"the method {odd}", b"{}" if odd != "HEAD" else None)
            )
    assert fuzzer.asked[address] > 0
    _judge(fuzzer)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("address", STREAMS)
def test_odd_sockets(fuzzer: Fuzzer, address: str) -> None:
    fuzzer.mend()
    path, choose = _fill(address), random.Random(f"{SEED} {address}")
    for odd, opcode, data in FRAMES:
        fuzzer.converse(Request("GET", address, path, f"the frame {odd}"), (opcode, data))
    for name in _PART.findall(address):
        for segment in [*(one for _, one in _choice(SEGMENTS, choose)), *map(segments, KNOWN.get(name, ()))]:
            odd_path = _fill(address, **{name: segment})
            fuzzer.converse(Request("GET", address, odd_path, f"{name} is {label(segment)}"))
    for name in socket(address).parameters:
        for odd, value in _choice(QUERIES, choose):
            fuzzer.converse(Request("GET", address, f"{path}?{name}={value}", f"{name} is {odd}"))
    for odd, headers in _choice(HEADERS, choose):
        fuzzer.converse(Request("GET", address, path, odd, headers=headers))
    for odd in ODD_METHODS:
        fuzzer.ask(Request(odd, address, path, f"the method {odd}, no websocket"))
    for _ in range(EXAMPLES):
        parts = {name: segments(choose.choice(known)) for name, known in KNOWN.items()}
        query = "&".join(f"{name}={choose.choice(QUERIES)[1]}" for name in socket(address).parameters)
        _, opcode, data = choose.choice(FRAMES)
        fuzzer.converse(
            Request("GET", address, f"{_fill(address, **parts)}?{query}", "a mixture"), (opcode, data)
        )
    _judge(fuzzer)


@pytest.mark.timeout(600)
def test_odd_addresses(fuzzer: Fuzzer) -> None:
    """Addresses that are no routes, the description, and files of the front end."""
    for address in ("/{other}", "/openapi.yaml{other}", "/workspaces/{other}/x", "/../static/{other}"):
        for odd, segment in SEGMENTS:
            if segment:
                fuzzer.ask(Request("GET", address, _fill(address, other=segment), odd))
    fuzzer.ask(Request("POST", "/openapi.yaml", _fill("/openapi.yaml"), "a body", b"{}"))
    _judge(fuzzer)
