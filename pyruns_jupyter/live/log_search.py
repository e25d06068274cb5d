"""Finding text in one log, in a process that can be killed: a regular expression may never end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from pyruns_jupyter.core.logs.search import LogSearch, SearchProcess, is_last

from .runtime import LiveRuntime
from .threads import open_in_thread


class LogSearchStream:
    """The matches of a search: one line of JSON for each part of the log."""

    def __init__(self, runtime: LiveRuntime, path: Path, wanted: LogSearch) -> None:
        self._runtime = runtime
        self._path = path
        self._wanted = wanted
        self._process: SearchProcess | None = None
        self._stopped = asyncio.Event()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield the lines. The last one has `done`.

        Raises:
            InvalidInput: if the regular expression is not valid.
            NotFound: if there is no such log.
        """
        runtime = self._runtime
        async with runtime.search_slots:
            if self._stopped.is_set():
                return
            self._process = process = await open_in_thread(runtime.run, SearchProcess)
            process.request(self._path, self._wanted)
            runtime.search_processes.add(process)
            try:
                if self._stopped.is_set():
                    process.kill()
                line = b""
                while not is_last(line):
                    line = await runtime.wait(process.next_line)
                    yield line
            finally:
                runtime.search_processes.remove(process)
                await asyncio.to_thread(process.close)

    def stop(self) -> None:
        """Stop the search."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()
