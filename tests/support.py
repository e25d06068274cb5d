"""Helpers that every test may use."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def wait_until(
    predicate: Callable[[], T | None],
    timeout: float = 120.0,
    message: str | Callable[[], str] = "",
    interval: float = 0.05,
) -> T:
    """Call ``predicate`` until what it returns is true, and return that.

    ``timeout`` and ``interval`` are seconds; after two seconds it is called half as often, as many tests wait
    at once. ``message`` (or what it returns, for a look at the state at the moment of failure) says what was
    waited for. Raises ``AssertionError`` after the deadline: a safety net for broken code, not a measure of
    speed. A driver with Optuna, a scheduler, a supervisor and a script take some seconds of a core, which is
    a minute when other programs have the cores.
    """
    began = time.monotonic()
    deadline = began + timeout
    while True:
        result = predicate()
        if result:
            return result
        now = time.monotonic()
        if now >= deadline:
            text = message() if callable(message) else message
            raise AssertionError(f"not within {timeout:g} s: {text or predicate}; last answer {result!r}")
        time.sleep(interval if now < began + 2 else 2 * interval)


def reference_program() -> Path | None:
    """The command-line program ``pyr`` of pyruns 0.3.17, when PYRUNS_REFERENCE names it."""
    value = os.environ.get("PYRUNS_REFERENCE")
    if not value:
        return None
    path = Path(value)
    if not path.is_file():
        raise FileNotFoundError(f"PYRUNS_REFERENCE={value} is not a file")
    return path
