"""Remembers the signals that ask a script to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

_NAMES = ("SIGTERM", "SIGUSR1")
_earlier: dict[int, Any] = {}  # the handlers before ours
_masks: list[Any] = []  # the signals that were blocked before forks
_is_requested = False


def stop_requested() -> bool:
    """Return whether SIGTERM or SIGUSR1 arrived since the first call in this process.

    Raises:
        RuntimeError: if the first call is not in the main thread.
    """
    if not _earlier:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "should_stop() must first be called in the main thread, because Python handles signals there."
            )
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_restore)
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            _earlier[number] = signal.getsignal(number)
            signal.signal(number, _remember)
    return _is_requested


def _remember(number: int, frame: Any) -> None:
    global _is_requested
    _is_requested = True
    if callable(_earlier.get(number)):
        _earlier[number](number, frame)


def _block() -> None:
    """Python forgets a signal that arrives in a fork before it has begun, unless it is blocked."""
    if sys.platform != "win32":
        _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, _earlier))


def _unblock() -> None:
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


def _restore() -> None:
    """A fork, such as a process that loads data, does not look at the request: a signal has to end it."""
    global _is_requested
    for number, handler in _earlier.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _unblock()
    _earlier.clear()
    _is_requested = False
