"""Websockets: authentication, pings and errors. The streams in `live/` do the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.live.stream_table import STREAMS, OpenStream
from pyruns_jupyter.live.streams import Stream
from pyruns_jupyter.service.operations import READ

from .handler import RESOURCE, ExtensionHandler
from .session import RequestReader, ServerSession, path_arguments

GOING_AWAY, WRONG_MESSAGE, BROKEN = 1001, 1008, 1011


class StreamHandler(WebSocketMixin, WebSocketHandler, ExtensionHandler):
    """A websocket, which needs the permission to read."""

    auth_resource = RESOURCE
    address: str
    opener: OpenStream
    _stream: Stream
    _work: asyncio.Task[None] | None = None

    def set_default_headers(self) -> None:
        """Set no headers: those of pages do not apply to websockets."""

    @ws_authenticated
    async def get(self, *arguments: str, **named: str) -> None:
        """Check the permission and the request, then open the websocket."""
        await self.require(READ)
        path = path_arguments(self.address, arguments)
        session = ServerSession(self, path.get("ws", ""))
        self._stream = await self.opener(session, RequestReader(self, path))
        await cast("Awaitable[None]", super().get(*arguments, **named))

    def open(self, *arguments: str, **named: str) -> None:
        """Start to send."""
        super().open(*arguments, **named)
        self._work = self.services.start_stream(self._run())

    def on_message(self, message: str | bytes) -> None:
        """Pass a frame of the client to the stream."""
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

    async def _run(self) -> None:
        code, reason = 1000, "done"
        try:
            await self._stream.run(self._send)
        except WebSocketClosedError:
            return
        except asyncio.CancelledError:
            code, reason = GOING_AWAY, "The server is stopping."
            raise
        except PyrunsError as error:
            code, reason = BROKEN, error.message
        except Exception:
            self.log.exception("A stream of Pyruns failed: %s", self.request.path)
            code, reason = BROKEN, "Internal error in the server extension."
        finally:
            if self.ws_connection is not None:
                self.close(code, _short(reason))

    async def _send(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


def stream_handlers() -> dict[str, type[StreamHandler]]:
    """Return the handler of each stream's path."""
    return {
        address: type("StreamHandler", (StreamHandler,), {"address": address, "opener": staticmethod(opener)})
        for address, opener in STREAMS.values()
    }


def _short(reason: str) -> str:
    """Return a reason that fits into a close frame (at most 123 bytes)."""
    return reason.encode()[:120].decode(errors="ignore")
