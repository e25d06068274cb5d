"""Searching and downloading logs; ranges backwards."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.logs import search as search_process
from pyruns_jupyter.core.logs.time_index import encode_mark
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.recorder import Recorder
from tests.server.client import Api, check_schema, until
from tests.server.conftest import WS

pytestmark = pytest.mark.parametrize(
    "server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""]
)
LOG = "/workspaces/{ws}/tasks/{task}/logs"
TEXT = b"".join(b"epoch %d loss %d \xe2\x9c\x94\n" % (n, n % 7) for n in range(1000))


@pytest.fixture
def task(train: WorkspaceFolder) -> Recorder:
    create_tasks(train, "lr: 1", "one")
    made = Recorder(train, "one")
    made.start().write_bytes(TEXT)
    return made


async def search(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = await api("get", f"{LOG}/search", query=query, ws=WS, task="one")
    assert answer.status == 200, answer.body
    lines = [json.loads(line) for line in answer.body.splitlines()]
    for line in lines:
        check_schema("LogHits", line)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    return lines


async def test_searching(api: Api, task: Recorder) -> None:
    lines = await search(api, pattern=r"LOSS 3\b", ignore_case="true")
    found = [hit for line in lines for hit in line["hits"]]
    assert [hit[0] for hit in found] == [match.start() for match in re.finditer(rb"loss 3\b", TEXT)]
    assert found[0][3] == "epoch 3 loss 3 \u2714"
    assert lines[-1]["total"] == len(found)
    assert lines[-1]["searched"] == len(TEXT)

    lines = await search(api, pattern="loss 3", limit=5)
    assert [len(line["hits"]) for line in lines] == [5]
    more = await search(api, pattern="loss 3", offset=lines[0]["searched"], limit=5)
    assert more[0]["hits"][0] == found[5]
    assert not any(line["hits"] for line in await search(api, pattern="h.d", literal="1"))
    assert (await search(api, pattern="1 loss 1 \u2714", literal="1"))[0]["hits"][0][0] == TEXT.find(
        b"1 loss"
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "pattern"),
        ({"pattern": ""}, "pattern"),
        ({"pattern": "x" * 1001}, "pattern"),
        ({"pattern": "("}, "pattern"),
        ({"pattern": "x", "literal": "yes"}, "literal"),
        ({"pattern": "x", "limit": 10_001}, "limit"),
        ({"pattern": "x", "offset": "-1"}, "offset"),
    ],
)
async def test_searches_that_are_none(api: Api, task: Recorder, query: dict[str, Any], field: str) -> None:
    answer = await api("get", f"{LOG}/search", query=query, ws=WS, task="one")
    assert (answer.status, answer.body["field"]) == (400, field)


def searching() -> list[psutil.Process]:
    """The processes that search, ended ones that were not waited for left out."""
    found = []
    for child in psutil.Process().children():
        try:
            if "search_worker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


async def test_a_pattern_without_end_is_given_up(
    api: Api, task: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_process, "BLOCK_SECONDS", 0.5)
    task.paths.log(1).write_bytes(b"a" * 5000 + b"\n")
    (line,) = await search(api, pattern="(a+)+b")
    assert "took more than" in line["message"]
    assert not searching()


async def test_leaving_ends_the_search(api: Api, task: Recorder, jp_http_port: int) -> None:
    task.paths.log(1).write_bytes(b"a" * 5000 + b"\n")
    reader, writer = await asyncio.open_connection("localhost", jp_http_port)
    path = api.path(f"{LOG}/search", {"pattern": "(a+)+b"}, ws=WS, task="one")
    head = "".join(f"{name}: {value}\r\n" for name, value in api.headers.items())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{jp_http_port}\r\n{head}\r\n".encode())
    await writer.drain()

    async def started() -> bool:
        return bool(searching())

    async def ended() -> bool:
        return not searching()

    await until(started, "the search")
    writer.close()
    await until(ended, "its end")
    assert (await search(api, pattern="a", limit=1))[0]["total"] == 100
    del reader


async def test_a_server_that_stops_waits_for_no_search(api: Api, task: Recorder, jp_serverapp: Any) -> None:
    task.paths.log(1).write_bytes(b"a" * 5000 + b"\n")
    path = api.path(f"{LOG}/search", {"pattern": "(a+)+b"}, ws=WS, task="one")
    asking = asyncio.ensure_future(api.raw("get", path))

    async def started() -> bool:
        return bool(searching())

    await until(started, "the search")
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert b"search process was killed" in (await asking).body
    assert not searching()


async def test_downloading(api: Api, task: Recorder) -> None:
    path = api.path(f"{LOG}/download", ws=WS, task="one")
    whole = await api.raw("get", path)
    assert (whole.code, whole.body) == (200, TEXT)
    assert whole.headers["Content-Disposition"] == "attachment; filename*=UTF-8''one-run1.log"
    assert whole.headers["Content-Type"].startswith("text/plain")
    size = len(TEXT)
    for wanted, first, last in (
        ("bytes=0-9", 0, 9),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=5-{10 * size}", 5, size - 1),
    ):
        part = await api.raw("get", path, headers={**api.headers, "Range": wanted})
        assert (part.code, part.body) == (206, TEXT[first : last + 1])
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    for wanted in (f"bytes={size}-", "bytes=9-5", "bytes=-0"):
        none = await api.raw("get", path, headers={**api.headers, "Range": wanted})
        assert (none.code, none.headers["Content-Range"]) == (416, f"bytes */{size}")
    for wanted in ("bytes=0-1,5-6", "lines=1-2", "bytes=-"):
        assert (await api.raw("get", path, headers={**api.headers, "Range": wanted})).code == 200
    os.truncate(task.paths.log(1), 0)
    assert (await api.raw("get", path)).body == b""
    missing = await api("get", f"{LOG}/download", query={"run": 2}, ws=WS, task="one")
    assert missing.status == 404


async def test_ranges_backwards(api: Api, task: Recorder) -> None:
    """From the end to the beginning, in whole lines, without a gap."""
    end, parts = len(TEXT), []
    while end > 0:
        answer = await api("get", LOG, query={"before": end, "limit": 1500}, ws=WS, task="one")
        begin = int(answer.headers["X-Pyruns-Log-Offset"])
        assert 0 < len(answer.body) <= 1500
        assert begin + len(answer.body) == end
        assert begin == 0 or TEXT[begin - 1 : begin] == b"\n"
        parts.append(answer.body)
        end = begin
    assert b"".join(reversed(parts)) == TEXT
    beyond = await api("get", LOG, query={"before": 10**9, "limit": 20}, ws=WS, task="one")
    assert TEXT.endswith(beyond.body)
    both = await api("get", LOG, query={"before": 5, "tail": 5}, ws=WS, task="one")
    assert both.status == 400


async def test_when_a_log_was_written(api: Api, task: Recorder) -> None:
    path = f"{LOG}/times"
    assert (await api("get", path, ws=WS, task="one")).body["marks"] == []
    times = task.paths.times(1)
    times.write_bytes(b"".join(encode_mark(n * 100, 1000.0 + n) for n in range(1, 51)))
    marks = (await api("get", path, ws=WS, task="one", query={"offset": 1050, "end": 1250})).body["marks"]
    assert marks == [[1100, 1011.0], [1200, 1012.0], [1300, 1013.0]]
    assert len((await api("get", path, ws=WS, task="one", query={"limit": 7})).body["marks"]) == 7
    missing = await api("get", path, ws=WS, task="one", query={"run": 9})
    assert missing.status == 404
