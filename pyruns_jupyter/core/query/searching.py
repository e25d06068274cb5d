"""Words and patterns without a field: looked for in the name, the swept values, the notes and the tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyruns_jupyter.core.tasks.row import TaskRow

from .values import value_text

Check = Callable[[TaskRow], bool]


def text_check(text: str, is_glob: bool) -> Check:
    """Return what looks for a text in a row, whatever the case of its letters."""
    if is_glob:
        return _check(glob(f"*{text}*"))
    wanted = text.casefold()
    return _check(lambda found: wanted in found.casefold())


def glob(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a whole text is like a pattern in which `*` stands for anything."""
    first, *inner, last = pattern.casefold().split("*")

    def matches(text: str) -> bool:
        text = text.casefold()
        position, end = len(first), len(text) - len(last)
        if position > end or not (text.startswith(first) and text.endswith(last)):
            return False
        for part in inner:
            position = text.find(part, position, end)
            if position < 0:
                return False
            position += len(part)
        return True

    return matches


def search_check(search: Callable[[str], bool]) -> Check:
    """Return what looks for a pattern in a row: in each text by itself."""
    return _check(search)


def _check(test: Callable[[str], bool]) -> Check:
    # The tasks of a sweep share their values: each pair of key and value is looked at once.
    pairs: dict[tuple[str, Any], bool] = {}

    def look(pair: tuple[str, Any]) -> bool:
        key, value = pair
        told = test(f"{key}={value_text(value)}")
        if not isinstance(value, (bool, list, dict)):  # true is as good as 1 in a dictionary
            pairs[pair] = told
        return told

    def check(row: TaskRow) -> bool:
        for pair in row.swept.items():
            try:
                told = pairs.get(pair)
            except TypeError:  # a list
                told = None
            if told is None or pair[1].__class__ is bool:
                told = look(pair)
            if told:
                return True
        if test(row.name):
            return True
        return bool((row.notes and test(row.notes)) or (row.tags and any(map(test, row.tags))))

    return check
