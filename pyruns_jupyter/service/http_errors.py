"""From core's data and errors to JSON and HTTP statuses."""

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
    """The user, or everybody by decision of the administrator, may not do this."""

    code = "forbidden"


class TooLarge(PyrunsError):
    """What was sent is larger than this server takes."""

    code = "too_large"


# The first that fits counts.
_STATUSES: tuple[tuple[type[PyrunsError], int], ...] = (
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),  # a name that is taken is both this and wrong input
    (InvalidInput, 400),
    (Unreadable, 409),
    (TooLarge, 413),
    (Busy, 503),
    (NoSpace, 507),
)
_CODES = {400: "invalid_input", 403: "forbidden", 404: "not_found", 405: "not_allowed", 413: "too_large"}
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DEPTH = 3  # of containers whose items are encoded one at a time
_LONG = 100  # items
INTERNAL = "Something went wrong inside the server extension. The server's log tells more."


def status_of_error(error: PyrunsError) -> int:
    """Return the HTTP status for an error that is meant for the user."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def code_of_status(status: int) -> str:
    """Return the word for programs that goes with an HTTP status without an error of ours."""
    return _CODES.get(status, "error")


def to_json(value: object) -> str:
    """Return `value` as JSON; numbers that JSON does not have become "NaN", "Infinity" and "-Infinity".

    Large values are encoded in pieces: the encoder lets no other thread run meanwhile.
    """
    try:
        return "".join(_pieces(value, _DEPTH))
    except ValueError:
        return "".join(_pieces(encode_nonfinite(value), _DEPTH))


def _pieces(value: object, depth: int) -> Iterator[str]:
    """Yield the JSON of a value: the items of its outer `depth` containers one at a time."""
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
