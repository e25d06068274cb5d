"""A server ends when it is told to, whatever its threads do."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.workers import Workers
from tests.server.process import ServerProcess
from tests.support import wait_until

STUCK = """
import os

def _jupyter_server_extension_points():
    return [{"module": "stuck"}]

def _load_jupyter_server_extension(app):
    services = app.web_app.settings["pyruns_jupyter_services"]

    def wait_for_ever():
        open(os.path.join(app.root_dir, "reached"), "w").close()
        open(os.path.join(app.root_dir, "pipe")).read()

    app.io_loop.add_callback(services.run, wait_for_ever)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="FIFOs of POSIX")
def test_a_server_with_a_stuck_thread_obeys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a file system that does not answer any more."""
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "pipe")
    (tmp_path / "stuck.py").write_text(STUCK)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    server = ServerProcess(root, tmp_path / "home", extensions=["stuck"], lab=False)
    try:
        wait_until(lambda: (root / "reached").exists(), message=server.log.read_text)
        server.stop()
        assert "Abandoned 1 threads" in server.log.read_text()
    finally:
        server.kill()


def test_workers_do_what_they_are_given() -> None:
    workers = Workers(2, "test")
    assert [future.result() for future in [workers.submit(pow, 2, number) for number in range(50)]] == [
        2**number for number in range(50)
    ]
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result()
    go, begun = threading.Event(), threading.Barrier(3)

    def work() -> bool:
        begun.wait()
        return go.wait()

    busy = [workers.submit(work) for _ in range(2)]
    late = workers.submit(pow, 2, 2)
    begun.wait()  # both are at work at the same time
    workers.stop()
    assert workers.join(time.monotonic()) == 2
    go.set()
    assert workers.join(time.monotonic() + 60) == 0
    assert all(future.result() for future in busy)
    assert late.cancelled()
    with pytest.raises(RuntimeError):
        workers.submit(pow, 2, 2)
