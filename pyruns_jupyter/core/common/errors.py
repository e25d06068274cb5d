"""Errors with a message for the user: what is wrong, where, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

MAX_MESSAGE = 2000  # characters; a message may quote input of any length
_KEPT_AT_END = 200
_MAX_SHOWN = 80  # characters of a value in a message


def shortened(message: str) -> str:
    """Return a message without its middle if it is too long; its end says what to do."""
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[: MAX_MESSAGE - _KEPT_AT_END]} ... {message[-_KEPT_AT_END:]}"


class PyrunsError(Exception):
    """Base class of all errors with a message for the user.

    `code` is a stable identifier for programs (REST bodies, `--json` output).
    """

    code = "error"

    def __init__(self, message: str) -> None:
        message = shortened(message)
        super().__init__(message)
        self.message = message

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready data: `code` and `message`."""
        return {"code": self.code, "message": self.message}


class InvalidInput(PyrunsError):
    """Input of the user is invalid; nothing was written.

    `field` names the input (a dotted configuration key, or `name`, `yaml`, `script`, ...); `line` and
    `column` count from 1 in its text. `suggestions` are complete texts that may be meant instead.
    """

    code = "invalid_input"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        line: int | None = None,
        column: int | None = None,
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.field = None if field is None else field[:MAX_MESSAGE]
        self.line = line
        self.column = column
        self.suggestions = tuple(suggestions)

    def at(self, line: int | None, column: int | None) -> InvalidInput:
        """Return the same error at another place."""
        return InvalidInput(
            self.message, field=self.field, line=line, column=column, suggestions=self.suggestions
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the error with its position, for a form to display next to the field."""
        found = {**super().to_dict(), "field": self.field, "line": self.line, "column": self.column}
        return {**found, "suggestions": list(self.suggestions)} if self.suggestions else found


class InvalidInputs(InvalidInput):
    """Several inputs are invalid; the message is that of the first one."""

    def __init__(self, errors: Sequence[InvalidInput]) -> None:
        first = errors[0]
        super().__init__(first.message, field=first.field, line=first.line, column=first.column)
        self.errors = list(errors)

    def to_dict(self) -> dict[str, Any]:
        """Return the first error, with all of them in `errors`."""
        return {**super().to_dict(), "errors": [error.to_dict() for error in self.errors]}


class NotFound(PyrunsError):
    """Something that was named does not exist."""

    code = "not_found"


class Conflict(PyrunsError):
    """The state on disk does not allow the action (a running task cannot be renamed)."""

    code = "conflict"


class Untrusted(Conflict):
    """A folder or file of an engine was not created here by this user, so it is not used."""


class Busy(PyrunsError):
    """Another process has held a lock for too long; trying again may help."""

    code = "busy"


class Unreadable(PyrunsError):
    """A file exists but cannot be read or parsed; it is not changed."""

    code = "unreadable"


class NoSpace(PyrunsError):
    """The disk is full."""

    code = "no_space"


def shown(value: object) -> str:
    """Return a short text for a value in a message: YAML aliases can make a small file a huge value, and a
    number with thousands of digits cannot be converted to text.
    """
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…")
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number with more than 20 digits"
    kinds = ((dict, "a mapping"), ((list, tuple), "a list"), (bytes, "binary data"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "a value of another type")


def from_os_error(error: OSError) -> PyrunsError | None:
    """Return the error for a disk problem that the user can fix, else None."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.EACCES, errno.EPERM):
        return Conflict(f"The file system does not allow this operation{where}: {error.strerror}.")
    if error.errno == errno.EROFS:
        advice = "Mount it with write access, or use a project on another disk."
        return Conflict(f"The file system is read-only{where}. {advice}")
    if error.errno == errno.ENOSPC:
        return NoSpace(f"No space is left on the disk{where}. Delete files that are no longer needed.")
    if error.errno == errno.EDQUOT:
        return NoSpace(f"Your disk quota is used up{where}. Delete files that are no longer needed.")
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput("This name is too long for the file system. Choose a shorter name.", field="name")
    return None


def os_sentence(error: OSError) -> str:
    """Return a sentence for any error of the operating system."""
    known = from_os_error(error)
    if known is not None:
        return known.message
    where = f" ({error.filename})" if error.filename else ""
    return f"The operating system reported an error{where}: {error.strerror or error}."


def problem_text(problem: str | Exception) -> str:
    """Return a problem as the end of a sentence, without a full stop; unexpected errors with their type."""
    if isinstance(problem, OSError):
        return os_sentence(problem).rstrip(".")
    text = problem if isinstance(problem, str) else str(problem) or type(problem).__name__
    if isinstance(problem, Exception) and not isinstance(problem, PyrunsError):
        text = f"{type(problem).__name__}: {text}"
    return text.rstrip(".")
