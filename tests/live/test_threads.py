"""The worker threads of the runtime."""

from __future__ import annotations

import threading
import time

import pytest

from pyruns_jupyter.core.common.workers import Workers


def test_a_thread_that_cannot_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers(2, "test")
    done: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            workers.submit(done.append, "refused")
    assert [workers.submit(pow, 2, number).result() for number in range(4)] == [1, 2, 4, 8]
    workers.stop()
    assert workers.join(time.monotonic() + 60) == 0
    assert done == []
