"""REST handlers of the operations in `service/operations.py`, made from that table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.live.session import Encoded
from pyruns_jupyter.service.operations import OPERATIONS, Abandoned, Operation
from pyruns_jupyter.service.request import parse_body

from .handler import PyrunsHandler, endpoint
from .session import RequestReader, ServerSession, path_arguments

T = TypeVar("T")

WORKSPACE = "/workspaces/{ws}"
_WITH_BODY = ("POST", "PATCH")


class OperationHandler(PyrunsHandler):
    """An address of the API; each of its methods is an operation."""

    operations: Mapping[str, Operation[Any]] = {}  # by the method of HTTP

    async def perform(self, operation: Operation[Any], values: tuple[str, ...]) -> None:
        """Perform an operation and send its result."""
        path = path_arguments(WORKSPACE + operation.path, values)
        body: dict[str, Any] | PyrunsError | None = None
        if operation.method in _WITH_BODY:
            body = await self.services.encode(self._parsed)
        try:
            session, source = ServerSession(self, path["ws"]), RequestReader(self, path, body)
            result = await operation.perform(session, source)
        except Abandoned:
            return
        if isinstance(result, Encoded):
            self.answer_text(result.text)
        elif result is None:
            self.set_status(204)
            self.finish()
        else:
            await self.answer(result, operation.status)

    def update_api_activity(self) -> None:
        """Count operations as user activity as the table says: open pages repeat their requests."""
        operation = self.operations.get(str(self.request.method))
        if operation is None or (operation.method != "GET" and operation.is_activity):
            super().update_api_activity()

    def _parsed(self) -> dict[str, Any] | PyrunsError:
        try:
            return parse_body(self.request.body)
        except PyrunsError as error:
            return error  # raised when the operation reads the body, which may be after checks of permissions


def operation_handlers() -> dict[str, type[PyrunsHandler]]:
    """Return a handler for each address that operations have."""
    addresses: dict[str, dict[str, Operation[Any]]] = {}
    for operation in OPERATIONS.values():
        addresses.setdefault(WORKSPACE + operation.path, {})[operation.method] = operation
    return {
        address: type(
            "OperationHandler",
            (OperationHandler,),
            {"operations": found, **{method.lower(): _method(one) for method, one in found.items()}},
        )
        for address, found in addresses.items()
    }


def _method(operation: Operation[Any]) -> Callable[..., Awaitable[None]]:
    async def method(self: OperationHandler, *values: str) -> None:
        await self.perform(operation, values)

    return endpoint(operation.permission)(method)
