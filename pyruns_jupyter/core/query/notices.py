"""What is said about a search beside its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput

from .scanner import QueryText, Span


@dataclass(frozen=True)
class QueryNotice:
    """A sentence about a search, its place in it, and searches that may be meant instead.

    `is_serious` where the result is not what was asked for, so that nothing should be done to it;
    `is_partial` where that is so because not all could be looked at.
    """

    code: str
    message: str
    line: int | None = None
    column: int | None = None
    suggestions: tuple[str, ...] = ()
    is_serious: bool = False
    field: str = "query"
    is_partial: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as a `FieldError`."""
        told = {
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "line": self.line,
            "column": self.column,
        }
        return {**told, "suggestions": list(self.suggestions)} if self.suggestions else told

    def error(self) -> InvalidInput:
        """Return it as an error, for those who must not go on."""
        return InvalidInput(
            self.message,
            field=self.field,
            line=self.line,
            column=self.column,
            suggestions=self.suggestions,
        )


def notice(
    source: QueryText,
    span: Span,
    code: str,
    message: str,
    *,
    suggestions: Sequence[str] = (),
    is_serious: bool = False,
) -> QueryNotice:
    """Return a notice about a part of a query."""
    line, column = source.place(span.start) if source.text else (None, None)
    return QueryNotice(code, message, line, column, tuple(suggestions), is_serious)


def names(keys: Sequence[str], last: str = "or") -> str:
    """Return `a`, `b` or `c`."""
    marked = [f"`{key}`" for key in keys]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} {last} {marked[-1]}"


def number_of(count: int, noun: str = "task") -> str:
    """Return `1 task`, `1,200 tasks`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
