"""Claims of front ends that died are undone; that of another host only when it must be dead."""

from __future__ import annotations

import os
import time

import pytest

from pyruns_jupyter.core.common import process_identity
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.launch import ensure_running
from tests.support import wait_until

from .support import Project


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_claim_that_nobody_locks(
    shell: Project, is_elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may not show the locks of another host."""
    shell.task("T", "true")
    key = shell.key
    batch = batches.new_id()
    with monkeypatch.context() as patch:
        if is_elsewhere:
            here = process_identity.ProcessId.ours()
            there = process_identity.ProcessId("elsewhere", "another-boot", here.pid, here.create_time)
            patch.setattr(process_identity.ProcessId, "ours", lambda: there)
        claim = batches.Claim(key, batch, "_shell_", [("T", "attempt")])
        claim.__enter__()
    claim._lock.release()
    with edit_task(shell.paths("T").folder) as info:
        runs.queue(info, attempt="attempt", batch=batch)
    path = shell.engine.batches / f".{batch}.claim"
    if is_elsewhere:
        assert not shell.has_work()
        assert not ensure_running(shell.root)
        assert list(batches.dead_claims(shell.root)) == []
        os.utime(path, (time.time() - 601,) * 2)
    assert ensure_running(shell.root)
    wait_until(lambda: shell.status("T") == "pending")
    shell.wait_for_exit()
    assert not path.exists()
