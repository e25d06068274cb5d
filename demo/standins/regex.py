"""The part of the package regex that Pyruns uses, with `re`: without time limits.

A browser has no build of regex. The syntax is the same as far as Pyruns allows it; messages of errors differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from re import IGNORECASE, MULTILINE, Match, error

FULLCASE = 0
__all__ = ["FULLCASE", "IGNORECASE", "MULTILINE", "Match", "Pattern", "compile", "error"]


class Pattern:
    """A compiled expression."""

    def __init__(self, compiled: re.Pattern[str]) -> None:
        self._compiled = compiled
        self.pattern = compiled.pattern
        self.groups = compiled.groups
        self.groupindex: Mapping[str, int] = compiled.groupindex

    def search(
        self, text: str, pos: int = 0, endpos: int = sys.maxsize, timeout: float | None = None
    ) -> Match[str] | None:
        return self._compiled.search(text, pos, endpos)

    def finditer(
        self, text: str, pos: int = 0, endpos: int = sys.maxsize, timeout: float | None = None
    ) -> Iterator[Match[str]]:
        return self._compiled.finditer(text, pos, endpos)


def compile(pattern: str, flags: int = 0) -> Pattern:
    """Compile an expression.

    Raises:
        error: if it is not valid.
    """
    return Pattern(re.compile(pattern, flags))
