"""The streams: one table for websockets and comms, as `service/operations.py` is for requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pyruns_jupyter.core.logs.search import MAX_HITS, LogSearch
from pyruns_jupyter.service.logs import find_log
from pyruns_jupyter.service.request import Arguments

from .log_search import LogSearchStream
from .log_stream import LogStream
from .session import LiveSession
from .streams import EventStream, Stream, SystemStream

OpenStream = Callable[[LiveSession, Arguments], Coroutine[Any, Any, Stream]]


async def open_events(session: LiveSession, arguments: Arguments) -> EventStream:
    """Open the stream of a workspace's changes."""
    epoch, since = arguments.text("epoch"), arguments.number("since")
    await session.open()
    return EventStream(session.watcher, epoch, since)


async def open_log(session: LiveSession, arguments: Arguments) -> LogStream:
    """Open the stream of a run's log."""
    name, number = arguments.text("task"), arguments.number("run")
    offset, tail = arguments.number("offset"), arguments.number("tail")
    workspace, runtime = await session.open(), session.runtime
    return await session.run(
        lambda: LogStream(runtime, workspace, name, number=number, offset=offset, tail=tail)
    )


async def open_log_search(session: LiveSession, arguments: Arguments) -> LogSearchStream:
    """Open the search in a run's log."""
    wanted = LogSearch.read(
        arguments.text("pattern"),
        literal=arguments.flag("literal"),
        ignore_case=arguments.flag("ignore_case"),
        start=arguments.number("offset"),
        limit=arguments.number("limit", low=1, high=MAX_HITS),
    )
    name, number = arguments.text("task"), arguments.number("run", low=1)
    workspace = await session.open()
    path, _ = await session.run(lambda: find_log(workspace, name, number))
    return LogSearchStream(session.runtime, path, wanted)


async def open_system(session: LiveSession, arguments: Arguments) -> SystemStream:
    """Open the stream of the machine's samples."""
    return SystemStream(session.runtime)


# Name of the stream over a comm -> address of its websocket, and what opens it.
STREAMS: dict[str, tuple[str, OpenStream]] = {
    "events": ("/workspaces/{ws}/events", open_events),
    "log": ("/workspaces/{ws}/tasks/{task}/logs/stream", open_log),
    "system": ("/system/stream", open_system),
}
