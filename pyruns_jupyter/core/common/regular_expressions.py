"""Regular expressions of users, with the syntax of `re` and a time limit for each search.

`re` backtracks without a limit and blocks the interpreter meanwhile. `regex` has a `timeout` and lets other
threads run.
"""

from __future__ import annotations

import math
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regex import Pattern

# `regex` expands counted repetitions: each of their product takes up to 300 bytes.
_MAX_REPEATS = 1_000_000
_COUNT = re.compile(r"\{(\d+)")
# `regex` reads `x{e<=1}` as "with at most one error"; to `re`, such a brace is a character.
_OTHER_BRACE = re.compile(r"(\\[NPp]\{|\\.)|\{(?!\d*,?\d*\})", re.DOTALL)


@lru_cache(maxsize=256)
def compile_regex(
    pattern: str, *, ignore_case: bool, multiline: bool = False, literal: bool = False
) -> Pattern[str]:
    """Compile an expression; its `search` takes a `timeout` and then raises TimeoutError or MemoryError.

    With `literal` the pattern is a plain text; ignoring case, `ß` equals `SS`.

    Raises:
        ValueError: if it is not a regular expression, or is too complex.
    """
    import regex  # not at the top: it takes 20 ms, and few commands use an expression

    flags = (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
    if literal:
        return regex.compile(re.escape(pattern), flags | regex.FULLCASE)
    if math.prod(int(count[:8]) or 1 for count in _COUNT.findall(pattern)) > _MAX_REPEATS:
        raise ValueError(f"its repetition counts multiply to more than {_MAX_REPEATS:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for "[[", which may get another meaning
            return regex.compile(_OTHER_BRACE.sub(lambda found: found[1] or r"\{", pattern), flags)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
