"""Searching and sorting rows of tasks."""

from .language import Query, natural_key, parse, quote, select, value_text

__all__ = ["Query", "natural_key", "parse", "quote", "select", "value_text"]
