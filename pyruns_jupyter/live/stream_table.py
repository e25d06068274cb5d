"""The streams: one table for websockets and comms, like `service/operations.py` for requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.logs.search import DEFAULT_HITS, MAX_HITS, LogSearch
from pyruns_jupyter.service.logs import LogRequest, find_log
from pyruns_jupyter.service.request import Count, Request, RequestSource

from .log_search import LogSearchStream
from .log_stream import LogStream
from .session import LiveSession
from .streams import EventStream, Stream, SystemStream

OpenStream = Callable[[LiveSession, RequestSource], Coroutine[Any, Any, Stream]]


class EventsRequest(Request, frozen=True):
    """A request for the changes after revision `since` of `epoch`."""

    epoch: str = ""
    since: Count | None = None


class LogStreamRequest(LogRequest, frozen=True):
    """A request for a log from `offset`, or for its last `tail` bytes."""

    offset: Count | None = None
    tail: Count | None = None


class LogSearchRequest(LogRequest, frozen=True):
    """A request for the matches in a log; see `LogSearch`."""

    pattern: str = ""
    literal: bool = False
    ignore_case: bool = False
    offset: Count = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS


async def open_events(session: LiveSession, source: RequestSource) -> EventStream:
    """Open the stream of the changes of a workspace."""
    wanted = source.read(EventsRequest)
    await session.open()
    return EventStream(session.watcher, wanted.epoch, wanted.since)


async def open_log(session: LiveSession, source: RequestSource) -> LogStream:
    """Open the stream of a log."""
    wanted = source.read(LogStreamRequest)
    workspace, runtime = await session.open(), session.runtime
    return await session.run(
        lambda: LogStream(
            runtime, workspace, wanted.task, number=wanted.run, offset=wanted.offset, tail=wanted.tail
        )
    )


async def open_log_search(session: LiveSession, source: RequestSource) -> LogSearchStream:
    """Open the search in a log."""
    wanted = source.read(LogSearchRequest)
    search = LogSearch(wanted.pattern, wanted.ignore_case, wanted.literal, wanted.offset, wanted.limit)
    search.check()
    workspace = await session.open()
    path, _ = await session.run(lambda: find_log(workspace, wanted))
    return LogSearchStream(session.runtime, path, search)


async def open_system(session: LiveSession, source: RequestSource) -> SystemStream:
    """Open the stream of system samples."""
    return SystemStream(session.runtime)


# Name of the stream over a comm -> path of its websocket, and the function that opens it.
STREAMS: dict[str, tuple[str, OpenStream]] = {
    "events": ("/workspaces/{ws}/events", open_events),
    "log": ("/workspaces/{ws}/tasks/{task}/logs/stream", open_log),
    "system": ("/system/stream", open_system),
}
