"""From core's data and errors to JSON and HTTP statuses."""

from __future__ import annotations

import json

from pyruns_jupyter.core.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NoSpace,
    NotFound,
    PyrunsError,
    Unreadable,
)
from pyruns_jupyter.core.strictjson import strict


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
INTERNAL = "Something went wrong inside the server extension. The server's log tells more."


def status_of_error(error: PyrunsError) -> int:
    """Return the HTTP status for an error that is meant for the user."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def code_of_status(status: int) -> str:
    """Return the word for programs that goes with an HTTP status without an error of ours."""
    return _CODES.get(status, "error")


def to_json(value: object) -> str:
    """Return `value` as JSON; numbers that JSON does not have become "NaN", "Infinity" and "-Infinity"."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(strict(value), allow_nan=False, separators=(",", ":"))
