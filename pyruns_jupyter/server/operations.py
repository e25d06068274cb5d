"""REST handlers of the operations in `service/operations.py`, made from that table."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.live.watcher import MAX_AGE_SECONDS, Watcher
from pyruns_jupyter.service.operations import OPERATIONS, Abandoned, Operation
from pyruns_jupyter.service.request import parse_body, read_request

from .handler import PyrunsHandler, endpoint

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)

WORKSPACE = "/workspaces/{ws}"
_WITH_BODY = ("POST", "PATCH")


class OperationHandler(PyrunsHandler):
    """An address of the API; each of its methods is an operation."""

    operations: Mapping[str, Operation[Any]] = {}  # by the method of HTTP

    async def perform(self, operation: Operation[Any], values: tuple[str, ...]) -> None:
        """Perform an operation and send its result."""
        path = dict(zip(re.findall(r"\{(\w+)\}", WORKSPACE + operation.path), values, strict=True))
        body: dict[str, Any] | PyrunsError | None = None
        if operation.method in _WITH_BODY:
            body = await self.services.encode(self._parsed)
        try:
            source = _RequestSource(self, path, body)
            result = await operation.perform(_ServerSession(self, path["ws"]), source)
        except Abandoned:
            return
        if isinstance(result, _Encoded):
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


class _Encoded:
    """An answer that is JSON already."""

    def __init__(self, text: str) -> None:
        self.text = text


class _RequestSource:
    """The path, the query and the body of a request."""

    def __init__(
        self, handler: OperationHandler, path: Mapping[str, str], body: dict[str, Any] | PyrunsError | None
    ) -> None:
        self._handler, self._path, self._body = handler, path, body

    def read(self, kind: type[R]) -> R:
        """Return them as a request; an error of the body is raised only now."""
        if isinstance(self._body, PyrunsError):
            raise self._body
        values: dict[str, Any] = dict(self._path)
        for one in msgspec.structs.fields(kind) if self._body is None else ():
            if isinstance(one.default, tuple):
                values[one.name] = self._handler.get_query_arguments(one.name, strip=False)
            elif one.name not in values:
                values[one.name] = self._handler.get_query_argument(one.name, None, strip=False)
        return read_request(kind, values, self._body, strict=False)


class _ServerSession:
    """One request, carried out in the threads of the server."""

    def __init__(self, handler: OperationHandler, identifier: str) -> None:
        self._handler, self._identifier = handler, identifier
        self._services = handler.services
        self._workspace: WorkspaceFolder | None = None

    @property
    def max_tasks(self) -> int:
        return self._services.limits.tasks_at_once

    @property
    def is_abandoned(self) -> bool:
        return self._handler.is_gone

    async def open(self) -> WorkspaceFolder:
        if self._workspace is None:
            self._workspace = await self._services.run(self._handler.workspace, self._identifier)
        return self._workspace

    async def require(self, action: str) -> None:
        await self._handler.require(action)

    async def check_jobs(self, options: Mapping[str, object]) -> None:
        await self._handler.check_jobs(await self.open(), options)

    async def look(self, read: Callable[[TaskIndex], T], *, refresh: bool = False) -> T:
        return await self._watcher().look(read, max_age=0.0 if refresh else MAX_AGE_SECONDS)

    async def answer(self, question: Any, read: Callable[[TaskIndex], Callable[[], object]]) -> object:
        watcher = self._watcher()
        return _Encoded(watcher.known(question) or await watcher.answer(question, read))

    async def run(self, function: Callable[[], T]) -> T:
        return await self._services.run(function)

    async def search(self, function: Callable[[], T]) -> T:
        return await self._services.search(self._unless_abandoned(function))

    async def preview(self, function: Callable[[], T]) -> T:
        return await self._services.preview(self._unless_abandoned(function))

    def touch(self) -> None:
        self._watcher().touch()

    def _watcher(self) -> Watcher:
        assert self._workspace is not None, "the operation has not opened the workspace"
        return self._services.watcher(self._workspace)

    def _unless_abandoned(self, function: Callable[[], T]) -> Callable[[], T]:
        """Return a function that raises Abandoned when the client has gone before its turn."""

        def checked() -> T:
            if self.is_abandoned:
                raise Abandoned
            return function()

        return checked


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
