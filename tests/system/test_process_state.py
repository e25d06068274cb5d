"""What processes do, as the kernel reports it."""

from __future__ import annotations

import subprocess

import psutil

from pyruns_jupyter.system.process_state import process_states
from tests.support import wait_until


def test_a_zombie_is_listed() -> None:
    process = subprocess.Popen(["true"])
    try:
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        [state] = process_states([process.pid])
        assert state.words == ("true",)
        assert state.status == psutil.STATUS_ZOMBIE
        assert state.waits_for == "its parent process, which has not read its exit code"
    finally:
        process.wait()
    assert process_states([process.pid]) == []
