"""A YAML text as a document: its values with their keys and places, and the text with some of them replaced.

Everything that is not replaced stays as it is: comments, order, spacing, line endings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs

from .reader import Document, DocumentReader, Leaf, Path, SweptValue
from .textscan import ScanError, sentence

_SWEEPING_BARS = re.compile(r"\S[ \t]+\|[ \t]+\S")


@dataclass
class Template(Document):
    """A parsed document. Make one with `Template.parse`.

    `errors` is empty, except for one of `Template.examine`; without `readable` it has nothing but `places`.
    """

    @staticmethod
    def parse(text: str) -> Template:
        """Read a YAML mapping that may hold batch syntax. An empty text is an empty mapping.

        Raises:
            InvalidInputs: every place that is wrong, with `field` ("yaml" or a dotted key), line and column.
        """
        template = Template.examine(text)
        if template.errors:
            raise InvalidInputs(template.errors)
        return template

    @staticmethod
    def examine(text: str) -> Template:
        """Read as much as can be understood; `errors` of the result says what is wrong.

        What cannot be read at all has `places` only, as far as lines can be told apart without YAML.
        """
        template = Template(text.removeprefix("\ufeff"))
        DocumentReader(template).read()
        return template

    def leaf(self, key: str) -> Leaf | None:
        """Return the field with this dotted key, None when there is none."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, Leaf]:
        return {leaf.key: leaf for leaf in reversed(self.leaves)}

    def located(self, place: SweptValue, error: ScanError) -> InvalidInput:
        """Return what is wrong with a swept value, with its place in the text."""
        line, column = self.position(min(place.start + error.offset, place.end))
        return InvalidInput(sentence(error.message), field=place.key, line=line, column=column)

    def config(self, values: Iterable[tuple[Path, object]]) -> dict[str, object]:
        """Return the configuration with `values` at the places of batch syntax."""
        result = {key: _copied(value) for key, value in self.base.items()}
        for path, value in values:
            target: Any = result  # mappings and lists, as deep as the document
            for part in path[:-1]:
                target = target[int(part)] if isinstance(target, list) else target[part]
            if isinstance(target, list):
                target[int(path[-1])] = value
            else:
                target[path[-1]] = value
        return result

    def replaced(self, changes: Mapping[str, str]) -> str:
        """Return the text with other source texts (YAML or batch syntax, one line) for some fields.

        Raises:
            InvalidInput: when a key is not a field of this document or the result cannot be read.
        """
        parts: list[str] = []
        position = 0
        known = {leaf.key: leaf for leaf in self.leaves}
        for key in changes:
            if key not in known:
                raise InvalidInput(f"There is no key {key!r} in this configuration.", field=key)
        for leaf in self.leaves:
            if leaf.key not in changes:
                continue
            source = changes[leaf.key].strip()
            if leaf.style in ("block", "literal", "folded"):
                start, source, tail = self._value_start(leaf), f" {source}", self._tail(leaf)
            else:
                start, tail = leaf.start, ""
                before = self.text[start - 1 : start]
                source = f" {source}" if source and before in (":", "-") else source
            parts += [self.text[position:start], source, tail]
            position = leaf.end
        result = "".join([*parts, self.text[position:]])
        Template.parse(result)
        return result

    def _value_start(self, leaf: Leaf) -> int:
        """Where the value of a block leaf begins: right after the colon or dash before it."""
        return len(self.text[: leaf.start].rstrip())

    def _tail(self, leaf: Leaf) -> str:
        inside = self.text[leaf.start : leaf.end]
        return inside[len(inside.rstrip("\r\n")) :]

    def quoted_bars(self) -> list[Leaf]:
        """Return the quoted fields whose text would be a sweep without the quotes."""
        return [
            leaf
            for leaf in self.leaves
            if not leaf.batch
            and leaf.style in ("single", "double")
            and isinstance(leaf.value, str)
            and _SWEEPING_BARS.search(leaf.value)
        ]


def _copied(value: object) -> object:
    """Return plain data anew; what aliases share becomes separate."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
