"""Asking a cluster without waiting for it: each question is a forked process that answers through a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from pyruns_jupyter.engine.queue.processes import fork_detached, name_process

from .base import Unreachable

Answer = dict[str, Any]


class ForkedCall:
    """A process that asks a cluster something; what `ask` returns is data for JSON.

    The cluster being out of reach is the answer `{"away": why}`.
    """

    def __init__(self, ask: Callable[[], Answer]) -> None:
        """Start it.

        Raises:
            OSError: when the system has no room for another process.
        """
        self._descriptor, write_end = os.pipe()
        os.set_blocking(self._descriptor, False)
        self._data = b""
        try:
            fork_detached(lambda: _run(ask, write_end), keep=(write_end,))
        except BaseException:
            os.close(self._descriptor)
            raise
        finally:
            os.close(write_end)

    def answer(self) -> Answer | None:
        """Return its answer, None as long as there is none; not to be asked again after that."""
        while True:
            try:
                part = os.read(self._descriptor, 1 << 20)
            except BlockingIOError:
                return None
            if not part:
                break
            self._data += part
        os.close(self._descriptor)
        try:
            found = json.loads(self._data)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"away": "the process that asked it died"}


class ForkedCalls:
    """Those that are under way, at most one of a kind."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[ForkedCall, Callable[[Answer], None]]] = {}

    @property
    def are_under_way(self) -> bool:
        """Whether any is."""
        return bool(self._under_way)

    def is_under_way(self, kind: str) -> bool:
        """Tell whether one of a kind is."""
        return kind in self._under_way

    def run(self, kind: str, ask: Callable[[], Answer], use: Callable[[Answer], None]) -> bool:
        """Ask, and have the answer used by a later `collect`; tell whether it could be asked."""
        if kind in self._under_way:
            return False
        try:
            self._under_way[kind] = ForkedCall(ask), use
        except OSError:  # no room for a process
            return False
        return True

    def collect(self) -> None:
        """Use the answers that came since the last time."""
        for kind, (call, use) in list(self._under_way.items()):
            answer = call.answer()
            if answer is not None:
                del self._under_way[kind]
                use(answer)


def _run(ask: Callable[[], Answer], write_end: int) -> int:
    name_process("pyruns-ask")
    try:
        answer = ask()
    except Unreachable as error:
        answer = {"away": str(error)}
    data = json.dumps(answer).encode()
    while data:
        data = data[os.write(write_end, data) :]
    return 0
