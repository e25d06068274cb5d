"""The signal on which a script writes its Python stacks, and the check whether a process is prepared for it.

`faulthandler` writes them in the signal handler, and therefore also while the script waits for a lock or runs
C code. It writes to a file in memory, whose name proves that a process is prepared: a signal without a
handler would end the process.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

# A real-time signal (32 to 64 on Linux): the C library uses those next to 32, few programs use any other.
STACK_SIGNAL = 47
_FILE_NAME = "pyruns-stacks"
_LINK = f"/memfd:{_FILE_NAME} (deleted)"

_is_prepared = False


def prepare_stack_dump() -> None:
    """Let this process write its Python stacks on `STACK_SIGNAL`, on Linux only.

    Nothing changes if the process already uses or ignores this signal.
    """
    global _is_prepared
    if sys.platform == "win32" or _is_prepared or not hasattr(os, "memfd_create"):
        return
    _is_prepared = True
    import faulthandler
    import fcntl

    with suppress(OSError, RuntimeError, ValueError):
        if signal.getsignal(STACK_SIGNAL) is not signal.SIG_DFL or is_caught(os.getpid(), STACK_SIGNAL):
            return
        file = os.memfd_create(_FILE_NAME)
        fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
        faulthandler.register(STACK_SIGNAL, file=file, all_threads=True)


def is_caught(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal, which is known on Linux only."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status", "rb") as stream:
        for line in stream:
            if line.startswith(b"SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def stack_file(pid: int) -> str | None:
    """Return the path of the file to which a process writes its stacks, None if it is not prepared."""
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):  # closed meanwhile
                if os.readlink(f"{folder}/{name}") == _LINK and is_caught(pid, STACK_SIGNAL):
                    return f"{folder}/{name}"
    return None
