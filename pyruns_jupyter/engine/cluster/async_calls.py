"""Calling a cluster without waiting for it: each call is a forked process that answers through a pipe."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pyruns_jupyter.engine.queue.processes import fork_detached, name_process

from .base import Refused, Unreachable


class _ForkedCall:
    """A process that calls `ask`, and how its answer is used."""

    def __init__(self, ask: Callable[[], object], use: Callable[[Any], None]) -> None:
        """Start it.

        Raises:
            OSError: if the system has no room for another process.
        """
        self._use = use
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

    def is_answered(self) -> bool:
        """Take what came of the answer; return whether that is all of it. Not to be called again then."""
        while True:
            try:
                part = os.read(self._descriptor, 1 << 20)
            except BlockingIOError:
                return False
            if not part:
                os.close(self._descriptor)
                return True
            self._data += part

    def use(self) -> None:
        """Use the answer."""
        answer: object = Unreachable("the process that asked it died")
        with suppress(EOFError, pickle.UnpicklingError):
            answer = pickle.loads(self._data)
        self._use(answer)


class ForkedCalls:
    """The calls that are under way, at most one of a kind."""

    def __init__(self) -> None:
        self._calls: dict[str, _ForkedCall] = {}

    @property
    def are_under_way(self) -> bool:
        """Whether any is."""
        return bool(self._calls)

    def is_under_way(self, kind: str) -> bool:
        """Return whether one of a kind is."""
        return kind in self._calls

    def run(self, kind: str, ask: Callable[[], object], use: Callable[[Any], None]) -> bool:
        """Call `ask`, and have a later `collect` pass to `use` what it returns, or that it raises Refused or
        Unreachable; return whether it could be called.
        """
        if kind in self._calls:
            return False
        try:
            self._calls[kind] = _ForkedCall(ask, use)
        except OSError:  # no room for a process
            return False
        return True

    def collect(self) -> None:
        """Use the answers that came since the last time."""
        for kind, call in list(self._calls.items()):
            if call.is_answered():
                del self._calls[kind]
                call.use()


def _run(ask: Callable[[], object], write_end: int) -> int:
    name_process("pyruns-ask")
    try:
        answer = ask()
    except (Refused, Unreachable) as error:
        answer = error
    data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    while data:
        data = data[os.write(write_end, data) :]
    return 0
