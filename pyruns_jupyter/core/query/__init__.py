"""Searching and sorting rows of tasks; the grammar is described in `docs/query.md`."""

from .ast import Query
from .excerpts import Excerpt, Excerpts, log_needles
from .fields import Sources
from .notices import QueryNotice
from .parser import parse
from .scanner import quote
from .selection import QueryResult, select
from .values import value_text

__all__ = [
    "Excerpt",
    "Excerpts",
    "Query",
    "QueryNotice",
    "QueryResult",
    "Sources",
    "log_needles",
    "parse",
    "quote",
    "select",
    "value_text",
]
