"""REST handlers of the operations, made from the table in `service/operations.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pyruns_jupyter.core.common.errors import Busy, PyrunsError
from pyruns_jupyter.live.session import Encoded
from pyruns_jupyter.service.files import File, GeneratedFile, LogRange
from pyruns_jupyter.service.operations import OPERATIONS, Abandoned, Created, Operation
from pyruns_jupyter.service.request import parse_body

from .download import DownloadHandler
from .handler import PyrunsHandler, endpoint
from .session import RequestReader, ServerSession, path_arguments

_WITH_BODY = ("POST", "PATCH")


class OperationHandler(DownloadHandler):
    """A path of the API; each of its methods is an operation."""

    operations: Mapping[str, Operation[Any]] = {}  # by HTTP method

    async def perform(self, operation: Operation[Any], values: tuple[str, ...]) -> None:
        """Perform an operation and send its result."""
        path = path_arguments(operation.path, values)
        body: dict[str, Any] | PyrunsError | None = None
        if operation.method in _WITH_BODY:
            body = await self.services.encode(self._parsed)
        try:
            session, source = ServerSession(self, path.get("ws", "")), RequestReader(self, path, body)
            result = await operation.perform(session, source)
        except Abandoned:
            if self._is_disconnected:
                return
            raise Busy("The server is stopping.") from None
        match result:
            case None:
                self.set_status(204)
                self.finish()
            case Encoded(text):
                self.answer_text(text)
            case Created(value):
                await self.answer(value, 201)
            case File():
                await self.send_file(result)
            case GeneratedFile():
                await self.send_generated(result)
            case LogRange(data, offset, size):
                self.set_header("X-Pyruns-Log-Offset", str(offset))
                self.set_header("X-Pyruns-Log-Size", str(size))
                self.set_header("Cache-Control", "no-store")
                self.write(data)
                self.finish(set_content_type="application/octet-stream")
            case _:
                await self.answer(result)

    def update_api_activity(self) -> None:
        """Count operations as user activity as the table says: open pages repeat their requests."""
        operation = self.operations.get(str(self.request.method))
        if operation is None or (operation.method != "GET" and operation.is_activity):
            super().update_api_activity()

    def _parsed(self) -> dict[str, Any] | PyrunsError:
        try:
            return parse_body(self.request.body)
        except PyrunsError as error:
            return error  # raised when the operation reads its request, after the check of permissions


def operation_handlers() -> dict[str, type[PyrunsHandler]]:
    """Return the handler of each path."""
    paths: dict[str, dict[str, Operation[Any]]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method] = operation
    return {
        path: type(
            "OperationHandler",
            (OperationHandler,),
            {"operations": found, **{method.lower(): _method(one) for method, one in found.items()}},
        )
        for path, found in paths.items()
    }


def _method(operation: Operation[Any]) -> Callable[..., Awaitable[None]]:
    async def method(self: OperationHandler, *values: str) -> None:
        await self.perform(operation, values)

    return endpoint(operation.permission)(method)
