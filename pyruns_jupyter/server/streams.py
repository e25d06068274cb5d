"""Websockets: authentication, pings and errors; the streams of `live/` do the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.live.log_stream import LogStream
from pyruns_jupyter.live.streams import EventStream, Stream, SystemStream
from pyruns_jupyter.service.operations import READ
from pyruns_jupyter.service.request import query_integer

from .handler import RESOURCE, ErrorsAsJson

GOING_AWAY, WRONG_MESSAGE, BROKEN = 1001, 1008, 1011


class StreamHandler(WebSocketMixin, WebSocketHandler, ErrorsAsJson):
    """A websocket that only reads."""

    auth_resource = RESOURCE
    _stream: Stream
    _work: asyncio.Task[None] | None = None

    def set_default_headers(self) -> None:
        """No headers of pages on a websocket."""

    @ws_authenticated
    async def get(self, *arguments: str, **named: str) -> None:
        """Check the user and the address, then become a websocket."""
        await self.require(READ)
        self._stream = await self.find_stream(*arguments)
        await cast("Awaitable[None]", super().get(*arguments, **named))

    async def find_stream(self, *arguments: str) -> Stream:
        """Return the stream at this address.

        Raises:
            PyrunsError: answered as an HTTP error; the socket is not opened.
        """
        raise NotImplementedError

    def open(self, *arguments: str, **named: str) -> None:
        """Begin to send."""
        super().open(*arguments, **named)
        self._work = self.services.start_stream(self._run())

    def on_message(self, message: str | bytes) -> None:
        """Hand a frame of the client on."""
        try:
            self._stream.receive(message)
        except InvalidInput as error:
            self.close(WRONG_MESSAGE, error.message[:100])

    def on_close(self) -> None:
        """Stop sending."""
        if self._work is not None:
            self._work.cancel()
        pings: Any = self.ping_callback
        if pings is not None:
            pings.stop()

    def query_number(self, key: str) -> int | None:
        """Return a whole number of the address' query, None when it is not there."""
        return query_integer(self.get_query_argument(key, None), key)

    async def _run(self) -> None:
        code, reason = 1000, "done"
        try:
            await self._stream.run(self._send)
        except WebSocketClosedError:
            return
        except asyncio.CancelledError:
            code, reason = GOING_AWAY, "the server stops"
            raise
        except PyrunsError as error:
            code, reason = BROKEN, error.message
        except Exception:
            self.log.exception("A stream of Pyruns failed: %s", self.request.path)
            code, reason = BROKEN, "Something went wrong inside the server extension."
        finally:
            if self.ws_connection is not None:
                self.close(code, _short(reason))

    async def _send(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


class EventStreamHandler(StreamHandler):
    """`workspaces/{ws}/events`"""

    async def find_stream(self, *arguments: str) -> EventStream:
        """Find the workspace."""
        watcher = self.services.watcher(await self.services.run(self.services.paths.workspace, *arguments))
        return EventStream(watcher, self.get_query_argument("epoch", ""), self.query_number("since"))


class LogStreamHandler(StreamHandler):
    """`workspaces/{ws}/tasks/{task}/logs/stream`"""

    async def find_stream(self, *arguments: str) -> LogStream:
        """Find the task and the run."""
        identifier, name = arguments
        number, offset, tail = (self.query_number(key) for key in ("run", "offset", "tail"))

        def find() -> LogStream:
            workspace, run = self.services.paths.workspace(identifier), self.services.run
            return LogStream(run, workspace, name, number=number, offset=offset, tail=tail)

        return await self.services.run(find)


class SystemStreamHandler(StreamHandler):
    """`system/stream`"""

    async def find_stream(self, *arguments: str) -> SystemStream:
        """Take the server's sampler."""
        return SystemStream(self.services, self.services.kernels.labelled)


def _short(reason: str) -> str:
    """Cut a reason to what a closing frame may carry (123 bytes)."""
    return reason.encode()[:120].decode(errors="ignore")
