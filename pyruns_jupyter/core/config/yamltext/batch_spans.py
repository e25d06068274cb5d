"""Recognize sweep syntax, and find it inside flow collections."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyruns_jupyter.core.common.time_limit import check_time

from .textscan import (
    CLOSE,
    OPEN,
    ScanError,
    has_bar,
    line_end,
    marks,
    matching_close,
    quoted_end,
    skip_blank,
    strip_span,
)

NUMBER = r"[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"({NUMBER}):({NUMBER})(?::({NUMBER}))?", re.ASCII)
# `(1, 4)` and `(1, 10, 2)`: the range as `pyruns` writes it, integers only.
TUPLE_RANGE = re.compile(r"\(\s*([-+]?\d+)\s*,\s*([-+]?\d+)\s*(?:,\s*([-+]?\d+)\s*)?\)", re.ASCII)
GENERATOR = re.compile(r"(log|lin|uniform|choice)\(")
GROUP = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]*):)?\(")
ESCAPED_BAR_IN_QUOTES = re.compile(r"(?<!\\)((?:\\\\)*)\\\|")
MAX_DEPTH = 100
MAX_CONDITIONS = 20  # of a value

_IF, _ELSE = " if ", " else "
_COMPARISON = re.compile(
    r"\s*(?P<key>[^\s=!<>]+)(?:\s*(?P<operator>==|!=|<=|>=|<|>)|\s+(?P<among>in)(?=[\s(\[]))\s*(?P<wanted>\S.*?)\s*",
    re.DOTALL,
)
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'", re.DOTALL)
_KEY = re.compile(r"""[^\s,\[\]{}"'|#&*!%@`()][^,\[\]{}"'|\r\n]*?:(?=\s|$)""")


@dataclass(frozen=True)
class BatchSpan:
    """A part of a text that is written in sweep syntax; `end` is exclusive."""

    start: int
    end: int
    in_flow: bool


@dataclass(frozen=True)
class ConditionalValue:
    """The parts of `values if key operator wanted else otherwise`, with their indices in the text."""

    values: str
    key: str
    operator: str
    wanted: str
    otherwise: str
    key_at: int
    wanted_at: int
    otherwise_at: int


def split_conditional(text: str) -> ConditionalValue | None:
    """Return the parts of a value with a condition; None for other text. Quoted text is not split."""
    if _IF not in text or _ELSE not in text:
        return None
    masked = _QUOTED.sub(lambda quoted: "q" * len(quoted[0]), text)
    start = masked.find(_IF)
    end = masked.find(_ELSE, start)
    found = _COMPARISON.fullmatch(masked, start + len(_IF), end) if 0 <= start < end else None
    values, (after, stop) = text[:start].strip(), strip_span(text, end + len(_ELSE), len(text))
    if found is None or not values or after == stop:
        return None
    key, wanted = (text[found.start(name) : found.end(name)] for name in ("key", "wanted"))
    operator = found["operator"] or found["among"]
    places = found.start("key"), found.start("wanted"), after
    return ConditionalValue(values, key, operator, wanted, text[after:stop], *places)


def looks_batch(text: str, in_flow: bool = False) -> bool:
    """Return whether the value `text` (stripped, without comment) uses sweep syntax, correctly or not."""
    if not text:
        return False
    first = text[0]
    if first in "\"'" and quoted_end(text, 0) in (len(text), None):
        return first == '"' and ESCAPED_BAR_IN_QUOTES.search(text) is not None
    if first in "[{" and matching_close(text, 0) == len(text) - 1:
        return False  # its items are checked one by one
    if has_bar(text):
        return True
    for _ in range(MAX_CONDITIONS):
        conditional = split_conditional(text)
        if conditional is None:
            break
        if looks_batch(conditional.values, in_flow):
            return True
        text = conditional.otherwise
    if RANGE.fullmatch(text):
        return True
    if text[-1] != ")":
        return False
    if not in_flow and TUPLE_RANGE.fullmatch(text):
        return True
    generator = GENERATOR.match(text)
    if generator and matching_close(text, generator.end() - 1) == len(text) - 1:
        return True
    group = group_of(text)
    return group is not None and looks_batch(group[1].strip(), in_flow=False)


def group_of(text: str) -> tuple[str, str, int] | None:
    """Split `(...)` or `name:(...)` into the name, the inside and its index; None for other text."""
    found = GROUP.match(text)
    if found is None or matching_close(text, found.end() - 1) != len(text) - 1:
        return None
    return found.group(1) or "", text[found.end() : -1], found.end()


def flow_spans(text: str, start: int, depth: int = 0) -> tuple[list[BatchSpan], int]:
    """Return the spans in the flow collection that begins at `start`, and the index after it.

    A collection that is not closed ends with the text; the error of the YAML parser about it is better.

    Raises:
        ScanError: when collections are nested too deeply, or a list contains a tuple in parentheses.
    """
    if depth > MAX_DEPTH:
        raise ScanError(f"lists and mappings are nested more than {MAX_DEPTH} deep", start)
    spans: list[BatchSpan] = []
    position = start + 1
    size = len(text)
    while position < size:
        check_time()
        position = _skip_blank(text, position)
        if position >= size:
            break
        character = text[position]
        if character in "]}":
            return spans, position + 1
        if character == ",":
            position += 1
            continue
        position = _skip_key(text, position)
        if position >= size or text[position] in ",]}":
            continue
        if text[position] in "[{":
            inner, after = flow_spans(text, position, depth + 1)
            following = _skip_blank(text, after)
            if following >= size or text[following] in ",]}":
                spans += inner
                position = following
                continue
        end = _item_end(text, position, parentheses=True)
        begin, stripped = strip_span(text, position, end)
        item = text[begin:stripped]
        if looks_batch(item, in_flow=True):
            spans.append(BatchSpan(begin, stripped, in_flow=True))
            position = end
        elif item.startswith("(") and "," in item:
            raise ScanError("a list in parentheses is not valid YAML. Write [1, 2], or quote the text", begin)
        else:
            position = max(_item_end(text, position, parentheses=False), position + 1)
    return spans, size


def _skip_blank(text: str, position: int) -> int:
    """Return the index after white space and comments."""
    while True:
        position = skip_blank(text, position)
        if text[position : position + 1] != "#" or not text[position - 1].isspace():
            return position
        position = line_end(text, position)


def _skip_key(text: str, position: int) -> int:
    if text[position] in "\"'":
        end = quoted_end(text, position)
        if end is None:
            return len(text)
        after = _skip_blank(text, end)
        return _skip_blank(text, after + 1) if text[after : after + 1] == ":" else position
    found = _KEY.match(text, position)
    return _skip_blank(text, found.end()) if found else position


def _item_end(text: str, position: int, parentheses: bool) -> int:
    """Return where the item ends: at a comma or closing bracket of its collection, or at a comment."""
    stack: list[str] = []
    for at, character in marks(text, position):
        if character in "\"'":
            return len(text)
        if character == "#" and not stack:
            return at
        if character in OPEN and (parentheses or character != "("):
            stack.append(OPEN[character])
        elif character in CLOSE and (parentheses or character != ")"):
            if stack and stack[-1] == character:
                stack.pop()
            elif character != ")":
                return at
        elif character == "," and not stack:
            return at
    return len(text)
