"""The base of all REST handlers: authentication, authorisation, errors as sentences, JSON."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from msgspec import Struct
from tornado import web

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, from_os_error, shortened
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service.http_errors import INTERNAL, Forbidden, code_of_status, status_of_error, to_json
from pyruns_jupyter.service.operations import EXECUTE, READ, WRITE
from pyruns_jupyter.service.request import parse_body, query_integer, read_request

from .services import SETTING, Services

RESOURCE = "pyruns"

Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])
T = TypeVar("T")
R = TypeVar("R", bound=Struct)


def endpoint(action: str | None) -> Callable[[Method], Method]:
    """Mark a handler's method: the user must be known, and allowed to do `action` (None: the method checks
    what) on the resource `pyruns`.
    """

    def wrap(method: Method) -> Method:
        allowed: Any = method if action is None else authorized(action, resource=RESOURCE)(method)
        return cast("Method", functools.wraps(method)(web.authenticated(allowed)))

    return wrap


class ExtensionHandler(JupyterHandler):
    """Checks permissions, reads arguments, and answers errors with JSON: code, sentence, where it applies."""

    _is_left = False

    @property
    def services(self) -> Services:
        """What all handlers share."""
        return cast("Services", self.settings[SETTING])

    @property
    def is_gone(self) -> bool:
        """Whether the answer is not needed any more: the client went, or the server stops."""
        return self._is_left or self.services.is_stopping

    def workspace(self, identifier: str) -> WorkspaceFolder:
        """Return the workspace that the path names.

        Raises:
            NotFound: when there is none below the server's root.
        """
        return self.services.paths.workspace(identifier)

    def query_text(self, key: str, default: str = "") -> str:
        """Return a parameter of the address' query."""
        return self.get_query_argument(key, default, strip=False)

    def query_flag(self, key: str) -> bool:
        """Return whether a parameter of the address' query is set: `1` or `true`.

        Raises:
            InvalidInput: when it is something else, and not `0`, `false` or empty.
        """
        value = self.get_query_argument(key, "")
        if value not in ("", "0", "1", "true", "false"):
            raise InvalidInput(f"{key!r} should be true or false, but is {value[:40]!r}.", field=key)
        return value in ("1", "true")

    def query_number(self, key: str, *, low: int = 0, high: int = 2**53) -> int | None:
        """Return a whole number of the address' query, None when it is not there."""
        return query_integer(self.get_query_argument(key, None), key, low=low, high=high)

    async def is_allowed(self, action: str) -> bool:
        """Return whether the user may do `action` (`read`, `write` or `execute`)."""
        if not self.current_user:
            return False
        if action == EXECUTE and not self.services.limits.allow_execution:
            return False
        return bool(
            await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, RESOURCE))
        )

    async def require(self, action: str) -> None:
        """Check that the user may do `action`.

        Raises:
            Forbidden: when not.
        """
        if action == EXECUTE and not self.services.limits.allow_execution:
            raise Forbidden("The administrator of this server has switched running tasks off.")
        if not await self.is_allowed(action):
            words = {READ: "look at", WRITE: "change", EXECUTE: "start or stop"}
            raise Forbidden(f"You are not allowed to {words[action]} tasks on this server.")

    def get_login_url(self) -> str:
        """Refuse instead of leading programs to a login page."""
        if not self.current_user:
            raise web.HTTPError(403)
        return super().get_login_url()

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Choose the status by the error."""
        error = _for_user(kwargs)
        super().send_error(status_code if error is None else status_of_error(error), **kwargs)

    def log_exception(self, *info: Any) -> None:
        """Keep the log free of what users do wrong."""
        if _for_user({"exc_info": info}) is None:
            super().log_exception(*info)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the error as JSON."""
        error = _for_user(kwargs)
        if error is not None:
            body = error.to_dict()
        else:
            body = {
                "code": code_of_status(status_code),
                "message": shortened(self._sentence(status_code, kwargs)),
            }
        self.set_header("Content-Type", "application/json")
        self.finish(to_json(body))

    def _sentence(self, status_code: int, kwargs: dict[str, Any]) -> str:
        error = (kwargs.get("exc_info") or (None, None))[1]
        message = ""
        if isinstance(error, web.HTTPError) and error.log_message:
            try:
                message = error.log_message % error.args if error.args else error.log_message
            except (TypeError, ValueError):
                message = error.log_message
        if message:
            return message.rstrip(".") + "."
        if status_code == 403:
            return "You are not signed in to this server, or not allowed to do this."
        if status_code == 404:
            return f"There is nothing at {self.request.path}."
        if status_code == 405:
            return f"{self.request.method} is not possible at {self.request.path}."
        return INTERNAL if status_code >= 500 else f"The request was refused ({status_code})."


class PyrunsHandler(ExtensionHandler, APIHandler):
    """A REST resource."""

    auth_resource = RESOURCE

    def on_connection_close(self) -> None:
        """Remember that nobody waits for the answer."""
        self._is_left = True
        super().on_connection_close()

    def update_api_activity(self) -> None:
        """Count what users do. Open panels ask again and again; that alone is nobody at work."""
        if self.request.method != "GET":
            super().update_api_activity()

    async def body(self, kind: type[R]) -> R:
        """Return the request's JSON object as a struct; it is parsed in a thread."""
        return await self.services.encode(lambda: read_request(kind, {}, parse_body(self.request.body)))

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a blocking function returns; it runs in a thread."""
        return await self.services.run(function, *arguments)

    async def answer(self, value: object, status: int = 200) -> None:
        """Finish with `value` as JSON, which is made in a thread."""
        text = await self.services.encode(lambda: to_json(value))
        self.set_status(status)
        self.answer_text(text)

    def answer_text(self, text: str) -> None:
        """Finish with JSON that was made already."""
        self.set_header("Cache-Control", "no-store")
        self.finish(text)


class NotHere(PyrunsHandler):
    """Anything below the API's address that is no resource."""

    @endpoint(READ)
    async def get(self) -> None:
        """Say that there is nothing."""
        raise web.HTTPError(404)


def _for_user(kwargs: dict[str, Any]) -> PyrunsError | None:
    info = kwargs.get("exc_info")
    error = info[1] if info else None
    if isinstance(error, PyrunsError):
        return error
    return from_os_error(error) if isinstance(error, OSError) else None
