"""Facts about this host and its processes have to be those that other programs find."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from pyruns_jupyter.core.common import process_identity
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.host_identity import create_time, host_name, start_time
from pyruns_jupyter.core.common.process_identity import ProcessId


def test_the_host_name_is_that_of_the_system() -> None:
    assert host_name() == socket.gethostname()


def test_create_times_are_those_of_psutil() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for pid in (os.getpid(), child.pid, os.getppid()):
            assert create_time(pid) == psutil.Process(pid).create_time()
        assert ProcessId.ours().create_time == psutil.Process().create_time()
        assert ProcessId.ours().alive()
    finally:
        child.communicate(b"\n")
    assert create_time(child.pid) is None
    assert start_time(child.pid) is None


def test_no_identity_without_a_start_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later process with the same pid would be taken for this one."""
    monkeypatch.setattr(process_identity, "create_time", lambda pid: None)
    monkeypatch.setattr(os, "getpid", lambda: 2**22 + 1)  # that of this process may be known already
    with pytest.raises(PyrunsError, match="start time"):
        ProcessId.ours()
