"""A configuration as one level of dotted keys (`optimizer.lr`), for queries and tables.

Parsing YAML is slow, and the configurations of a sweep differ only in some values. So the plain values at
the ends of lines are cut out of a text. What is left is mostly the same text, and is parsed only once.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from operator import is_
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput

from .document import parse_config

# A plain value up to the end of its line or a comment. Wherever YAML expects a value, in block and in flow
# style, it is a scalar of its own, so a marker can stand in for it.
_PLAIN = r"(?:[\w./+~]|-(?=[\w./]))(?:[\w./+=@~%-]|:(?! |$)| (?! |#|$))*"
_VALUE = re.compile(rf"(?<=[:-] )({_PLAIN})(?= *$| +#)", re.ASCII | re.MULTILINE)
_MARKER = "\ue000"
_MAX_CUT = 64 * 1024  # characters of a text whose values are cut out
_MAX_LAYOUTS = 1000
_MAX_KEYS = 4 * 1024 * 1024  # characters of all dotted keys of a configuration


class FlatConfig(Mapping[str, Any]):
    """A mapping of dotted keys, which it shares with all configurations that have the same keys."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[Any, ...]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[self._places[key]]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
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


def keys_of(configs: Iterable[Mapping[str, Any]]) -> dict[str, None]:
    """Return the keys of all configurations, in the order in which they first occur."""
    shared: dict[int, FlatConfig] = {}
    found: dict[str, None] = {}
    for config in configs:
        if type(config) is not FlatConfig:
            found.update(dict.fromkeys(config))
        elif id(config._places) not in shared:
            shared[id(config._places)] = config
            found.update(dict.fromkeys(config._places))
    return found


def column_of(configs: Iterable[Mapping[str, Any] | None], key: str, missing: Any = None) -> list[Any]:
    """Return the value of `key` in each configuration, or `missing`; quick where many have the same keys."""
    found = []
    places: dict[str, int] | None = None
    place: int | None = None
    for config in configs:
        if type(config) is FlatConfig:
            if config._places is not places:
                places = config._places
                place = places.get(key)
            found.append(missing if place is None else config._values[place])
        else:
            found.append(missing if config is None else config.get(key, missing))
    return found


def flatten(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings as one level of dotted keys, in order; lists and empty mappings are values.

    Raises:
        InvalidInput: when the keys have more than 4 Mi characters: a small text with long nested names, which
            are repeated for every value, would fill the memory.
    """
    found: dict[str, Any] = {}
    _flatten(value, "", found, _MAX_KEYS)
    return found


def _flatten(value: Mapping[str, Any], prefix: str, found: dict[str, Any], room: int) -> int:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            room = _flatten(item, f"{prefix}{key}.", found, room)
        else:
            name = f"{prefix}{key}"
            room -= len(name)
            if room < 0:
                raise InvalidInput(
                    "The keys of the configuration are too long. Use shorter keys or fewer levels.",
                    field="yaml",
                )
            found[name] = item
    return room


class FlatReader:
    """Reads the texts of configurations. It shares work and memory between similar texts, so use one reader
    for a whole workspace.
    """

    def __init__(self) -> None:
        self._layouts: dict[str, FlatConfig | None] = {}
        self._places: dict[tuple[str, ...], dict[str, int]] = {}

    def read(self, text: str) -> FlatConfig:
        """Return the values of a configuration; none when the text is not a valid configuration."""
        if len(text) > _MAX_CUT or _MARKER in text:
            return self._parsed(text)
        parts = _VALUE.split(text.replace("\r\n", "\n"))
        around = _MARKER.join(parts[::2])
        if around not in self._layouts:
            if len(self._layouts) >= _MAX_LAYOUTS:
                self.forget_layouts()
            self._layouts[around] = self._layout(parts)
        layout = self._layouts[around]
        if layout is None:
            return self._parsed(text)
        return FlatConfig(layout._places, tuple([_filled(value, parts) for value in layout._values]))

    def forget_layouts(self) -> None:
        """Release the memory of the texts that were read."""
        self._layouts.clear()

    def _layout(self, parts: list[str]) -> FlatConfig | None:
        """Return a configuration with markers in the places of the values that were cut out, None when a text
        like this has to be parsed as a whole: it is invalid, or a marker is only a part of a longer value.
        """
        marked = [f"{_MARKER}{at}" if at % 2 else part for at, part in enumerate(parts)]
        layout = self._parsed("".join(marked))
        try:
            filled = {key: _filled(value, parts) for key, value in layout.items()}
        except ValueError:
            return None
        return layout if filled and _MARKER not in json.dumps(filled, ensure_ascii=False) else None

    def _parsed(self, text: str) -> FlatConfig:
        try:
            found = flatten(parse_config(text))
        except InvalidInput:
            return EMPTY
        if not found:
            return EMPTY
        keys = tuple(found)
        places = self._places.get(keys)
        if places is None:
            places = self._places[keys] = {sys.intern(key): place for place, key in enumerate(keys)}
        return FlatConfig(places, tuple(found.values()))


def _filled(value: Any, parts: list[str]) -> Any:
    """Return a value of a layout, with values instead of markers.

    Raises:
        ValueError: when a text only begins with a marker.
    """
    kind = type(value)
    if kind is str:
        return _plain_value(parts[int(value[1:])]) if value[:1] == _MARKER else value
    if kind is list or kind is dict:
        items = value if kind is list else value.values()
        filled = [_filled(item, parts) for item in items]
        if all(map(is_, filled, items)):
            return value  # configurations share it
        return filled if kind is list else dict(zip(value, filled, strict=True))
    return value


@lru_cache(maxsize=4096)  # the configurations of a sweep share most values
def _plain_value(text: str) -> object:
    from pyruns_jupyter.core.config.yamltext.values import plain_value

    return plain_value(text)
