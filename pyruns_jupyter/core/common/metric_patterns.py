"""Regular expressions that find metrics in the lines of a log: `loss: 0.12`, `epoch=3 val_acc=0.9`.

They are those of the user, or those of this module, which only find what is unambiguous.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .errors import shown
from .regular_expressions import compile_regex

if TYPE_CHECKING:
    from regex import Pattern

MAX_PATTERNS, MAX_PATTERN = 20, 1000  # and characters of one
MAX_NAME = 300  # characters
_MAX_VALUES = 200  # of a line
_KEY, _VALUE = "key", "value"  # groups with the name and the number of a metric

_NUMBER = r"[-+]?(?:(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,4})?|nan|inf|NaN|Inf|Infinity)"
_BEHIND = r"(?=[\s,;|)\]}]|$)|%(?=[\s,;)\]}]|$)|\.(?=\s|$)"
_PAIR = re.compile(rf" ?[:=] {{0,3}}({_NUMBER})(?:{_BEHIND})")
# Up to three words before `:` or `=`, after the start of the line, a number or punctuation: in a sentence, it
# would not be known where the name begins.
_WORD = r"[A-Za-z_][\w./@-]{0,59}"
_BEFORE = r"(?:^|[^\w\s./@-]|(?<![\w.])[\d.]+%?(?=\s)|\s-(?=\s))\s*"
_NAME = re.compile(rf"{_BEFORE}((?:{_WORD} ){{0,2}}{_WORD})$")
_NAME_ROOM = 200  # characters before `:` or `=` that can have the name
_PREFIX = re.compile(
    r"^\s*(?:\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?[\s:|-]*)?"
    r"(?:\[?(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b[\]:]?(?:\w{1,60}:)?[\s|-]*)?"
)
_STEP = re.compile(
    rf"{_BEFORE}(?:(?:train|training|val|valid|validation|test|eval|starting|begin|end|finished) )?"
    r"(global[_ ]step|step|iteration|iter|epoch) ?[:=#]? ?[\[(#]? ?(\d{1,12}(?:\.\d{1,12})?)(?![\w.]|:\d)",
    re.IGNORECASE,
)
_STEP_NAME = re.compile("step|iter|epoch", re.IGNORECASE)
_BAR = re.compile(r"it/s|s/it|/step\b|\d%\|")
_AROUND = " \t,;:|()[]{}"  # of a number
_CONTENT = re.compile(r"[A-Za-z0-9]")


class LogPatterns:
    """Expressions that find metrics in a line.

    An expression has a group for each metric, with its name, `(?P<loss>...)`, or the groups `key` and
    `value`. In one without named groups, the first two groups are these.
    """

    def __init__(self, patterns: Sequence[object] = ()) -> None:
        """Without `patterns`, those of this module are used.

        Raises:
            ValueError: when an expression is not valid; the message is a sentence without a full stop.
        """
        self._patterns = [_compiled(pattern) for pattern in patterns]

    def find(self, text: str, deadline: float) -> dict[str, float]:
        """Return names and numbers in a line, those of steps too; `deadline` is monotonic.

        Raises:
            TimeoutError, MemoryError: when an expression takes too long or too much memory.
        """
        pairs = self._by_patterns(text, deadline) if self._patterns else _automatic(text)
        values: dict[str, float] = {}
        ambiguous: set[str] = set()
        for name, value in pairs:
            known = values.setdefault(name, value)
            if known is not value and known != value:
                ambiguous.add(name)
        for name in ambiguous:
            del values[name]
        return values

    def _by_patterns(self, text: str, deadline: float) -> Iterator[tuple[str, float]]:
        for pattern, groups in self._patterns:
            left = max(0.0, deadline - time.monotonic())
            for number, match in enumerate(pattern.finditer(text, timeout=left)):
                if number >= _MAX_VALUES:
                    break
                for key_group, key, value_group in groups:
                    name = key if key_group is None else _joined(match[key_group] or "")
                    value = _number(match[value_group] or "")
                    if value is not None and 0 < len(name) <= MAX_NAME:
                        yield name, value


def _compiled(pattern: object) -> tuple[Pattern[str], list[tuple[int | None, str, int]]]:
    """Return an expression, and for each number that it finds the group or the text of its name, and its
    group.
    """
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN:
        raise ValueError(f"a pattern must be a text of 1 to {MAX_PATTERN} characters")
    try:
        compiled = compile_regex(pattern, ignore_case=False)
    except ValueError as error:
        raise ValueError(f"the pattern {shown(pattern)} is not a regular expression: {error}") from None
    named = dict(compiled.groupindex)
    key, value = named.pop(_KEY, None), named.pop(_VALUE, None)
    groups: list[tuple[int | None, str, int]] = [(None, name, number) for name, number in named.items()]
    if (key is None) != (value is None):
        raise ValueError(f"the pattern {shown(pattern)} must have both groups 'key' and 'value', or neither")
    if key is not None and value is not None:
        groups.append((key, "", value))
    elif not named:
        if compiled.groups < 2:
            raise ValueError(
                f"the pattern {shown(pattern)} has no group with the name of a metric, such as (?P<loss>...)"
            )
        groups.append((1, "", 2))
    return compiled, groups


def _automatic(text: str) -> list[tuple[str, float]]:
    """Return the pairs `name: number` and `name=number` of a line, and its steps.

    The line counts if it has a step, is that of a progress bar, or has nothing else.
    """
    has_step = _STEP_NAME.search(text) is not None
    if not has_step and _PAIR.search(text) is None:
        return []
    text = _PREFIX.sub("", text)
    pairs: list[tuple[str, float]] = []
    spans: list[tuple[int, int]] = []
    for match in _STEP.finditer(text) if has_step else ():
        number = float(match[2]) if "." in match[2] else int(match[2])
        pairs.append((match[1].lower().replace(" ", "_"), number))
        spans.append((match.start(1), match.end()))
    steps = len(pairs)
    for match in _PAIR.finditer(text):
        if len(pairs) >= _MAX_VALUES:
            break
        begin = max(0, match.start() - _NAME_ROOM)
        name = _NAME.search(text[begin : match.start()])
        if name is None or (begin and name.start() == 0):
            continue
        start = begin + name.start(1)
        if any(start < last and match.end() > first for first, last in spans):
            continue
        value = _number(match[1])
        if value is not None:
            pairs.append((_joined(name[1]), value))
            spans.append((start, match.end()))
    if steps or not pairs or _BAR.search(text):
        return pairs
    at = 0
    for first, last in spans:
        if _CONTENT.search(text, at, first):
            return []
        at = last
    return [] if _CONTENT.search(text, at) else pairs


def _joined(name: str) -> str:
    return "_".join(name.split())


def _number(text: str) -> float | None:
    text = text.strip(_AROUND)
    if "_" in text or len(text) > MAX_NAME:
        return None
    try:
        return int(text) if text.isdecimal() and len(text) < 19 else float(text.rstrip("%"))
    except ValueError:
        return None
