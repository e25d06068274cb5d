"""What a request carries as a typed struct, with a sentence for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.validation import convert, unknown_field

from .http_errors import TooLarge

MAX_BODY = 8 * 1024 * 1024  # bytes; far above any configuration
MAX_NUMBER = 2**53  # what all programs read from JSON as it is
MAX_RUN = 2**31

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]
RunNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_RUN)]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What an address carries in its path and its query, and the keys of the body."""


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
T = TypeVar("T")


class RequestSource(Protocol):
    """What a client sent."""

    def read(self, kind: type[R]) -> R:
        """Return it as a request, or raise InvalidInput."""


def read_request(
    kind: type[R], values: Mapping[str, Any], body: Mapping[str, Any] | None = None, *, strict: bool = True
) -> R:
    """Return what a client sent as a request; null is a value that is not given, and of equal texts in a list
    of `values` only the first counts.

    Without `strict`, `values` are texts of an address if there is no `body`.

    Raises:
        InvalidInput: when something is missing or does not fit, or the body has other keys.
    """
    names = kind.__struct_fields__
    given = {name: _distinct(values[name]) for name in names if values.get(name) is not None}
    if body is not None:
        check_keys(body, [name for name in names if name not in given])
        given.update((key, value) for key, value in body.items() if value is not None)
    return convert(given, kind, strict=strict or body is not None)


def parse_body(data: bytes) -> dict[str, Any]:
    """Read the JSON object in the body of a request.

    Raises:
        InvalidInput, TooLarge: when it is not such an object.
    """
    if len(data) > MAX_BODY:
        raise TooLarge(f"The request is larger than {MAX_BODY >> 20} MiB.")
    if not data.strip():
        raise InvalidInput("The request needs a JSON object as its body, but it is empty.", field="body")
    try:
        values = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise InvalidInput(f"The request's body is not valid JSON: {why}.", field="body") from None
    if not isinstance(values, dict):
        raise InvalidInput("The request's body must be a JSON object.", field="body")
    return values


class Arguments:
    """The arguments in a message of a widget, an object as JSON has it; readers raise InvalidInput."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def read(self, kind: type[R]) -> R:
        """Return the arguments as a request."""
        return read_request(kind, self._values, _one(self._values, "body", dict[str, Any]))

    def text(self, key: str) -> str:
        """Return a text, empty when it is not given."""
        return _one(self._values, key, str) or ""

    def number(self, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
        """Return a whole number, None when it is not given."""
        return _one(self._values, key, _whole(low, high))

    def flag(self, key: str) -> bool:
        """Return whether something is wanted; not when it is not given."""
        return _one(self._values, key, bool) or False


def query_integer(text: str | None, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
    """Return a number of the address' query, None when it is not there.

    Raises:
        InvalidInput: when it is not a whole number from `low` to `high`.
    """
    return None if text is None else convert(text, _whole(low, high), field=key, strict=False)


def _whole(low: int, high: int) -> type[int]:
    return Annotated[int, msgspec.Meta(ge=low, le=high)]  # type: ignore[return-value]


def _distinct(value: object) -> object:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(dict.fromkeys(value))
    return value


def _one(values: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = values.get(key)
    return None if value is None else convert(value, kind, field=key)


def given_options(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a batch that are not null."""
    return {key: value for key, value in (values or {}).items() if value is not None}


def check_keys(values: Mapping[str, Any], allowed: Collection[str], inside: str = "") -> None:
    """Check that an object has no keys but `allowed`; `inside` is where it is, with a dot.

    Raises:
        InvalidInput: when it has others.
    """
    for key in values:
        if key not in allowed:
            raise unknown_field(key, allowed, inside)
