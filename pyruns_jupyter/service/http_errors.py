"""Results as JSON, and errors as HTTP statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pyruns_jupyter.core.common.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NoSpace,
    NotFound,
    PyrunsError,
    Unreadable,
)
from pyruns_jupyter.core.common.json_floats import encode_nonfinite


class Forbidden(PyrunsError):
    """The user does not have the permission, or the administrator disabled the action."""

    code = "forbidden"


class TooLarge(PyrunsError):
    """The request or the result is larger than the limit."""

    code = "too_large"


# The first matching class counts.
_STATUSES: tuple[tuple[type[PyrunsError], int], ...] = (
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),  # before InvalidInput: the error for a name in use is both
    (InvalidInput, 400),
    (Unreadable, 409),
    (TooLarge, 413),
    (Busy, 503),
    (NoSpace, 507),
)
_CODES = {400: "invalid_input", 403: "forbidden", 404: "not_found", 405: "not_allowed", 413: "too_large"}
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DEPTH = 3  # levels of containers whose items are encoded separately
_LONG = 100  # items
INTERNAL = "Internal error. See the log of the server or the kernel for details."


def status_of_error(error: PyrunsError) -> int:
    """Return the HTTP status for an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def code_of_status(status: int) -> str:
    """Return the error code for an HTTP status that no `PyrunsError` caused."""
    return _CODES.get(status, "error")


def to_json(value: object) -> str:
    """Return `value` as JSON; non-finite numbers become the texts "NaN", "Infinity" and "-Infinity".

    Large values are encoded in pieces, because the encoder holds the interpreter lock.
    """
    try:
        return "".join(_pieces(value, _DEPTH))
    except ValueError:
        return "".join(_pieces(encode_nonfinite(value), _DEPTH))


def _pieces(value: object, depth: int) -> Iterator[str]:
    """Yield the JSON of a value in pieces: one for each item of the outer `depth` levels of containers."""
    if depth and type(value) is dict and all(type(key) is str for key in value):
        separator = "{"
        for key, item in value.items():
            yield f"{separator}{_ENCODER.encode(key)}:"
            yield from _pieces(item, depth - 1)
            separator = ","
        yield "}" if value else "{}"
    elif depth and type(value) is list and len(value) > _LONG and type(value[0]) in (dict, list):
        separator = "["
        for item in value:
            yield separator + _ENCODER.encode(item)
            separator = ","
        yield "]"
    else:
        yield _ENCODER.encode(value)
