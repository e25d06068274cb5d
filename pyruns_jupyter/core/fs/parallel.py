"""Many questions to the file system: in threads where each takes long, as on a file server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_SLOW_SECONDS = 0.001  # per call, on average; local file systems take a hundredth of that
_TRIED = 32  # calls, which tell how slow it is
_THREADS = 16
_CHUNK = 512  # answers that may wait in memory


def map_files(call: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    """Yield `call(item)` of each item, in this order; `call` raises nothing and may run in any thread."""
    begun = time.perf_counter()
    tried = [call(item) for item in items[:_TRIED]]
    is_slow = time.perf_counter() - begun > len(tried) * _SLOW_SECONDS
    yield from tried
    if not is_slow:
        yield from map(call, items[_TRIED:])
        return
    from concurrent.futures import ThreadPoolExecutor  # only here: it costs the command line a few ms

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(_TRIED, len(items), _CHUNK):
            yield from pool.map(call, items[start : start + _CHUNK])
