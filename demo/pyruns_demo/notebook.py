"""Prepares the kernel of a notebook in the demo."""

from __future__ import annotations

import asyncio
import os
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from . import browser
from .history import HOME, prepare_home, unpack

_STEP_SECONDS = 0.05
_running: list[asyncio.Future[None]] = []  # which run as long as the kernel


def prepare() -> None:
    """Give this kernel projects whose processes are simulated, and make their folder the working folder."""
    home = Path(HOME)
    unpack((files(__package__) / "history.zip").read_bytes(), home)
    prepare_home(home)
    browser.prepare()
    from . import processes
    from .page import run_processes

    clock: Any = time
    sleep = time.sleep

    def sleep_and_advance(seconds: float) -> None:
        """Wait as `time.sleep`, and let the processes take their steps: there are no threads."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            processes.advance()
            sleep(min(left, _STEP_SECONDS))

    clock.sleep = sleep_and_advance
    os.chdir(home)
    _running.append(asyncio.ensure_future(run_processes()))
