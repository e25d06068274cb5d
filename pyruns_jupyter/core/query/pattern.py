"""Regular expressions in queries, with a limit on the time that a query may take."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.regular_expressions import compile_regex

if TYPE_CHECKING:
    from regex import Pattern

MAX_PATTERN = 500  # characters of a pattern
QUICK_TEXT = 1000  # characters that a quadratic pattern matches within milliseconds
_ONE_REPETITION = re.compile(r"(?:\\.|[^\\*+?{|(])*[*+?]?(?:\\.|[^\\*+?{|(])*", re.DOTALL)


class TimeBudget:
    """The time that all searches of one query may take, from the start of the first one.

    It ends at once when `is_given_up` returns true, as the client is gone.
    """

    def __init__(self, seconds: float, is_given_up: Callable[[], bool] | None = None) -> None:
        self.seconds = seconds
        self._is_given_up = is_given_up
        self._end: float | None = None

    def remaining(self) -> float:
        """Return the remaining seconds.

        Raises:
            TimeoutError: when no time remains.
        """
        now = time.monotonic()
        if self._end is None:
            self._end = now + self.seconds
        if now >= self._end or (self._is_given_up is not None and self._is_given_up()):
            raise TimeoutError
        return self._end - now


def is_quadratic(pattern: str) -> bool:
    """Return whether an expression takes at most quadratic time, as it has no groups and at most one
    repetition. It needs no timeout in a short text, where a timeout takes ten times as long as the search.
    """
    return _ONE_REPETITION.fullmatch(pattern) is not None


def compile_pattern(pattern: str) -> Pattern[str]:
    """Compile a regular expression of a query, which ignores case.

    Raises:
        InvalidInput: when it is too long or not valid.
    """
    if len(pattern) > MAX_PATTERN:
        raise InvalidInput(
            f"A regular expression in a query can have at most {MAX_PATTERN} characters.", field="query"
        )
    try:
        return compile_regex(pattern, ignore_case=True)
    except ValueError as error:
        raise InvalidInput(f"/{pattern}/ is not a regular expression: {error}.", field="query") from None
