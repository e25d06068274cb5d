"""Computed values: ranges and the functions `log`, `lin`, `uniform` and `choice`."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from pyruns_jupyter.core.config.yamltext.textscan import ScanError, split_top, strip_span
from pyruns_jupyter.core.config.yamltext.values import plain_value

Number = int | float
T = TypeVar("T")

OPEN_RANGES = ("log", "uniform")  # that need no count in a search space
CHOICE_USAGE = "choice(a, b, c, n=2, seed=1)"

_DIGITS = 10  # significant digits of a computed value: readable, and finer than any sweep
_INTEGER = re.compile(r"[-+]?\d[\d_]*", re.ASCII)
_NAMED = re.compile(r"(n|seed)\s*=\s*(.*)", re.DOTALL)


def range_values(start: str, stop: str, step: str | None, limit: int) -> list[Number]:
    """Return the values of `start:stop[:step]`, end excluded; none when it is empty or the step is 0.

    Fractions are computed exactly and rounded once, so that 0.30000000000000004 never appears.

    Raises:
        ScanError: when a range of fractions has no step, or there are more than `limit` values or too large
            ones.
    """
    texts = [start, stop] if step is None else [start, stop, step]
    if any(len(text) > 100 for text in texts):
        raise ScanError("the numbers of the range are too long")
    if all(_INTEGER.fullmatch(text) for text in texts):
        whole = [int(text.replace("_", "")) for text in texts]
        if step is not None and whole[2] == 0:
            return []
        count = max(0, -((whole[0] - whole[1]) // (whole[2] if step is not None else 1)))
        if count > limit:
            raise ScanError(too_many(count, limit))
        return list(range(*whole))
    if step is None:
        raise ScanError(
            f"a range of fractions needs a step, as in {start}:{stop}:0.1. Quote the value if it is text"
        )
    first, last, stride = (_exact(text) for text in texts)
    if stride == 0:
        return []
    count = math.ceil((last - first) / stride)
    if count > limit:
        raise ScanError(too_many(count, limit))
    return [float(first + index * stride) for index in range(max(count, 0))]


def too_many(count: int, limit: int) -> str:
    """Return the error for a single value that stands for too many."""
    return (
        f"this alone makes {count_text(count)} values, but at most {limit:,} tasks are allowed. "
        "Use fewer values, or raise sweep_limit in the settings"
    )


def count_text(count: int) -> str:
    """Return a count for a sentence: `1,200`, or `about 1e+600`."""
    return f"{count:,}" if count < 10**15 else f"about {Decimal(count):.0e}"


def _exact(text: str) -> Fraction:
    number = Decimal(text.replace("_", ""))
    if number and not -300 <= number.adjusted() <= 300:
        raise ScanError(f"the number {text} is too large or too small for a range")
    return Fraction(number)


def call_arguments(text: str) -> tuple[list[tuple[str, int]], dict[str, str]]:
    """Return the arguments in the text of a call: the positional ones with offsets, and `n=` and `seed=`.

    Raises:
        ScanError: when an argument is missing or given twice.
    """
    positional: list[tuple[str, int]] = []
    named: dict[str, str] = {}
    for start, end in split_top(text, ","):
        start, end = strip_span(text, start, end)
        if start == end:
            raise ScanError("an argument is missing before or after a comma", start)
        keyword = _NAMED.fullmatch(text[start:end])
        if keyword is None:
            if named:
                raise ScanError("n= and seed= must come after the other arguments", start)
            positional.append((text[start:end], start))
        elif keyword.group(1) in named:
            raise ScanError(f"{keyword.group(1)}= is given twice", start)
        else:
            named[keyword.group(1)] = keyword.group(2).strip()
    return positional, named


def spread(name: str, arguments: str, key: str, limit: int) -> list[Number]:
    """Return the values of `log(lo, hi, n)`, `lin(lo, hi, n)` or `uniform(lo, hi, n, seed=S)`.

    `log` and `lin` include both ends. `uniform` gives the same values for the same seed (default: 0) and key,
    in any program and on any machine. When both ends and all values are whole, the values are integers.

    Raises:
        ScanError: when an argument is missing, not a number, or too large.
    """
    usage = f"{name}(low, high, count{', seed=1' if name == 'uniform' else ''})"
    positional, named = call_arguments(arguments)
    if name != "uniform" and "seed" in named:
        raise ScanError(f"only uniform and choice have a seed. Write {usage}")
    texts = [text for text, _ in positional]
    if "n" in named:
        texts.append(named["n"])
    if len(texts) == 2 and name in OPEN_RANGES:
        raise ScanError(f"the count is missing. Write {usage}. Only a study can use a range without a count")
    if len(texts) != 3:
        raise ScanError(f"{name}(...) needs 3 arguments. Write {usage}. Quote the value if it is text")
    low, high = ends(name, texts[:2], usage)
    count = _count(texts[2], usage, limit)
    if name == "uniform":
        generator = _random(named.get("seed", "0"), key)
        return [_rounded(low + (high - low) * generator.random()) for _ in range(count)]
    return _whole([low, high], _between(low, high, count, name == "log"))


def ends(name: str, texts: Sequence[str], usage: str) -> tuple[Number, Number]:
    """Return both ends of a range of `name` (`log`, `lin`, `uniform`).

    Raises:
        ScanError: when one is not a number or too large; the error shows `usage`.
    """
    low, high = (_number(text, usage) for text in texts)
    if name == "log" and (low <= 0 or high <= 0):
        raise ScanError("both bounds of log(...) must be positive")
    return low, high


def sample(pool: Sequence[T], named: dict[str, str], key: str) -> list[T]:
    """Return what `choice(a, b, ..., n=N, seed=S)` draws from its pool; without n, the whole pool.

    Raises:
        ScanError: when the pool is smaller than n, or an argument is invalid.
    """
    if "n" not in named:
        if "seed" in named:
            raise ScanError(f"a seed has no effect without n=. Write {CHOICE_USAGE}")
        return list(pool)
    count = _count(named["n"], CHOICE_USAGE, len(pool))
    return _random(named.get("seed", "0"), key).sample(pool, count)


def _random(seed: str, key: str) -> random.Random:
    if not _INTEGER.fullmatch(seed):
        raise ScanError(f"the seed {seed!r} is not a whole number")
    # The key is a part of the seed: two parameters with the same seed must not be correlated. Random hashes a
    # text in the same way on all machines.
    return random.Random(f"{int(seed)}:{key}")


def _number(text: str, usage: str) -> Number:
    value = plain_value(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScanError(f"{text!r} is not a number. Write {usage}. Quote the value if it is text")
    if abs(value) > 1e300 or value != value:
        raise ScanError(f"the number {text} is too large")
    return value


def _count(text: str, usage: str, limit: int) -> int:
    value = plain_value(text)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ScanError(f"the count {text!r} is not a positive whole number. Write {usage}")
    if value > limit:
        raise ScanError(f"the count {text[:40]} is too large. The maximum is {limit:,}")
    return value


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _between(low: Number, high: Number, count: int, is_log: bool) -> list[Number]:
    if count == 1:
        return [low]
    first, last = (math.log(low), math.log(high)) if is_log else (low, high)
    parts = [index / (count - 1) for index in range(1, count - 1)]
    inner = [first * (1 - part) + last * part for part in parts]
    return [low, *(_rounded(math.exp(value) if is_log else value) for value in inner), high]


def _whole(ends: list[Number], values: list[Number]) -> list[Number]:
    if all(isinstance(end, int) for end in ends) and all(float(value).is_integer() for value in values):
        return [int(value) for value in values]
    return [float(value) for value in values]
