"""The base of all handlers: authentication, authorization, errors and JSON."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from pyruns_jupyter.core.common.errors import PyrunsError, from_os_error, shortened
from pyruns_jupyter.service.http_errors import INTERNAL, Forbidden, code_of_status, status_of_error, to_json
from pyruns_jupyter.service.operations import EXECUTE, READ, WRITE

from .services import SETTING, Services

RESOURCE = "pyruns"

Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])
T = TypeVar("T")


def endpoint(action: str | None) -> Callable[[Method], Method]:
    """Decorate a handler's method: the user must be signed in and allowed to perform `action` on the resource
    `pyruns` (None: the method checks the permission).
    """

    def wrap(method: Method) -> Method:
        allowed: Any = method if action is None else authorized(action, resource=RESOURCE)(method)
        return cast("Method", functools.wraps(method)(web.authenticated(allowed)))

    return wrap


class ExtensionHandler(JupyterHandler):
    """Checks permissions and sends errors as JSON."""

    _is_disconnected = False

    @property
    def services(self) -> Services:
        """The services that all handlers share."""
        return cast("Services", self.settings[SETTING])

    @property
    def is_gone(self) -> bool:
        """Whether the response is no longer needed: the client disconnected, or the server is stopping."""
        return self._is_disconnected or self.services.is_stopping

    async def is_allowed(self, action: str) -> bool:
        """Return whether the user may perform `action`: `read`, `write` or `execute`."""
        if not self.current_user:
            return False
        if action == EXECUTE and not self.services.limits.allow_execution:
            return False
        return bool(
            await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, RESOURCE))
        )

    async def require(self, action: str) -> None:
        """Check that the user may perform `action`.

        Raises:
            Forbidden: if the user may not.
        """
        if action == EXECUTE and not self.services.limits.allow_execution:
            raise Forbidden("The administrator has disabled starting and stopping tasks on this server.")
        if not await self.is_allowed(action):
            words = {READ: "view", WRITE: "change", EXECUTE: "start or stop"}
            raise Forbidden(f"You do not have permission to {words[action]} tasks on this server.")

    def get_login_url(self) -> str:
        """Answer 403 instead of redirecting programs to a login page."""
        if not self.current_user:
            raise web.HTTPError(403)
        return super().get_login_url()

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Send an error with the status that fits it."""
        error = _for_user(kwargs)
        super().send_error(status_code if error is None else status_of_error(error), **kwargs)

    def log_exception(self, *info: Any) -> None:
        """Log an error, except user errors."""
        if _for_user({"exc_info": info}) is None:
            super().log_exception(*info)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error as JSON."""
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
            return "You are not signed in to this server or do not have permission. Sign in and try again."
        if status_code == 404:
            return f"Not found: {self.request.path}."
        if status_code == 405:
            return f"The method {self.request.method} is not allowed for {self.request.path}."
        return INTERNAL if status_code >= 500 else f"The request failed with status {status_code}."


class PyrunsHandler(ExtensionHandler, APIHandler):
    """A REST resource."""

    auth_resource = RESOURCE

    def on_connection_close(self) -> None:
        """Note that the client does not wait for the response."""
        self._is_disconnected = True
        super().on_connection_close()

    def update_api_activity(self) -> None:
        """Count requests as user activity, except GET: open pages repeat them without a user."""
        if self.request.method != "GET":
            super().update_api_activity()

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking function in a thread."""
        return await self.services.run(function, *arguments)

    async def answer(self, value: object, status: int = 200) -> None:
        """Send `value` as JSON, which is encoded in a thread."""
        text = await self.services.encode(lambda: to_json(value))
        self.set_status(status)
        self.answer_text(text)

    def answer_text(self, text: str) -> None:
        """Send JSON."""
        self.set_header("Cache-Control", "no-store")
        self.finish(text)


def _for_user(kwargs: dict[str, Any]) -> PyrunsError | None:
    info = kwargs.get("exc_info")
    error = info[1] if info else None
    if isinstance(error, PyrunsError):
        return error
    return from_os_error(error) if isinstance(error, OSError) else None
