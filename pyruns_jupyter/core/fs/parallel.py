"""Many questions to the file system: in threads where each takes long, as on a file server."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_SLOW_SECONDS = 0.001  # per call; local file systems take a hundredth of that
_TRIED = 32  # calls that are timed first
_SLOW = 8  # of them; fewer may only have waited for a busy processor
_THREADS = 32
_AHEAD = 64  # answers that may wait in memory


def map_files(call: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    """Yield `call(item)` of each item, in this order; `call` may run in any thread. What it raises, such as
    `MemoryError`, is raised here.
    """
    slow = 0
    for item in items[:_TRIED]:
        begun = time.perf_counter()
        answer = call(item)
        slow += time.perf_counter() - begun > _SLOW_SECONDS
        yield answer
    rest = items[_TRIED:]
    yield from _in_threads(call, rest) if slow >= _SLOW else map(call, rest)


def _in_threads(call: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    from pyruns_jupyter.core.common.workers import Workers  # few file systems are slow

    workers = Workers(_THREADS, "pyruns-files")
    waiting: deque[Future[Answer]] = deque()
    try:
        for item in items:
            waiting.append(workers.submit(call, item))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        workers.stop()
