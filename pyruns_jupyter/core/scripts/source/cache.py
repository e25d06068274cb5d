"""A cache of results that were read from files."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Stamp = tuple[int, int, int] | None  # of a file: time of change, size, inode; None: it does not exist
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def stamp(path: str) -> Stamp:
    """Return a value that changes with the file; None when it is not a regular file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if stat.S_ISREG(found.st_mode) else None


class FileCache(Generic[Key, Value]):
    """Results with the stamps of the files that they were read from; the least recently used is dropped."""

    def __init__(self, limit: int) -> None:
        """`limit` is the maximum of the sum of all costs."""
        self._limit = limit
        self._entries: OrderedDict[Key, tuple[Value, Mapping[str, Stamp], int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Return the result, if none of its files has changed."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is None or any(stamp(path) != known for path, known in entry[1].items()):
            return None
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Key, value: Value, files: Mapping[str, Stamp], cost: int = 1) -> Value:
        """Add a result and return it."""
        with self._lock:
            self._entries[key] = value, files, cost
            self._entries.move_to_end(key)
            while len(self._entries) > 1 and sum(one[2] for one in self._entries.values()) > self._limit:
                self._entries.popitem(last=False)
        return value
