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
    """Yield `call(item)` of each item, in this order; `call` may run in any thread. What it raises, such as
    `MemoryError`, is raised here.
    """
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
    errors: list[BaseException] = []
    changed = threading.Condition()
    begun = yielded = 0

    def may_begin() -> bool:
        return begun < yielded + _AHEAD or begun >= len(items)

    def may_yield() -> bool:
        return yielded in answers or bool(errors)

    def work() -> None:
        nonlocal begun
        while True:
            with changed:
                changed.wait_for(may_begin)
                if begun >= len(items):
                    return
                position, begun = begun, begun + 1
            try:
                answer = call(items[position])
            except BaseException as error:  # noqa: BLE001 - raised to the caller
                with changed:
                    errors.append(error)
                    changed.notify_all()
                return
            with changed:
                answers[position] = answer
                changed.notify_all()

    try:
        # Daemons: a file server that does not answer keeps no process from ending.
        for _ in range(min(_THREADS, len(items))):
            threading.Thread(target=work, name="pyruns-files", daemon=True).start()
        while yielded < len(items):
            with changed:
                changed.wait_for(may_yield)
                if errors:
                    raise errors[0]
                answer = answers.pop(yielded)
                yielded += 1
                changed.notify_all()
            yield answer
    finally:
        with changed:
            begun = len(items)
            changed.notify_all()
