"""The base of all websockets: authentication, pings, errors, and an end that leaves nothing behind.

A handler says what it needs to know before the connection is accepted; a connection object does the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, cast

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.service.operations import READ
from pyruns_jupyter.service.request import query_integer

from .handler import RESOURCE, ErrorsAsJson

GOING_AWAY, WRONG_MESSAGE, BROKEN = 1001, 1008, 1011


class Send(Protocol):
    """Sends one frame, text or bytes, and returns when it was handed to the network."""

    def __call__(self, message: str | bytes) -> Awaitable[None]: ...


class Connection(Protocol):
    """What one client of a socket gets."""

    async def run(self, send: Send) -> None:
        """Send until there is nothing more to say."""

    def receive(self, message: str | bytes) -> None:
        """Take a frame from the client.

        Raises:
            InvalidInput: when it is not one that the socket knows.
        """


class StreamHandler(WebSocketMixin, WebSocketHandler, ErrorsAsJson):
    """A websocket that only reads."""

    auth_resource = RESOURCE
    _connection: Connection
    _work: asyncio.Task[None] | None = None

    def set_default_headers(self) -> None:
        """No headers of pages on a websocket."""

    @ws_authenticated
    async def get(self, *arguments: str, **named: str) -> None:
        """Check the user and the address, then become a websocket."""
        await self.require(READ)
        self._connection = await self.connect(*arguments)
        await cast("Awaitable[None]", super().get(*arguments, **named))

    async def connect(self, *arguments: str) -> Connection:
        """Return the connection for this address.

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
            self._connection.receive(message)
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
            await self._connection.run(self._send)
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


def _short(reason: str) -> str:
    """Cut a reason to what a closing frame may carry (123 bytes)."""
    return reason.encode()[:120].decode(errors="ignore")


def no_messages(message: str | bytes) -> Any:
    """Refuse a frame on a socket whose clients have nothing to say."""
    raise InvalidInput("This socket takes no messages.")
