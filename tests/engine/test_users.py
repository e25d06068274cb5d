"""Two users of one machine and its GPUs: real users, real processes, a fake driver library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from pyruns_jupyter.engine.gpus import reservations
from tests.conftest import FakeGpu, FakeNvml
from tests.support import ROOT, wait_until

from .support import Project

HOLD = "echo gpu:$CUDA_VISIBLE_DEVICES; id -u; while [ ! -e go ]; do sleep 0.05; done\n"
SUBMIT = """
import sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.client.submit import submit
submit(WorkspaceFolder.at(Path(sys.argv[1])), sys.argv[2:], options=QueueOptions(gpus=1))
"""


class User:
    """Somebody with a project of their own."""

    def __init__(self, uid: int, folder: Path) -> None:
        self.uid = uid
        home = folder / str(uid)
        home.mkdir()
        self.project = Project(home)
        self.project.settings("gpu_scheduler_stable_seconds: 0\n")
        self._home = home

    def submit(self, name: str, script: str = HOLD) -> None:
        """Queue a new task that wants one GPU."""
        self.project.task(name, script)
        subprocess.run(["chown", "-R", f"{self.uid}:{self.uid}", str(self._home)], check=True)
        # The interpreter may lie where only root can read: reading is all that the user may do more.
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        become += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
        become += ["--bounding-set=-all,+dac_read_search"]
        words = [sys.executable, "-c", SUBMIT, str(self.project.workspace.folder), name]
        environment = {**os.environ, "HOME": str(self._home), "PYTHONPATH": str(ROOT)}
        environment[STATE_VARIABLE] = str(self._home / "state")
        subprocess.run([*become, *words], cwd=self._home, env=environment, check=True)

    def why(self) -> str:
        """Why nothing more starts, as their scheduler wrote it down; to us it is another user's queue."""
        try:
            told = json.loads(self.project.engine.queue.read_bytes())["batches"]
        except FileNotFoundError:
            return ""
        return " ".join(str(state["why"]) for state in told.values())


@pytest.fixture
def two(fake_nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[User, User]]:
    """Two users of a machine with one GPU, and a common ledger as an administrator makes it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can be two users")
    folder = Path(tempfile.mkdtemp(prefix="pyruns-users-"))
    folder.chmod(0o755)
    common = folder / "ledger"
    common.mkdir()
    common.chmod(0o1777)
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(reservations.VARIABLE, str(common))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_nvml.write([FakeGpu(total=10240, used=100)])
    users = User(12001, folder), User(12002, folder)
    yield users
    for user in users:
        user.project.stop_everything()
    shutil.rmtree(folder)


def test_what_one_user_has_reserved_no_other_gets(two: tuple[User, User]) -> None:
    one, other = two
    one.submit("a")
    one.project.wait_for_output("a", b"gpu:GPU-")
    one.project.wait_for_output("a", b"12001")
    other.submit("b")
    wait_until(lambda: "_shell_/a" in other.why(), message=other.why)
    assert other.project.status("b") == "queued"
    (one.project.folder / "go").touch()
    assert one.project.wait("a") == ["completed"]
    other.project.wait_for_output("b", b"gpu:GPU-")
    other.project.wait_for_output("b", b"12002")
    # And the other way round: who came first made the guard of the ledger.
    one.submit("c")
    wait_until(lambda: "_shell_/b" in one.why(), message=one.why)
    (other.project.folder / "go").touch()
    assert other.project.wait("b") == ["completed"]
    assert one.project.wait("c") == ["completed"]


def test_what_another_user_runs_by_hand_is_respected(two: tuple[User, User], fake_nvml: FakeNvml) -> None:
    one, _ = two
    theirs = subprocess.Popen(["sleep", "600"], user=12002, cwd="/")
    try:
        fake_nvml.write([FakeGpu(total=10240, used=9000, processes=((theirs.pid, 8900),))])
        one.submit("a")
        wait_until(lambda: f"held by process {theirs.pid} (sleep" in one.why(), message=one.why)
    finally:
        theirs.kill()
        theirs.wait()
    fake_nvml.write([FakeGpu(total=10240, used=100)])
    one.project.wait_for_output("a", b"gpu:GPU-")
    (one.project.folder / "go").touch()
    assert one.project.wait("a") == ["completed"]
