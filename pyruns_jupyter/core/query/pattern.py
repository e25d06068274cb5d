"""Regular expressions of users, of which none may keep a process busy for long.

Python's `re` backtracks and holds the interpreter while it does. Before a pattern is used, it is looked at
whether the next character always tells which way to go: then a search is cheap. What is open is counted; a
pattern with an open choice inside a repetition (`(a+)+`, `(a|a)*`) takes time without bound and is refused.
For the others the count tells with which power of a text's length the time grows at worst. A text that is
too long for that is first looked at in pieces, which grow as long as they are cheap.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput

from .scanner import QueryText

MAX_PATTERN = 500  # characters of a pattern
_MAX_OPEN = 3  # open repetitions in a row
_MAX_WAYS = 1000
# Characters that take some hundredths of a second at worst when the time grows linearly, quadratically, ...
_LENGTHS = (65536, 2048, 256, 96, 64)
_MIN_LENGTH = 32
_CHECKS = 8  # searches of pieces between two looks at the clock
_SLOW = 0.15  # seconds of one search that are still bearable, as nothing else runs meanwhile

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

# A set of characters: a bit for each of ASCII, then one each for the digits, white space, letters and all
# else beyond ASCII.
_DIGITS, _SPACES, _LETTERS, _REST = (1 << bit for bit in range(128, 132))
_OTHER = _DIGITS | _SPACES | _LETTERS | _REST
_ALL = (1 << 132) - 1
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_HEAVY = (*_REPEATS, "SUBPATTERN", "BRANCH")


class TimeIsOver(Exception):
    """A search took too long and was given up."""


class Clock:
    """Counts down the time that searches with patterns and in logs may take together.

    `seconds` begin with the first look at it; they are over at once when `is_given_up` says so. `pieces`
    counts the texts that were not looked at as a whole.
    """

    def __init__(self, seconds: float, is_given_up: Callable[[], bool] | None = None) -> None:
        self.seconds = seconds
        self.pieces = 0
        self._is_given_up = is_given_up
        self._end: float | None = None
        self._skipped = _CHECKS
        self._is_over = False

    def _look(self) -> bool:
        now = time.monotonic()
        if self._end is None:
            self._end = now + self.seconds
        return now > self._end or (self._is_given_up is not None and self._is_given_up())

    def check(self) -> None:
        """Go on only when there is time left; not every call looks.

        Raises:
            TimeIsOver: when there is none.
        """
        self._skipped += 1
        if self._skipped >= _CHECKS:
            self._skipped = 0
            self._is_over = self._is_over or self._look()
        if self._is_over:
            raise TimeIsOver


class Pattern:
    """A regular expression that was found harmless. The case of letters does not count.

    `length` characters can be searched at once whatever they are; beyond, the time grows with the power
    `degree` of the length at worst.
    """

    def __init__(self, compiled: re.Pattern[str], length: int, degree: int) -> None:
        self.length = length
        self.degree = degree
        self._search = compiled.search

    def search(self, text: str, clock: Clock) -> bool:
        """Tell whether it stands somewhere in `text`.

        Raises:
            TimeIsOver: when the time is over.
        """
        clock.check()
        length = self.length
        while length < len(text):
            found, seconds = self._in_pieces(text, length, clock)
            before, length = length, min(2 * length, len(text))
            if seconds * (length / before) ** self.degree > _SLOW:
                clock.pieces += not found
                return found
        return self._search(text) is not None

    def _in_pieces(self, text: str, length: int, clock: Clock) -> tuple[bool, float]:
        """Look at overlapping pieces; return whether it seems to stand in one, and the time of the slowest.

        The end of a piece may be taken for the end of the text.
        """
        step = length // 2
        slowest = 0.0
        for start in range(0, len(text) - step, step):
            clock.check()
            began = time.thread_time()  # other programs take none of it
            found = self._search(text, start, start + length) is not None
            slowest = max(slowest, time.thread_time() - began)
            if found:
                return True, slowest
        return False, slowest


def check(source: QueryText, pattern: str, position: int) -> None:
    """Look whether a pattern of a query can be used.

    Raises:
        InvalidInput: when it is none, or could take time without bound.
    """
    try:
        compile_pattern(pattern)
    except InvalidInput as error:
        raise source.wrong(error.message, position) from None


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Pattern:
    """Return a pattern ready for use.

    Raises:
        InvalidInput: when it is none, or could take time without bound.
    """
    if len(pattern) > MAX_PATTERN:
        raise _refused(pattern, f"it is longer than {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as a "[[" that may mean something else one day
            compiled = re.compile(pattern, re.IGNORECASE)
            tree = _parser.parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise InvalidInput(f"/{pattern}/ is no regular expression: {error}.", field="query") from None
    except RecursionError:
        raise _refused(pattern, "its parts lie too deep within each other") from None
    look = _Look()
    try:
        look.sequence(tree, 0, False)
    except _Open as error:
        raise _refused(pattern, str(error)) from None
    except RecursionError:
        raise _refused(pattern, "its parts lie too deep within each other") from None
    if look.opened > _MAX_OPEN:
        raise _refused(pattern, "too many of its repetitions can share the same characters")
    if look.ways > _MAX_WAYS:
        raise _refused(pattern, "too many of its alternatives begin alike")
    degree = look.degree
    length = int(_LENGTHS[degree - 1] / (look.ways * look.weight) ** (1 / degree))
    return Pattern(compiled, max(_MIN_LENGTH, length), degree)


def _refused(pattern: str, why: str) -> InvalidInput:
    shown = pattern if len(pattern) <= 60 else pattern[:59] + "…"
    return InvalidInput(f"/{shown}/ could take far too long: {why}. Use a simpler one.", field="query")


class _Open(Exception):
    """A choice inside a repetition that the next character does not settle."""


class _Look:
    """Walks over a parsed pattern from its end to its start, with the set of characters that may follow."""

    def __init__(self) -> None:
        self.opened = 0
        self.ways = 1
        self.weight = 1  # of what is repeated: groups and alternatives take long
        self.repeats = False
        self._settled = False  # whether something was repeated often, and it was clear where that ends
        self._behind = False  # whether that stands behind an open repetition
        self._firsts: dict[int, tuple[int, bool]] = {}

    @property
    def degree(self) -> int:
        """The power of the text's length with which the time grows at worst: it is searched from each of
        its characters on, each open repetition has as many ends, and to find out that it fails a settled one
        is gone through again.
        """
        return 1 + self.opened + (self._behind or (self.repeats and not self.opened))

    def sequence(self, items: Any, after: int, in_loop: bool) -> int:
        for item in reversed(list(items)):
            after = self.item(item, after, in_loop)
        return after

    def item(self, item: Any, after: int, in_loop: bool) -> int:
        """Look at one part; return the characters with which it, or what follows if it is empty, begins."""
        name, value = str(item[0]), item[1]
        if in_loop and name in _HEAVY:
            self.weight += 1
        if name == "SUBPATTERN":
            return self.sequence(value[3], after, in_loop)
        if name == "ATOMIC_GROUP":
            return self.sequence(value, after, in_loop)
        if name == "BRANCH":
            return self.branch(value[1], after, in_loop)
        if name in _REPEATS:
            return self.repeat(value, after, in_loop)
        if name in ("ASSERT", "ASSERT_NOT"):
            self.sequence(value[1], _ALL, in_loop)
            return after
        if name == "GROUPREF":
            self.open(in_loop, 2)
            self._settled = True
            return _ALL
        if name == "GROUPREF_EXISTS":
            raise _Open("it asks whether a group took part")
        first, is_empty = self.first_of(item)
        return first | after if is_empty else first

    def branch(self, branches: Any, after: int, in_loop: bool) -> int:
        seen = 0
        overlaps = False
        for branch in branches:
            first = self.sequence(branch, after, in_loop)
            overlaps |= bool(seen & first)
            seen |= first
        if overlaps:
            if in_loop:
                raise _Open("alternatives inside a repetition begin alike")
            self.ways *= len(branches)
        return seen

    def repeat(self, value: Any, after: int, in_loop: bool) -> int:
        low, high, body = int(value[0]), int(value[1]), value[2]
        first, is_empty = self.first(body)
        loops = high > 1
        self.repeats |= loops
        if loops and is_empty:
            raise _Open("what it repeats can be empty")
        begins = self.sequence(body, after | first if loops else after, in_loop or loops)
        if low != high and (first & after or is_empty):
            self.open(in_loop, high - low + 1)
        elif high > 10:
            self._settled = True
        return begins | after if low == 0 else begins

    def open(self, in_loop: bool, ways: int) -> None:
        if in_loop:
            raise _Open("a repetition inside a repetition can share its characters in many ways")
        if ways <= 10:
            self.ways *= ways
        else:
            self.opened += 1
            self._behind |= self._settled

    def first(self, items: Any) -> tuple[int, bool]:
        """Return the characters with which a sequence begins, and whether it can be empty."""
        known = self._firsts.get(id(items))
        if known is not None:
            return known
        found = 0
        for item in items:
            first, is_empty = self.first_of(item)
            found |= first
            if not is_empty:
                break
        else:
            self._firsts[id(items)] = (found, True)
            return found, True
        self._firsts[id(items)] = (found, False)
        return found, False

    def first_of(self, item: Any) -> tuple[int, bool]:
        name, value = str(item[0]), item[1]
        if name == "LITERAL":
            return _cased(_bit(value)), False
        if name == "NOT_LITERAL":
            return _ALL if value > 127 else _ALL & ~_bit(value), False
        if name == "ANY":
            return _ALL, False
        if name == "IN":
            return _class(value), False
        if name == "SUBPATTERN":
            return self.first(value[3])
        if name == "ATOMIC_GROUP":
            return self.first(value)
        if name == "BRANCH":
            parts = [self.first(branch) for branch in value[1]]
            return _union(first for first, _ in parts), any(is_empty for _, is_empty in parts)
        if name in _REPEATS:
            first, is_empty = self.first(value[2])
            return first, is_empty or int(value[0]) == 0
        if name == "FAILURE":
            return 0, False
        return (_ALL if name == "GROUPREF" else 0), True  # anchors and assertions take no characters


def _class(items: Any) -> int:
    """Return the characters that `[...]` may match."""
    found, sure, negated = 0, 0, False  # those that may be in it, and those that surely are
    for name, value in items:
        kind = str(name)
        if kind == "NEGATE":
            negated = True
        elif kind == "LITERAL":
            found |= _bit(value)
        elif kind == "RANGE":
            low, high = value
            found |= _union(1 << code for code in range(low, min(high, 127) + 1))
            found |= _OTHER if high > 127 else 0
        else:
            found |= _category(str(value))
            sure |= _category(str(value))
    return _ALL & ~(sure | found & ~_OTHER) if negated else _cased(found)


@lru_cache(maxsize=32)
def _category(name: str) -> int:
    matches = re.compile(_CATEGORIES.get(name, r"[\d\D]")).fullmatch
    examples = ((_DIGITS, "\u0663"), (_SPACES, "\xa0"), (_LETTERS, "\xe9"), (_REST, "\u2603"))
    others = _union(bit for bit, example in examples if matches(example))
    return others | _union(1 << code for code in range(128) if matches(chr(code)))


def _bit(code: int) -> int:
    if code < 128:
        return 1 << code
    letter = chr(code)
    if re.match(r"\d", letter):
        return _DIGITS
    return _SPACES if letter.isspace() else _LETTERS if re.match(r"\w", letter) else _REST


def _cased(found: int) -> int:
    for lower in range(ord("a"), ord("z") + 1):
        both = 1 << lower | 1 << (lower - 32)
        if found & both:
            found |= both
    return found


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found
