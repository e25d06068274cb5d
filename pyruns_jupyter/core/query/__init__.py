"""Searching and sorting rows of tasks; the grammar is described in `docs/query.md`."""

from .excerpts import Excerpt, Excerpts, log_needles
from .fields import Sources
from .notices import Notice
from .parser import parse
from .scanner import quote
from .selection import Selection, select
from .terms import Query
from .values import value_text

__all__ = [
    "Excerpt",
    "Excerpts",
    "Notice",
    "Query",
    "Selection",
    "Sources",
    "log_needles",
    "parse",
    "quote",
    "select",
    "value_text",
]
