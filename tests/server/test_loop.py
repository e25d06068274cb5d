"""Nothing touches the disk on the event loop, whatever is asked."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Api
from tests.server.conftest import WS
from tests.server.test_access import body_for
from tests.server.test_openapi import described

# What Python tells of (sys.addaudithook) that works on a path, or waits for another process.
_EVENTS = (
    *("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link"),
    *("os.utime", "os.chmod", "os.truncate", "shutil.rmtree", "subprocess.Popen"),
)
_watched: list[tuple[Path, int, list[str]]] = []  # folder, thread of the loop, what was done there


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watched and event in _EVENTS:
        folder, loop, seen = _watched[0]
        if threading.get_ident() == loop and str(folder) in str(arguments[0]):
            seen.append(f"{event} {arguments[0]!r}")


sys.addaudithook(_hook)  # stays for ever, and does nothing but during the test


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""])
async def test_the_disk_is_left_to_threads(api: Api, train: WorkspaceFolder, jp_root_dir: Path) -> None:
    create_tasks(train, "lr: 1 | 2 | 3\n", "t")
    create_tasks(train, "lr: 4\n", "one")
    task = Recorder(train, "one")
    log = task.start()
    log.write_bytes(b"line\n" * 1000)
    seen: list[str] = []
    _watched.append((jp_root_dir, threading.get_ident(), seen))
    try:
        (jp_root_dir / "canary").write_text("the hook hears this")
        assert len(seen) == 1
        seen.clear()
        sockets = [
            await api.stream(address, query, ws=WS, task="one")
            for address, query in (
                ("/workspaces/{ws}/events", None),
                ("/workspaces/{ws}/tasks/{task}/logs/stream", {"tail": 100}),
                ("/system/stream", None),
            )
        ]
        for socket in sockets:
            await socket.frame()
        for address, method in sorted(described()):
            for query in ({}, {"query": "lr>1 OR log:line", "pattern": "li.e", "tail": 10}):
                body = body_for(address, method)
                await api.raw(
                    method,
                    api.path(address, query, ws=WS, task="one", run="1", path="x", study="none"),
                    None if body is None else json.dumps(body).encode(),
                )
        for socket in sockets:
            socket.close()
    finally:
        _watched.clear()
    assert seen == []


LARGE = 4_000  # characters of JSON; what is shorter is quicker than handing it to a thread


@pytest.mark.parametrize("server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""])
async def test_json_is_left_to_threads(
    api: Api, train: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = create_tasks(train, f"lr: {' | '.join(map(str, range(1, 101)))}\n", "t")
    task = Recorder(train, names[0])
    log = task.start()
    log.write_bytes(b"line\n" * 1000)
    task.finish(tracks={f"key{number}": [0.5] * 100 for number in range(20)})
    bodies = {
        "/workspaces/{ws}/preview": {"text": "lr: 1\n" + "# a long comment\n" * 1000},
        "/workspaces/{ws}/compare": {"names": names},
        "/workspaces/{ws}/media": {"names": names},
        "/workspaces/{ws}/failures": {"names": names},
        "/workspaces/{ws}/templates": {"names": names},
        "/workspaces/{ws}/actions": {"action": "tag", "names": [*names, "x" * LARGE], "tags": ["a"]},
        "/workspaces/{ws}/tasks/{task}": {"notes": "a long note\n" * 1000},
    }
    requests = [
        (method, address, json.dumps(bodies.get(address, body)).encode() if body is not None else None)
        for address, method in sorted(described())
        if method != "delete"
        for body in [body_for(address, method)]
    ]
    loop, seen, elsewhere = threading.get_ident(), list[str](), list[str]()
    encode, decode = json.JSONEncoder.encode, json.JSONDecoder.decode

    def note(text: str) -> None:
        if len(text) > LARGE:
            (seen if threading.get_ident() == loop else elsewhere).append(text[:200])

    def encoded(self: json.JSONEncoder, value: object) -> str:
        text = encode(self, value)
        note(text)
        return text

    def decoded(self: json.JSONDecoder, text: str, *more: Any, **options: Any) -> Any:
        note(text)
        return decode(self, text, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(json.JSONEncoder, "encode", encoded)
        patch.setattr(json.JSONDecoder, "decode", decoded)
        for method, address, body in requests:
            path = api.path(
                address, {"pattern": "li.e"}, ws=WS, task=names[0], run="1", path="x", study="none"
            )
            await api.raw(method, path, body)
    assert seen == []
    assert elsewhere
