"""Complete a sweep over some keys with the default configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.config.yamltext.reader import Leaf, Path
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.values import mapping_lines, string_text, value_text
from pyruns_jupyter.core.taskfile.paths import DEFAULT_CONFIG

MAX_ADDED_KEYS = 2000

_INDENT = re.compile(r"[ ]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ON_ONE_LINE = frozenset({"plain", "single", "double", "flow"})


def overlaid(default_text: str, text: str, aliases: Mapping[str, str] | None = None) -> str:
    """Return the default configuration with the values of `text` (YAML with sweep syntax).

    Other keys keep their defaults, and the comments and order are those of the default. A text with all keys
    is returned unchanged. `aliases` maps other names of the default's keys to these.

    Raises:
        InvalidInput: when `text` is not valid.
        Unreadable: when the default is not valid.
    """
    given, default = Template.parse(text), _parsed_default(default_text)
    known = {leaf.key for leaf in default.leaves}
    targets = {leaf.key: leaf.key for leaf in given.leaves}
    for key in [key for key in targets if key not in known]:
        other = (aliases or {}).get(key)
        if other in known and other not in targets:
            targets[key] = other
    if known <= set(targets):
        return text
    changes = {targets[leaf.key]: leaf.source for leaf in given.leaves if targets[leaf.key] in known}
    added = [leaf for leaf in given.leaves if targets[leaf.key] not in known]
    if len(added) > MAX_ADDED_KEYS:
        raise InvalidInput(
            f"{len(added):,} keys are not in the default configuration, but at most {MAX_ADDED_KEYS:,} are "
            f"allowed. Add them to {DEFAULT_CONFIG} first.",
            field="yaml",
        )
    if not any("\n" in leaf.source or _is_in_list(given, leaf) for leaf in added + given.leaves):
        parents = _Parents(default)
        if None not in [parents.of(leaf) for leaf in added]:
            return _with(default.replaced(changes), added)
    # The structure differs from the default: append the missing top-level keys to `text`.
    tops = {leaf.path[0] for leaf in given.leaves} | set(given.base) | set(targets.values())
    missing = [(key, value) for key, value in default.base.items() if key not in tops]
    lines = [f"{string_text(key)}: {value_text(value)}\n" for key, value in missing]
    return "".join([text, "" if text.endswith("\n") or not text else "\n", *lines])


def _parsed_default(text: str) -> Template:
    try:
        return Template.parse(text)
    except InvalidInput as error:
        place = f", line {error.line}" if error.line else ""
        raise Unreadable(f"{DEFAULT_CONFIG} is not valid{place}: {error.message}") from error


def _is_in_list(template: Template, leaf: Leaf) -> bool:
    holder: object = template.base
    for part in leaf.path[:-1]:
        if not isinstance(holder, dict):
            return True
        holder = holder.get(part)
    return not isinstance(holder, dict)


class _Parents:
    """The places for new keys in a document."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._leaves = {leaf.path for leaf in template.leaves}
        self._inner: set[Path] = set()  # the paths of mappings and lists
        self._first: dict[Path, Leaf] = {}  # of the leaves of a mapping that have a line of their own
        for leaf in template.leaves:
            path = leaf.path[:-1]
            while path not in self._inner:
                self._inner.add(path)
                path = path[:-1]
            if leaf.path[:-1] not in self._first and _has_own_line(template, leaf):
                self._first[leaf.path[:-1]] = leaf

    def of(self, leaf: Leaf) -> tuple[Path, Leaf | None] | None:
        """Return the parent of a new key and the key that it goes below, None when there is no place for it.

        Without a key to go below, it goes to the end of the document.
        """
        for size in range(len(leaf.path) - 1, -1, -1):
            parent = leaf.path[:size]
            if parent in self._leaves:
                return None  # the document has a value instead of a mapping
            if parent not in self._inner:
                continue
            if leaf.path[: size + 1] in self._leaves or leaf.path in self._inner:
                return None  # the document has a mapping instead of a value
            if size == 0:
                return parent, None
            child = self._first.get(parent)
            return None if child is None else (parent, child)
        return ((), None) if leaf.path[0] not in self._template.base else None


def _has_own_line(template: Template, leaf: Leaf) -> bool:
    start = template.line_starts[leaf.line - 1]
    before = template.text[start : leaf.start].strip()
    key = before[:-1].rstrip() if before.endswith(":") else ""
    return leaf.style in _ON_ONE_LINE and key in (leaf.path[-1], f'"{leaf.path[-1]}"', f"'{leaf.path[-1]}'")


def _with(text: str, added: list[Leaf]) -> str:
    """Return a text with more keys, each at the end of the document or below the first key of its parent."""
    template = Template.parse(text)
    parents = _Parents(template)
    below: dict[tuple[int, str], dict[str, Any]] = {}  # new keys by position and indentation
    for leaf in added:
        parent, child = parents.of(leaf) or ((), None)
        indent, position = "", len(template.text)
        if child is not None:
            start = template.line_starts[child.line - 1]
            blank = _INDENT.match(template.text, start)
            indent = blank.group() if blank else ""
            ends = _LINE_END.search(template.text, child.end)
            position = ends.end() if ends else len(template.text)
        holder = below.setdefault((position, indent), {})
        for part in leaf.path[len(parent) : -1]:
            holder = holder.setdefault(part, {})
        holder[leaf.path[-1]] = leaf.source
    parts, done = [], 0
    # At equal positions the deeper indentation comes first, as it belongs to the lines above.
    for (position, indent), keys in sorted(below.items(), key=lambda item: (item[0][0], -len(item[0][1]))):
        parts.append(template.text[done:position])
        if position > done and template.text[position - 1] not in "\r\n":
            parts.append("\n")
        parts += mapping_lines(keys, str, indent)
        done = position
    return "".join([*parts, template.text[done:]])
