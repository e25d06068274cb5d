"""Requests as typed structs, and their validation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.validation import convert, unknown_field

from .http_errors import TooLarge

MAX_BODY = 8 * 1024 * 1024  # bytes
MAX_NUMBER = 2**53  # larger integers lose digits in JavaScript

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]
RunNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all requests: values of the path, the query and the body."""


class TaskRequest(Request, frozen=True):
    """A request for a task."""

    task: str


class RunRequest(TaskRequest, frozen=True):
    """A request for a run of a task."""

    run: RunNumber


class StudyRequest(Request, frozen=True):
    """A request for a study."""

    study: str


R = TypeVar("R", bound=msgspec.Struct)


class RequestSource(Protocol):
    """The values that a client sent."""

    def read(self, kind: type[R]) -> R:
        """Return the values as a request, or raise InvalidInput."""


def read_request(
    kind: type[R], values: Mapping[str, Any], body: Mapping[str, Any] | None = None, *, strict: bool = True
) -> R:
    """Return a request from the values of its path and query, and from its body.

    A null counts as not given. Duplicate texts in a list of `values` are removed. Without `strict` and
    without a body, `values` may contain numbers and booleans as text, like a URL.

    Raises:
        InvalidInput: if a value is missing or invalid, or the body has an unknown key.
    """
    names = kind.__struct_encode_fields__
    given = {name: _distinct(values[name]) for name in names if values.get(name) is not None}
    if body is not None:
        check_keys(body, [name for name in names if name not in given])
        given.update((key, value) for key, value in body.items() if value is not None)
    return convert(given, kind, strict=strict or body is not None)


def parse_body(data: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        InvalidInput: if the body is not a JSON object.
        TooLarge: if the body is too large.
    """
    if len(data) > MAX_BODY:
        raise TooLarge(f"The request is larger than {MAX_BODY >> 20} MiB.")
    if not data.strip():
        raise InvalidInput("The body of the request is empty. It must be a JSON object.", field="body")
    try:
        values = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise InvalidInput(f"The body of the request is not valid JSON: {why}.", field="body") from None
    if not isinstance(values, dict):
        raise InvalidInput("The body of the request must be a JSON object.", field="body")
    return values


class Arguments:
    """The arguments in a message of a widget: a JSON object."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def read(self, kind: type[R]) -> R:
        """Return the arguments as a request, or raise InvalidInput."""
        body = self._values.get("body")
        return read_request(
            kind, self._values, None if body is None else convert(body, dict[str, Any], field="body")
        )


def _distinct(value: object) -> object:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(dict.fromkeys(value))
    return value


def given_options(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a batch that are not null."""
    return {key: value for key, value in (values or {}).items() if value is not None}


def check_keys(values: Mapping[str, Any], allowed: Collection[str], inside: str = "") -> None:
    """Check the keys of an object; `inside` is its place in the request, with a dot at the end.

    Raises:
        InvalidInput: if a key is not in `allowed`.
    """
    for key in values:
        if key not in allowed:
            raise unknown_field(key, allowed, inside)
