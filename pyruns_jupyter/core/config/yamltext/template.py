"""A YAML text as a document: its values with their keys and positions, and ways to replace some of them.

The rest of the text does not change: comments, order, spacing, line endings.
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
    """A parsed document, made by `Template.parse` or `Template.examine`.

    Only a template of `examine` has `errors`. One that is not `readable` only has `places`.
    """

    @staticmethod
    def parse(text: str) -> Template:
        """Read a YAML mapping that may hold sweep syntax. An empty text is an empty mapping.

        Raises:
            InvalidInputs: all errors, each with `field` ("yaml" or a dotted key), line and column.
        """
        template = Template.examine(text)
        if template.errors:
            raise InvalidInputs(template.errors)
        return template

    @staticmethod
    def examine(text: str) -> Template:
        """Read as much of a text as possible. `errors` of the result has all errors."""
        template = Template(text.removeprefix("\ufeff"))
        DocumentReader(template).read()
        return template

    def leaf(self, key: str) -> Leaf | None:
        """Return the field with a dotted key, None when it does not exist."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, Leaf]:
        return {leaf.key: leaf for leaf in reversed(self.leaves)}

    def located(self, place: SweptValue, error: ScanError) -> InvalidInput:
        """Return an error in a swept value with its position in the text."""
        line, column = self.position(min(place.start + error.offset, place.end))
        return InvalidInput(sentence(error.message), field=place.key, line=line, column=column)

    def with_position(self, error: InvalidInput) -> InvalidInput:
        """Return an error with the position of its key, or of the nearest enclosing key, in this text."""
        key = error.field or ""
        while key:
            leaf = self.leaf(key)
            if leaf is not None:
                return error.at(leaf.line, leaf.column)
            key = key.rpartition(".")[0]
        return error

    def config(self, values: Iterable[tuple[Path, object]]) -> dict[str, object]:
        """Return the configuration with `values` instead of sweep syntax."""
        result = {key: _copied(value) for key, value in self.base.items()}
        for path, value in values:
            target: Any = result
            for part in path[:-1]:
                target = target[int(part)] if isinstance(target, list) else target[part]
            if isinstance(target, list):
                target[int(path[-1])] = value
            else:
                target[path[-1]] = value
        return result

    def replaced(self, changes: Mapping[str, str]) -> str:
        """Return the text with new source texts (YAML or sweep syntax, one line each) of some fields.

        Raises:
            InvalidInput: when a key is not a field of this document, or the result is not valid.
        """
        parts: list[str] = []
        position = 0
        for key in changes:
            if self.leaf(key) is None:
                raise InvalidInput(f"This configuration has no key {key!r}.", field=key)
        for leaf in self.leaves:
            if leaf.key not in changes:
                continue
            source = changes[leaf.key].strip()
            if leaf.style in ("block", "literal", "folded"):
                # Replace from the colon or dash before the value up to the line break after it.
                inside = self.text[leaf.start : leaf.end]
                tail = inside[len(inside.rstrip("\r\n")) :]
                start, source = len(self.text[: leaf.start].rstrip()), f" {source}"
            else:
                start, tail = leaf.start, ""
                before = self.text[start - 1 : start]
                source = f" {source}" if source and before in (":", "-") else source
            parts += [self.text[position:start], source, tail]
            position = leaf.end
        result = "".join([*parts, self.text[position:]])
        Template.parse(result)
        return result

    def quoted_bars(self) -> list[Leaf]:
        """Return the quoted fields that would be a sweep without the quotes."""
        return [
            leaf
            for leaf in self.leaves
            if not leaf.batch
            and leaf.style in ("single", "double")
            and isinstance(leaf.value, str)
            and _SWEEPING_BARS.search(leaf.value)
        ]


def _copied(value: object) -> object:
    """Return a deep copy of plain data, in which aliases share nothing."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
