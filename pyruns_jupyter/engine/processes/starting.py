"""What the ways to start a process have in common: errors of commands, logs of daemons, ends of functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.regular_files import open_regular_to_append

_LOG_BYTES = 1024 * 1024  # of a daemon, after which it starts anew


class CannotStart(Exception):
    """A command cannot be started: `step` ("chdir" or "exec") failed with `number` (an errno)."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(step, number)
        self.step, self.number = step, number

    def explain(self, program: str, workdir: str) -> str:
        """Return the message for the user."""
        reason = os.strerror(self.number)
        if self.step == "chdir":
            return f"The working folder {workdir} cannot be opened: {reason}."
        return f"{program} cannot be executed: {reason}."


def open_daemon_log(path: Path) -> BinaryIO:
    """Open a log for appending, not through a link; a large one is renamed and started anew."""
    with suppress(OSError):
        if path.lstat().st_size > _LOG_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(open_regular_to_append(path, mode=PRIVATE_MODE), "ab")


def run_to_exit(body: Callable[[], int]) -> NoReturn:
    """End this process with the exit code that `body` returns; without exit handlers and other threads."""
    code = 70  # EX_SOFTWARE
    try:
        code = body()
    except BaseException:  # noqa: BLE001  # a fork must never continue in the code of its parent
        import traceback  # slow to import

        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
