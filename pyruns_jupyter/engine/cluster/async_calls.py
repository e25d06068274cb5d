"""Asynchronous calls to a cluster: each is a process that returns its result through a pipe."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.engine.processes.native import read_available
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.processes.start_method import start_writer

from .base import Refused, Unreachable


@dataclass
class _Call:
    descriptor: int
    use: Callable[[Any], None]
    data: bytes = b""

    def is_complete(self) -> bool:
        """Read what has arrived; return whether that is the whole result."""
        while True:
            try:
                part = read_available(self.descriptor, 1 << 20)
            except BlockingIOError:
                return False
            if not part:
                os.close(self.descriptor)
                return True
            self.data += part


class AsyncCalls:
    """The calls in progress, at most one of a kind."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    def __contains__(self, kind: str) -> bool:
        return kind in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    def run(self, kind: str, call: Callable[[], object], use: Callable[[Any], None]) -> bool:
        """Run `call` in a process, unless one of this `kind` runs; return whether it was started.

        A later `collect` passes its result, or the Refused or Unreachable that it raised, to `use`.
        """
        if kind in self._calls:
            return False
        try:
            self._calls[kind] = _Call(start_writer(_run, call), use)
        except OSError:  # no room for a process
            return False
        return True

    def collect(self) -> None:
        """Use the results that arrived since the last call."""
        for kind, call in list(self._calls.items()):
            if call.is_complete():
                del self._calls[kind]
                result: object = Unreachable("the process that runs its commands ended unexpectedly")
                with suppress(EOFError, pickle.UnpicklingError):
                    result = pickle.loads(call.data)
                call.use(result)


def _run(call: Callable[[], object], write_end: int) -> int:
    name_process("pyruns-cluster")
    try:
        result = call()
    except (Refused, Unreachable) as error:
        result = error
    data = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
    while data:
        data = data[os.write(write_end, data) :]
    return 0
