"""Filter and sort tasks; the query language is described in `docs/query.md`."""

from .ast import Query
from .diagnostics import QueryNotice
from .fields import Sources
from .logs import Excerpt
from .parser import parse
from .scanner import quote
from .selection import QueryResult, select
from .values import value_text

__all__ = [
    "Excerpt",
    "Query",
    "QueryNotice",
    "QueryResult",
    "Sources",
    "parse",
    "quote",
    "select",
    "value_text",
]
