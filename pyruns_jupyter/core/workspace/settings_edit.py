"""Changing one value in the text of the settings, so that comments and other settings stay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node


def with_value(text: str, keys: Sequence[str], value: object) -> str:
    """Return a YAML text with the value at nested keys set; mappings that are missing are added.

    The caller has to compare the result with what it expects: anchors and comments within the value can make
    it another one, and the text is returned unchanged if it cannot be changed.
    """
    from yaml.nodes import MappingNode

    from pyruns_jupyter.core.config.yamltext.values import compose

    mapping = compose(text)
    if not isinstance(mapping, MappingNode):
        return text if mapping is not None else with_entry_at_end(text, keys[0], _nested(keys[1:], value))
    for depth, key in enumerate(keys):
        entry, rest = entry_of(mapping, key), _nested(keys[depth + 1 :], value)
        if entry is None:
            is_top = depth == 0 and not mapping.flow_style
            if is_top:
                return with_entry_at_end(text, key, rest, mapping.start_mark.column)
            return with_entry(text, mapping, f"{to_json(key)}: {to_json(rest)}")
        name, found = entry
        if depth < len(keys) - 1 and isinstance(found, MappingNode) and found.value:
            mapping = found
            continue
        start, end = name.end_mark.index, end_of(found)
        if found.start_mark.index < start or "#" in text[start:end]:
            return text  # an alias, or it would remove a comment
        return f"{text[: found.start_mark.index].rstrip()} {to_json(rest)}{text[end:]}"
    return text


def _nested(keys: Sequence[str], value: object) -> object:
    for key in reversed(keys):
        value = {key: value}
    return value


def with_entry_at_end(text: str, key: str, value: object, column: int = 0) -> str:
    """Return a text with one more line, which begins at a column."""
    return (
        text + ("" if text.endswith("\n") or not text else "\n") + f"{' ' * column}{key}: {to_json(value)}\n"
    )


def with_entry(text: str, mapping: MappingNode, line: str) -> str:
    """Return a text with one more entry in a mapping that is not empty."""
    if mapping.flow_style:
        start = mapping.start_mark.index + 1
        return f"{text[:start]}{line}, {text[start:]}"
    end = line_end(text, end_of(mapping))
    indent = " " * mapping.value[0][0].start_mark.column
    return text[:end].removesuffix("\n") + f"\n{indent}{line}\n{text[end:]}"


def entry_of(mapping: MappingNode, name: str) -> tuple[Node, Node] | None:
    """Return the last key of a mapping with this text, which counts, and its value."""
    return next((one for one in reversed(mapping.value) if one[0].value == name), None)


def end_of(node: Node) -> int:
    """Return the end of a node without the comments and blank lines after a block."""
    from yaml.nodes import CollectionNode, MappingNode

    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(last[1] if isinstance(node, MappingNode) else last)
    return int(node.end_mark.index)


def without_lines(text: str, start: int, end: int) -> str:
    """Return a text without the lines from one position to another."""
    return text[: text.rfind("\n", 0, start) + 1] + text[line_end(text, end) :]


def line_end(text: str, position: int) -> int:
    """Return the end of a line, after its line break."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def to_json(value: object) -> str:
    """Return a value as JSON, which is also YAML."""
    return json.dumps(value, ensure_ascii=False)
