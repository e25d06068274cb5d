"""The sweep syntax of one value, such as `0.1 | 0.01` or `1:4`.

    a | b | c            a product axis
    (a | b | c)          a zipped axis; name:(a | b) puts it in a zip group of its own
    start:stop[:step]    a range, end excluded; (1, 4) is the same as 1:4 for integers
    log(lo, hi, n)  lin(lo, hi, n)  uniform(lo, hi, n, seed=1)
    choice(a, b, 1:100, n=2, seed=1)
                         n of the given values, which may be ranges and other functions
    (1, 2) | (3, 4)      tuples between bars are lists
    "a | b"              plain text; \\| is a bar that does not split

Candidates are YAML values. They may be ranges and functions, and items of lists may expand too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.batch_spans import (
    ESCAPED_BAR_IN_QUOTES,
    GENERATOR,
    RANGE,
    TUPLE_RANGE,
    flow_spans,
    group_of,
    looks_batch,
    split_conditional,
)
from pyruns_jupyter.core.config.yamltext.nodes import NodeReader, uses_common_scalars
from pyruns_jupyter.core.config.yamltext.textscan import (
    ScanError,
    has_bar,
    matching_close,
    quoted_end,
    split_top,
    strip_span,
)
from pyruns_jupyter.core.config.yamltext.values import (
    compose,
    is_same_everywhere,
    number_text,
    plain_value,
    quoted,
    scalar_tag,
    value_text,
)

from .generators import CHOICE_USAGE, call_arguments, range_values, sample, spread, too_many

DEFAULT_LIMIT = 10_000

_MAX_TUPLE_DEPTH = 20
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?", re.ASCII)

# Plain text that would mean something else in YAML here.
_NOT_PLAIN = re.compile(r"[,\]}#|>@`%&*!]|[-?:](?:\s|$)")
_NOT_IN_FLOW = re.compile(r"[,\[\]{}?]|^:")


@dataclass(frozen=True)
class Candidate:
    """One value of an axis: the value, the text of the user, and the YAML for the file of the task."""

    value: object
    source: str
    text: str


@dataclass(frozen=True)
class Values:
    """The candidates of one value.

    `kind` is fixed, product, zip, range, log, lin, uniform or choice. `group` is the name of the zip group,
    "" without a name, and None for values that are not zipped. `notice` is a sentence for an ambiguous text.
    """

    kind: str
    candidates: tuple[Candidate, ...]
    group: str | None = None
    notice: str | None = None

    @property
    def count(self) -> int:
        """The number of candidates."""
        return len(self.candidates)


def expand(text: str, *, key: str, limit: int, in_flow: bool = False) -> Values:
    """Return the candidates of `text` (stripped, not empty); `in_flow` when it is inside [] or {}.

    Raises:
        ScanError: with the offset within `text`.
    """
    if split_conditional(text) is not None:
        raise ScanError("only a study can use values with a condition. Quote the value if it is text")
    expander = _Expander(key, limit, in_flow)
    if not in_flow and TUPLE_RANGE.fullmatch(text):
        return expander.tuple_range(text)
    group = group_of(text)
    if group is not None and looks_batch(group[1].strip()):
        name, inside, offset = group
        with shifted(offset):
            values = expander.alternatives(inside, alone=False)
        return Values("zip", values.candidates, group=name, notice=values.notice)
    return expander.alternatives(text, alone=True)


@contextmanager
def shifted(offset: int) -> Iterator[None]:
    """Add `offset` to that of a ScanError that leaves the `with` block."""
    try:
        yield
    except ScanError as error:
        error.offset += offset
        raise


class _Expander:
    def __init__(self, key: str, limit: int, in_flow: bool) -> None:
        self.key = key
        self.limit = limit
        self.in_flow = in_flow

    def tuple_range(self, text: str) -> Values:
        found = TUPLE_RANGE.fullmatch(text)
        assert found is not None
        numbers = range_values(found.group(1), found.group(2), found.group(3), self.limit)
        if numbers:
            return Values("range", _numbers(numbers))
        return Values("fixed", (self.fixed(text),), notice=_empty_range(text))

    def alternatives(self, text: str, alone: bool) -> Values:
        spans = [strip_span(text, start, end) for start, end in split_top(text, "|")]
        kind = "product" if len(spans) > 1 else "fixed"
        candidates: list[Candidate] = []
        notices: list[str] = []
        for start, end in spans:
            check_time()
            if start == end:
                raise ScanError(
                    'a value is missing before or after a bar. Write null or "" for an empty value, '
                    "\\| for a bar as text",
                    start,
                )
            with shifted(start):
                one = self.alternative(text[start:end], alone=alone and len(spans) == 1)
            if len(spans) == 1:
                return one
            candidates += one.candidates
            if one.notice and one.notice not in notices[:3]:
                notices.append(one.notice)
            if len(candidates) > self.limit:
                raise ScanError(too_many(max(len(candidates), len(spans)), self.limit))
        return Values(kind, tuple(candidates), notice=" ".join(notices[:3]) or None)

    def alternative(self, text: str, alone: bool) -> Values:
        found = RANGE.fullmatch(text)
        if found:
            numbers = range_values(found.group(1), found.group(2), found.group(3), self.limit)
            if numbers:
                return Values("range", _numbers(numbers), notice=_clock(text, len(numbers)))
            if not alone:
                raise ScanError(f"the range {text} is empty. Quote it if it is text")
            return Values("fixed", (self.fixed(text),), notice=_empty_range(text))
        call = GENERATOR.match(text)
        if call and matching_close(text, call.end() - 1) == len(text) - 1:
            name, inside = call.group(1), text[call.end() : -1]
            with shifted(call.end()):
                if name == "choice":
                    return Values(name, tuple(self.choice(inside)))
                return Values(name, _numbers(spread(name, inside, self.key, self.limit)))
        if text[0] in "[{":
            return self.collection(text)
        if has_bar(text, live=True):
            raise ScanError(
                "a bar is not allowed inside brackets here. Quote the value if it is text, or remove the "
                "brackets. A zip (a | b) must be the whole value"
            )
        if not alone and _is_tuple(text):
            made = self.tuple(text)
            notice = f"{text} is read as the list {made.text}. Quote it if it is text."
            return Values("fixed", (made,), notice=notice if len(notice) < 200 else None)
        return Values("fixed", (self.fixed(text),))

    def choice(self, inside: str) -> list[Candidate]:
        """Return the candidates of `choice(...)` with these arguments."""
        positional, named = call_arguments(inside)
        if not positional:
            raise ScanError(f"choice(...) has no values. Write {CHOICE_USAGE}. Quote the value if it is text")
        pool: list[Candidate] = []
        for source, offset in positional:
            with shifted(offset):
                if source.startswith("choice("):
                    raise ScanError("choice(...) is not allowed inside another choice(...)")
                if has_bar(source, live=True):
                    raise ScanError("a bar is not allowed inside choice(...). Quote it, or use a comma")
                pool += self.alternative(source, alone=False).candidates
            if len(pool) > self.limit:
                raise ScanError(too_many(len(pool), self.limit))
        return sample(pool, named, self.key)

    def tuple(self, text: str, depth: int = 0) -> Candidate:
        """Return a tuple such as `(1, 2)` as a candidate, which is a list."""
        if depth > _MAX_TUPLE_DEPTH:
            raise ScanError("tuples are nested too deeply")
        inside = text[1:-1]
        spans = [strip_span(inside, start, end) for start, end in split_top(inside, ",")]
        if len(spans) > 1 and spans[-1][0] == spans[-1][1]:
            spans.pop()  # a trailing comma is allowed
        items: list[Candidate] = []
        for start, end in spans:
            with shifted(start + 1):
                source = inside[start:end]
                if not source:
                    raise ScanError("a value is missing before or after a comma")
                nested = _is_tuple(source)
                items.append(
                    self.tuple(source, depth + 1) if nested else _Expander(self.key, 1, True).fixed(source)
                )
        made = "[" + ", ".join(item.text for item in items) + "]"
        return Candidate([item.value for item in items], text, made)

    def collection(self, text: str) -> Values:
        """Return the candidates of a list or mapping: the product of what expands inside."""
        spans, end = flow_spans(text, 0)
        if end != len(text):
            raise ScanError("text follows the closing bracket. Quote the value if it is text", end)
        inner: list[Values] = []
        for span in spans:
            with shifted(span.start):
                values = expand(text[span.start : span.end], key=self.key, limit=self.limit, in_flow=True)
                if values.group is not None:
                    raise ScanError("a zip (a | b) is not allowed inside another value")
            inner.append(values)
        total = math.prod(values.count for values in inner)
        if total > self.limit:
            raise ScanError(too_many(total, self.limit))
        results: list[Candidate] = []
        for index in range(total):
            check_time()
            parts: list[str] = []
            position = 0
            rest = total
            for span, values in zip(spans, inner, strict=True):
                rest //= values.count
                chosen = values.candidates[index // rest % values.count]
                parts += [text[position : span.start], chosen.text]
                position = span.end
            results.append(_collection("".join([*parts, text[position:]])))
        return Values("product" if total > 1 else "fixed", tuple(results))

    def fixed(self, text: str) -> Candidate:
        """Return the candidate of a text without sweep syntax."""
        first = text[0]
        if first in "\"'":
            return _quoted(text)
        if first in "[{":
            return self.collection(text).candidates[0]
        plain = " ".join(text.split()) if "\n" in text or "\r" in text else text
        if _NOT_PLAIN.match(plain) or plain.endswith(":") or ": " in plain or " #" in plain or ":\t" in plain:
            raise ScanError("this text has a special meaning in YAML. Quote it")
        raw = plain.replace("\\|", "|")
        value = plain_value(raw)
        if not isinstance(value, str):
            return Candidate(value, plain, raw if is_same_everywhere(raw) else value_text(value))
        safe = (
            raw == plain
            and not looks_batch(raw)
            and is_same_everywhere(raw)
            and scalar_tag(raw) != "tag:yaml.org,2002:merge"
            and not (self.in_flow and _NOT_IN_FLOW.search(raw))
        )
        return Candidate(value, raw, raw if safe else quoted(raw))


def _empty_range(text: str) -> str:
    return f"{text} is read as text, because it would be an empty range. Quote it to hide this notice."


def _clock(text: str, count: int) -> str | None:
    if not _CLOCK.fullmatch(text):
        return None
    values = "1 value" if count == 1 else f"{count} values"
    return f"{text} is a range of {values}. Quote it if it is a time."


def _is_tuple(text: str) -> bool:
    return (
        text[0] == "(" and text[-1] == ")" and "," in text and matching_close(text, 0) == len(text) - 1
        and len(split_top(text[1:-1], ",")) > 1
    )  # fmt: skip


def _numbers(numbers: list[int | float] | list[int] | list[float]) -> tuple[Candidate, ...]:
    return tuple(Candidate(number, repr(number), number_text(number)) for number in numbers)


def _quoted(text: str) -> Candidate:
    if quoted_end(text, 0) != len(text):
        raise ScanError(
            "there is text next to a quoted value. Quote all of it, or separate the values with a bar"
        )
    if text[0] == '"':
        text = ESCAPED_BAR_IN_QUOTES.sub(r"\1|", text)
    node = _composed(text)
    value = NodeReader().value(node)
    one_line = "\n" not in text and "\r" not in text
    return Candidate(value, str(value), text if one_line else quoted(str(value)))


def _collection(text: str) -> Candidate:
    node = _composed(text)
    value = NodeReader().value(node)
    as_is = "\n" not in text and "\r" not in text and uses_common_scalars(node)
    return Candidate(value, text, text if as_is else value_text(value))


def _composed(text: str) -> yaml.nodes.Node:
    try:
        node = compose(text)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it is not valid YAML"
        mark = getattr(error, "problem_mark", None)
        raise ScanError(f"the value is not valid YAML: {problem}", mark.index if mark else 0) from None
    if node is None:
        raise ScanError("the value is empty")
    return node
