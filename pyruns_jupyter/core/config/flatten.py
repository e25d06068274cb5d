"""A configuration as one level of dotted keys (`optimizer.lr`), as searches and tables use it.

Thousands of configurations of a sweep differ in a few lines. So plain text (`key: value` lines, nested by
indentation, block lists of plain values) is read line by line, and each distinct line is understood once;
all other text goes through the YAML parser. Both ways give the same.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput

from .document import parse_config

_PLAIN = r"(?:[\w./+~]|-(?=[\w./]))(?:[\w./+=,@~%-]|:(?! |$)| (?! |#|$))*"
_KEY_LINE = re.compile(
    rf"(?P<indent> *)(?P<key>[a-z_][\w.-]{{0,200}}):(?: +(?:(?P<plain>{_PLAIN})|(?P<other>[\"'\[{{].*)))?"
    r"(?P<rest> *| +#.*)",
    re.ASCII | re.IGNORECASE,
)
_ITEM_LINE = re.compile(rf"(?P<indent> *)- +(?P<plain>{_PLAIN})(?P<rest> *| +#.*)", re.ASCII)
_EMPTY_LINE = re.compile(r" *(?:#.*)?")
# Not of plain text: characters that YAML refuses, tabs, and line breaks that only YAML knows.
_STRANGE = re.compile(
    "[^\x0a\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_MAX_SCANNED = 64 * 1024  # characters that are read line by line
_REMEMBERED = 20_000  # lines
_MAX_KEYS = 4 * 1024 * 1024  # characters of all dotted keys of a configuration

# What a line says: its indentation, its key (None: an item of a list), its value (`_OPEN`: in the lines
# below). `()` is an empty line, None one that only the YAML parser understands.
_Line = tuple[()] | tuple[int, str | None, Any] | None
_OPEN: Any = object()


class FlatConfig(Mapping[str, Any]):
    """A mapping of dotted keys that shares its keys with all configurations that have the same ones."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[Any, ...]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[self._places[key]]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, `default` when there is none."""
        place = self._places.get(key)
        return default if place is None else self._values[place]

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"FlatConfig({dict(self)!r})"


EMPTY = FlatConfig({}, ())


def flatten(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings as one level of dotted keys, in order; lists and empty mappings are values.

    Raises:
        InvalidInput: when the keys take more than 4 Mi characters: long names within each other, each of them
            repeated for every value, make much of a small text.
    """
    found: dict[str, Any] = {}
    _flatten(value, "", found, _MAX_KEYS)
    return found


def _flatten(value: Mapping[str, Any], prefix: str, found: dict[str, Any], room: int) -> int:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            room = _flatten(item, f"{prefix}{key}.", found, room)
        else:
            room -= len(prefix) + len(key)
            if room < 0:
                raise InvalidInput("The keys of the configuration are too long.", field="yaml")
            found[prefix + key] = item
    return room


class FlatReader:
    """Reads texts of configurations; remembers lines and key sets, so use one for a whole workspace."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._places: dict[tuple[str, ...], dict[str, int]] = {}

    def read(self, text: str) -> FlatConfig:
        """Return what a text holds; nothing when it is no configuration."""
        found = self._read_plain(text)
        if found is None:
            try:
                found = flatten(parse_config(text))
            except InvalidInput:
                return EMPTY
        if not found:
            return EMPTY
        keys = tuple(found)
        places = self._places.get(keys)
        if places is None:
            if sum(map(len, keys)) > _MAX_KEYS:
                return EMPTY
            keys = tuple(map(sys.intern, keys))
            places = self._places[keys] = {key: place for place, key in enumerate(keys)}
        return FlatConfig(places, tuple(found.values()))

    def forget_lines(self) -> None:
        """Give back the memory of the lines that were read."""
        self._lines.clear()

    def _read_plain(self, text: str) -> dict[str, Any] | None:
        """Return what plain text holds, None when the YAML parser has to look at it."""
        if len(text) > _MAX_SCANNED:
            return None
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        if _STRANGE.search(text):
            return None
        lines = self._lines
        found: dict[str, Any] = {}
        seen: set[str] = set()
        levels = [(0, "")]  # indentation and prefix of the mappings we are in
        level, prefix = levels[0]
        opened = ""  # the dotted key whose value may follow in the lines below, and its indentation
        opened_at = -1
        items: list[Any] | None = None
        items_at = 0
        for source in text.split("\n"):
            try:
                line = lines[source]
            except KeyError:
                line = self._understand(source)
            if line is None:
                return None
            if not line:
                continue
            indent, key, value = line
            if key is None:
                if items is None:
                    if opened_at < 0 or indent < opened_at:
                        return None
                    items = found[opened] = []
                    items_at, opened_at = indent, -1
                elif indent != items_at:
                    return None
                items.append(value)
                continue
            items = None
            if opened_at >= 0:
                if indent > opened_at:
                    level, prefix = indent, opened + "."
                    levels.append((level, prefix))
                else:
                    found[opened] = None
                opened_at = -1
            if indent != level:
                while indent < level:
                    levels.pop()
                    level, prefix = levels[-1]
                if indent != level:
                    return None
            dotted = prefix + key if prefix else key
            if dotted in seen:
                return None
            seen.add(dotted)
            if value is _OPEN:
                opened, opened_at = dotted, indent
            elif type(value) is dict and value:
                nested = {f"{dotted}.{name}": item for name, item in value.items()}
                if not seen.isdisjoint(nested):
                    return None
                seen.update(nested)
                found.update(nested)
            else:
                found[dotted] = value
        if opened_at >= 0:
            found[opened] = None
        return found

    def _understand(self, source: str) -> _Line:
        if len(self._lines) >= _REMEMBERED:
            self._lines.clear()
        line = self._lines[source] = _line(source)
        return line


def _line(source: str) -> _Line:
    from pyruns_jupyter.core.config.yamltext.values import plain_value

    if _EMPTY_LINE.fullmatch(source):
        return ()
    match = _KEY_LINE.fullmatch(source)
    if match is None:
        match = _ITEM_LINE.fullmatch(source)
        if match is None:
            return None
        return len(match["indent"]), None, _shared(plain_value(match["plain"]))
    indent, key = len(match["indent"]), sys.intern(match["key"])
    if match["plain"] is not None:
        return indent, key, _shared(plain_value(match["plain"]))
    if match["other"] is None:
        return indent, key, _OPEN
    try:
        value = parse_config(source.lstrip(" "))[key]
        return indent, key, flatten(value) if isinstance(value, dict) else value
    except (InvalidInput, KeyError):
        return None


def _shared(value: object) -> object:
    return sys.intern(value) if type(value) is str and len(value) <= 100 else value
