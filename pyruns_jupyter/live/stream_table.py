"""The streams: one table for websockets and comms, as `service/operations.py` is for requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.logs.search import DEFAULT_HITS, MAX_HITS, LogSearch
from pyruns_jupyter.service.logs import find_log
from pyruns_jupyter.service.request import Count, Request, RequestSource, RunNumber, TaskRequest

from .log_search import LogSearchStream
from .log_stream import LogStream
from .session import LiveSession
from .streams import EventStream, Stream, SystemStream

OpenStream = Callable[[LiveSession, RequestSource], Coroutine[Any, Any, Stream]]


class EventsRequest(Request, frozen=True):
    """A request for the changes after revision `since` of `epoch`."""

    epoch: str = ""
    since: Count | None = None


class LogRequest(TaskRequest, frozen=True):
    """A request for the log of a run (None: the latest one): from an offset, or its last `tail` bytes."""

    run: Count | None = None
    offset: Count | None = None
    tail: Count | None = None


class LogSearchRequest(TaskRequest, frozen=True):
    """A request for the matches in the log of a run (None: the latest one); see `LogSearch`."""

    run: RunNumber | None = None
    pattern: str = ""
    literal: bool = False
    ignore_case: bool = False
    offset: Count = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_HITS)] = DEFAULT_HITS


async def open_events(session: LiveSession, source: RequestSource) -> EventStream:
    """Open the stream of a workspace's changes."""
    wanted = source.read(EventsRequest)
    await session.open()
    return EventStream(session.watcher, wanted.epoch, wanted.since)


async def open_log(session: LiveSession, source: RequestSource) -> LogStream:
    """Open the stream of a run's log."""
    wanted = source.read(LogRequest)
    workspace, runtime = await session.open(), session.runtime
    return await session.run(
        lambda: LogStream(
            runtime, workspace, wanted.task, number=wanted.run, offset=wanted.offset, tail=wanted.tail
        )
    )


async def open_log_search(session: LiveSession, source: RequestSource) -> LogSearchStream:
    """Open the search in a run's log."""
    wanted = source.read(LogSearchRequest)
    search = LogSearch.read(
        wanted.pattern,
        literal=wanted.literal,
        ignore_case=wanted.ignore_case,
        start=wanted.offset,
        limit=wanted.limit,
    )
    workspace = await session.open()
    path, _ = await session.run(lambda: find_log(workspace, wanted.task, wanted.run))
    return LogSearchStream(session.runtime, path, search)


async def open_system(session: LiveSession, source: RequestSource) -> SystemStream:
    """Open the stream of the machine's samples."""
    return SystemStream(session.runtime)


# Name of the stream over a comm -> address of its websocket, and what opens it.
STREAMS: dict[str, tuple[str, OpenStream]] = {
    "events": ("/workspaces/{ws}/events", open_events),
    "log": ("/workspaces/{ws}/tasks/{task}/logs/stream", open_log),
    "system": ("/system/stream", open_system),
}
