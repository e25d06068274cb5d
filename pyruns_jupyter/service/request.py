"""Reading what a request carries, with a sentence for each thing that is wrong."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Protocol

from pyruns_jupyter.core.common.errors import InvalidInput

from .http_errors import TooLarge

MAX_BODY = 8 * 1024 * 1024  # bytes; far above any configuration
MAX_NUMBER = 2**53  # what all programs read from JSON as it is
_MISSING: Any = object()


class Arguments(Protocol):
    """What an operation is asked with, from an address or from a message; readers raise InvalidInput."""

    def text(self, key: str) -> str:
        """Return a text, empty when it is not given."""

    def texts(self, key: str) -> list[str]:
        """Return several texts, each once, in their order."""

    def number(self, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
        """Return a whole number, None when it is not given."""

    def flag(self, key: str) -> bool:
        """Return whether something is wanted; not when it is not given."""

    def body(self, *allowed: str) -> Body:
        """Return the object that goes with the request, which may have the keys `allowed`."""


class Body:
    """The JSON object of a request; each reader checks the type of one key."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    def of(cls, values: dict[str, Any], allowed: Collection[str]) -> Body:
        """Return a request's body, which may have the keys `allowed` and no others.

        Raises:
            InvalidInput: when it has others.
        """
        unknown = sorted(key for key in values if key not in allowed)
        if unknown:
            raise InvalidInput(
                f"The request does not know {unknown[0]!r}; it may have {', '.join(sorted(allowed))}.",
                field=unknown[0],
            )
        return cls(values)

    def has(self, key: str) -> bool:
        """Tell whether `key` was given and is not null."""
        return self._values.get(key) is not None

    def text(self, key: str, default: str = _MISSING) -> str:
        """Return a text."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise _wrong(key, "a text")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"{key!r} is not valid Unicode.", field=key) from None
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._value(key, _MISSING)
        if not isinstance(value, bool):
            raise _wrong(key, "true or false")
        return value

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(key, "a whole number")
        return _bounded(key, value, low, high)

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._value(key, _MISSING)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e15 < value < 1e15:
            raise _wrong(key, "a number")
        return float(value)

    def texts(self, key: str) -> list[str]:
        """Return a list of texts, each once, in their order."""
        value = self._value(key, _MISSING)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(key, "a list of texts")
        return list(dict.fromkeys(value))

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object; empty when it is not given."""
        value = self._value(key, {})
        if not isinstance(value, dict):
            raise _wrong(key, "an object")
        return value

    def inner(self, key: str, allowed: Collection[str]) -> Body:
        """Return the object under `key` for reading; it may have the keys `allowed` and no others."""
        value = self.mapping(key)
        unknown = sorted(name for name in value if name not in allowed)
        if unknown:
            raise InvalidInput(f"{key!r} does not know {unknown[0]!r}.", field=f"{key}.{unknown[0]}")
        return Body(value)

    def options(self, key: str, allowed: Collection[str]) -> dict[str, Any]:
        """Return the object under `key`, which may have the keys `allowed`, without those that are null."""
        values = self.inner(key, allowed)._values
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        if value is None:
            if default is _MISSING:
                raise InvalidInput(f"The request lacks {key!r}.", field=key)
            return default
        return value


class MessageArguments:
    """The arguments in a message of a widget, an object as JSON has it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = Body(values)

    def text(self, key: str) -> str:
        """Return a text, empty when it is not given."""
        return self._values.text(key, "")

    def texts(self, key: str) -> list[str]:
        """Return several texts, each once, in their order."""
        return self._values.texts(key) if self._values.has(key) else []

    def number(self, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
        """Return a whole number, None when it is not given."""
        return self._values.integer(key, low, low=low, high=high) if self._values.has(key) else None

    def flag(self, key: str) -> bool:
        """Return whether something is wanted; not when it is not given."""
        return self._values.has(key) and self._values.flag(key)

    def body(self, *allowed: str) -> Body:
        """Return the object that goes with the request, which may have the keys `allowed`."""
        return Body.of(self._values.mapping("body"), allowed)


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
        values = json.loads(data)
    except UnicodeDecodeError:
        raise InvalidInput("The request's body is not UTF-8 text.", field="body") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"The request's body is not valid JSON: {error.msg}.",
            field="body",
            line=error.lineno,
            column=error.colno,
        ) from None
    except (RecursionError, ValueError):
        raise InvalidInput("The request's body is not JSON that can be read.", field="body") from None
    if not isinstance(values, dict):
        raise InvalidInput("The request's body should be a JSON object.", field="body")
    return values


def query_integer(text: str | None, key: str, *, low: int = 0, high: int = MAX_NUMBER) -> int | None:
    """Return a number of the address' query, None when it is not there.

    Raises:
        InvalidInput: when it is no whole number from `low` to `high`.
    """
    if text is None:
        return None
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        raise InvalidInput(f"{key!r} should be a whole number, but is {text[:40]!r}.", field=key)
    return _bounded(key, int(digits), low, high)


def _bounded(key: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise InvalidInput(f"{key!r} should be from {low} to {high}, but is {value}.", field=key)
    return value


def _wrong(key: str, expected: str) -> InvalidInput:
    return InvalidInput(f"{key!r} should be {expected}.", field=key)
