"""Many questions to the file system: in threads where each takes long, as on a file server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_SLOW_SECONDS = 0.001  # per call, on average; local file systems take a hundredth of that
_TRIED = 32  # calls that are timed first
_THREADS = 16
_AHEAD = 32  # answers that may wait in memory


def map_files(call: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    """Yield `call(item)` of each item, in this order; `call` raises nothing and may run in any thread."""
    spent = 0.0
    for item in items[:_TRIED]:
        begun = time.perf_counter()
        answer = call(item)
        spent += time.perf_counter() - begun
        yield answer
    rest = items[_TRIED:]
    yield from _in_threads(call, rest) if spent > _TRIED * _SLOW_SECONDS else map(call, rest)


def _in_threads(call: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    answers: dict[int, Answer] = {}
    changed = threading.Condition()
    begun = yielded = 0

    def may_begin() -> bool:
        return begun < yielded + _AHEAD or begun >= len(items)

    def may_yield() -> bool:
        return yielded in answers

    def work() -> None:
        nonlocal begun
        while True:
            with changed:
                changed.wait_for(may_begin)
                if begun >= len(items):
                    return
                position, begun = begun, begun + 1
            answer = call(items[position])
            with changed:
                answers[position] = answer
                changed.notify_all()

    # Daemons: a file server that does not answer keeps no process from ending.
    for _ in range(min(_THREADS, len(items))):
        threading.Thread(target=work, name="pyruns-files", daemon=True).start()
    try:
        while yielded < len(items):
            with changed:
                changed.wait_for(may_yield)
                answer = answers.pop(yielded)
                yielded += 1
                changed.notify_all()
            yield answer
    finally:
        with changed:
            begun = len(items)
            changed.notify_all()
