"""A sweep that names only some keys, laid over the configuration that has all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import InvalidInput, Unreadable
from ..layout import DEFAULT_CONFIG
from ..yamltext.template import Leaf, Path, Template
from ..yamltext.values import string_text, value_text

_INDENT = re.compile(r"[ ]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ON_ONE_LINE = frozenset({"plain", "single", "double", "flow"})


def overlaid(default_text: str, text: str, aliases: Mapping[str, str] | None = None) -> str:
    """Return the default with the values of `text` (YAML with batch syntax) in it.

    What `text` does not name keeps its default; the default's comments and order stay. A text that names
    every key stays as it is. `aliases` maps other names of the default's keys to them.

    Raises:
        InvalidInput: when `text` cannot be read.
        Unreadable: when the default cannot be.
    """
    given, default = Template.parse(text), _parsed_default(default_text)
    known = {leaf.key for leaf in default.leaves}
    meant = {leaf.key: leaf.key for leaf in given.leaves}
    for key in [key for key in meant if key not in known]:
        other = (aliases or {}).get(key)
        if other in known and other not in meant:
            meant[key] = other
    if known <= set(meant):
        return text
    changes = {meant[leaf.key]: leaf.source for leaf in given.leaves if meant[leaf.key] in known}
    added = [leaf for leaf in given.leaves if meant[leaf.key] not in known]
    places = [_place(default, leaf) for leaf in added]
    if not any("\n" in leaf.source for leaf in given.leaves) and None not in places:
        complete = default.replaced(changes)
        for leaf in added:
            complete = _with(Template.parse(complete), leaf)
        return complete
    # Shaped otherwise than the default: `text` as it is, and the default's other keys after it.
    tops = {leaf.path[0] for leaf in given.leaves} | set(given.base) | set(meant.values())
    missing = [(key, value) for key, value in default.base.items() if key not in tops]
    lines = [f"{string_text(key)}: {value_text(value)}\n" for key, value in missing]
    return "".join([text, "" if text.endswith("\n") or not text else "\n", *lines])


def _parsed_default(text: str) -> Template:
    try:
        return Template.parse(text)
    except InvalidInput as error:
        place = f", line {error.line}" if error.line else ""
        raise Unreadable(f"{DEFAULT_CONFIG} cannot be used{place}: {error.message}") from error


def _place(template: Template, leaf: Leaf) -> tuple[Path, Leaf | None] | None:
    """Return under which parent a new key can be written, and the key that it goes below; None: nowhere."""
    for size in range(len(leaf.path) - 1, -1, -1):
        parent = leaf.path[:size]
        below = [one for one in template.leaves if one.path[:size] == parent]
        if not below:
            continue
        if any(one.path == parent or one.path == leaf.path[: size + 1] for one in below):
            return None  # a value stands where a mapping is wanted
        if size == 0:
            return parent, None
        child = next(
            (one for one in below if len(one.path) == size + 1 and _has_own_line(template, one)), None
        )
        return (parent, child) if child is not None else None
    return ((), None) if leaf.path[0] not in template.base else None


def _has_own_line(template: Template, leaf: Leaf) -> bool:
    start = template.line_starts[leaf.line - 1]
    before = template.text[start : leaf.start].strip()
    key = before[:-1].rstrip() if before.endswith(":") else ""
    return leaf.style in _ON_ONE_LINE and key in (leaf.path[-1], f'"{leaf.path[-1]}"', f"'{leaf.path[-1]}'")


def _with(template: Template, leaf: Leaf) -> str:
    """Return the text with one key more, at the end of its parent."""
    found = _place(template, leaf)
    parent, child = found if found is not None else ((), None)
    indent, position = "", len(template.text)
    if child is not None:
        start = template.line_starts[child.line - 1]
        blank = _INDENT.match(template.text, start)
        indent = blank.group() if blank else ""
        ends = _LINE_END.search(template.text, child.end)
        position = ends.end() if ends else len(template.text)
    before = template.text[:position]
    lines = [] if not before or before.endswith(("\n", "\r")) else ["\n"]
    rest = leaf.path[len(parent) :]
    for depth, part in enumerate(rest):
        value = f" {leaf.source}" if depth == len(rest) - 1 else ""
        lines.append(f"{indent}{'  ' * depth}{string_text(part)}:{value}\n")
    return before + "".join(lines) + template.text[position:]
