"""What a host is mistaken about: another host on the same folder, and a clock that jumps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pyruns_jupyter.core.common.host_identity import process_alive
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from tests.support import ROOT, wait_until

from .support import ENDED, Project, age_lock

HOST = "other-host"
BOOT = "00000000-1111-2222-3333-444444444444"
# Has a name, a boot and processes of its own, and the same files.
AS_OTHER_HOST = """
hostname "$1" && mount --bind "$2" /proc/sys/kernel/random/boot_id && shift 2 && exec "$@"
"""
SUBMIT = """
import sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.client.submit import submit
submit(WorkspaceFolder.at(Path(sys.argv[1])), sys.argv[2:], options=QueueOptions())
sys.stdin.read()
"""


class OtherHost:
    """A second host, as namespaces of this one; it has the files of this one."""

    def __init__(self, boot: Path) -> None:
        boot.write_text(f"{BOOT}\n")
        self._enter = ["unshare", "--uts", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        self._enter += ["--mount-proc", "sh", "-c", AS_OTHER_HOST, "sh", HOST, str(boot)]
        self._process: subprocess.Popen[str] | None = None

    @property
    def is_possible(self) -> bool:
        if shutil.which("unshare") is None:
            return False
        return subprocess.run([*self._enter, "true"], capture_output=True, check=False).returncode == 0

    def submit(self, project: Project, *names: str) -> None:
        """Queue tasks there, with a scheduler that stays until the host crashes."""
        words = [sys.executable, "-c", SUBMIT, str(project.workspace.folder), *names]
        self._process = subprocess.Popen([*self._enter, *words], cwd=ROOT, stdin=subprocess.PIPE, text=True)

    def crash(self) -> None:
        """Every process of it is gone at once."""
        if self._process is not None:
            for process in psutil.Process(self._process.pid).children():
                process.kill()  # its init, and with it all others
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherHost]:
    host = OtherHost(tmp_path / "boot")
    if not host.is_possible:
        pytest.skip("only who may make namespaces can play two hosts")
    yield host
    host.crash()


def test_two_hosts_on_one_folder(shell: Project, other: OtherHost) -> None:
    shell.task("there", "hostname; cat /proc/sys/kernel/random/boot_id; while :; do sleep 0.1; done")
    shell.task("later", "hostname; while [ ! -e go ]; do sleep 0.1; done")
    shell.task("here", "hostname")
    other.submit(shell, "there")
    shell.wait_for_output("there", f"{HOST}\n{BOOT}\n".encode())
    # There is one scheduler for both; it takes what is queued here.
    shell.submit("later")
    shell.wait_for_output("later", HOST.encode())
    info = shell.info("there")
    assert info["runner_host"] == HOST
    assert scheduler_alive(shell.root)

    other.crash()
    wait_until(lambda: not is_locked(shell.engine.scheduler_lock))
    shell.submit("here")
    assert shell.wait("here") == ["completed"]
    # Nobody here can know whether that host lives, until its leases have run out.
    assert [shell.status(name) for name in ("there", "later")] == ["running", "running"]
    for name in ("there", "later"):
        age_lock(shell.paths(name).folder)
        with edit_task(shell.paths(name).folder) as info:
            info["lease_until"] = time.time() - 1
    ensure_running(shell.root)
    assert shell.wait("there", "later") == ["failed", "failed"]
    assert (
        f"Lost contact with the supervisor on {HOST}"
        in shell.info("there")["pyruns_jupyter"]["messages"]["1"]
    )
    assert os.uname().nodename.encode() in shell.log("here")


FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
@pytest.mark.parametrize("jump", ["+40d", "-40d"])
def test_a_clock_that_jumps(shell: Project, jump: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is measured is monotonic; the clock is only written down."""
    clock = shell.folder / "clock"
    clock.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", str(FAKETIME))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    monkeypatch.setenv("NO_FAKE_STAT", "1")
    shell.task("long", "while [ ! -e go ]; do sleep 0.1; done; exit 3")
    shell.task("limited", "sleep 600")
    shell.task("again", '[ -e "$PYRUNS_TASK_DIR/once" ] || { touch "$PYRUNS_TASK_DIR/once"; exit 1; }')
    shell.submit("long")
    shell.submit("limited", time_limit=6.0)
    shell.submit("again", retries=1, retry_delay=4.0)
    for name in ("long", "limited"):
        shell.wait_for_output(name, b"START")
    wait_until(lambda: shell.info("again").get("run_statuses", [])[:1] == ["failed"])
    clock.with_suffix(".new").write_text(jump)
    clock.with_suffix(".new").replace(clock)  # programs that start meanwhile would end if they found it empty
    if jump.startswith("+"):  # a new scheduler, which knows only the files, sees leases that ended long ago
        pid = shell.scheduler_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not process_alive(pid, None))
        # One that a later submit started may have waited for the lock.
        wait_until(lambda: ensure_running(shell.root) or scheduler_alive(shell.root))
    assert shell.wait("limited", "again") == ["failed", "completed"]
    assert "time limit" in shell.info("limited")["pyruns_jupyter"]["messages"]["1"]
    assert shell.status("long") == "running"
    (shell.folder / "go").touch()
    assert shell.wait("long") == ["failed"]
    for name in ("long", "limited", "again"):
        info = shell.info(name)
        assert set(info["run_statuses"]) <= ENDED
        assert all(duration >= 0 for duration in info["durations"])
    info = shell.info("long")
    assert info["exit_codes"] == [3]
    assert abs(info["pyruns_jupyter"]["times"]["1"][1] - time.time()) > 39 * 86400  # it did jump
