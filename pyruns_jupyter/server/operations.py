"""REST handlers of the operations in `service/operations.py`, made from that table."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.session import Encoded, LiveSession
from pyruns_jupyter.service.operations import OPERATIONS, Abandoned, Operation
from pyruns_jupyter.service.request import MAX_NUMBER, Body, parse_body, query_integer

from .handler import PyrunsHandler, endpoint

T = TypeVar("T")

WORKSPACE = "/workspaces/{ws}"
_WITH_BODY = ("POST", "PATCH")


class OperationHandler(PyrunsHandler):
    """An address of the API; each of its methods is an operation."""

    operations: Mapping[str, Operation] = {}  # by the method of HTTP

    async def perform(self, operation: Operation, values: tuple[str, ...]) -> None:
        """Perform an operation and send its result."""
        path = dict(zip(re.findall(r"\{(\w+)\}", WORKSPACE + operation.path), values, strict=True))
        body: dict[str, Any] | PyrunsError | None = None
        if operation.method in _WITH_BODY:
            body = await self.services.encode(self._parsed)
        try:
            session, arguments = _ServerSession(self, path["ws"]), _RequestArguments(self, path, body)
            result = await operation.perform(session, arguments)
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
        if operation is None or operation.is_activity:
            super().update_api_activity()

    def _parsed(self) -> dict[str, Any] | PyrunsError:
        try:
            return parse_body(self.request.body)
        except PyrunsError as error:
            return error  # raised when the operation reads the body, which may be after checks of permissions


class _RequestArguments:
    """Arguments in the path, the query and the body of a request."""

    def __init__(
        self, handler: OperationHandler, path: Mapping[str, str], body: dict[str, Any] | PyrunsError | None
    ) -> None:
        self._handler, self._path, self._body = handler, path, body

    def text(self, key: str) -> str:
        """Return a text, empty when it is not given."""
        return self._path[key] if key in self._path else self._handler.query_text(key)

    def texts(self, key: str) -> list[str]:
        """Return several texts, each once, in their order."""
        return list(dict.fromkeys(self._handler.get_query_arguments(key, strip=False)))

    def number(self, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
        """Return a whole number, None when it is not given."""
        if key in self._path:
            return query_integer(self._path[key], key, low=low, high=high)
        return self._handler.query_number(key, low=low, high=high)

    def flag(self, key: str) -> bool:
        """Return whether something is wanted; not when it is not given."""
        return self._handler.query_flag(key)

    def body(self, *allowed: str) -> Body:
        """Return the object in the body, which may have the keys `allowed`."""
        if isinstance(self._body, PyrunsError):
            raise self._body
        return Body.of(self._body or {}, allowed)


class _ServerSession(LiveSession):
    """A request over HTTP."""

    def __init__(self, handler: OperationHandler, identifier: str) -> None:
        super().__init__(handler.services)
        self._handler, self._identifier = handler, identifier

    @property
    def max_tasks(self) -> int:
        return self._handler.services.limits.tasks_at_once

    @property
    def is_abandoned(self) -> bool:
        return self._handler.is_gone

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = await self.run(lambda: self._handler.workspace(self._identifier))
        return self._workspace

    async def require(self, action: str) -> None:
        await self._handler.require(action)

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        await self._handler.check_jobs(await self.open(), options)


def operation_handlers() -> dict[str, type[PyrunsHandler]]:
    """Return a handler for each address that operations have."""
    addresses: dict[str, dict[str, Operation]] = {}
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


def _method(operation: Operation) -> Callable[..., Awaitable[None]]:
    async def method(self: OperationHandler, *values: str) -> None:
        await self.perform(operation, values)

    return endpoint(operation.permission)(method)
