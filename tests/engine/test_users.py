"""Two users of one machine and its GPUs: real users, real processes, a fake driver library."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from pyruns_jupyter.engine.gpus import reservations
from tests.conftest import FakeGpu, FakeNvml
from tests.support import ROOT, wait_until

from .support import Project

HOLD = (
    "echo gpu:$CUDA_VISIBLE_DEVICES:$PYRUNS_ASSIGNED_GPUS; id -u; "
    "while [ ! -e go ] && [ ! -e go-$(basename $PYRUNS_TASK_DIR) ]; do sleep 0.1; done\n"
)
SUBMIT = """
import json
import sys
from pathlib import Path
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import QueueOptions
from pyruns_jupyter.engine.client.submit import submit
options = QueueOptions.from_dict(json.loads(sys.argv[2]))
submit(WorkspaceFolder.at(Path(sys.argv[1])), sys.argv[3:], options=options)
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

    def submit(self, *names: str, script: str = HOLD, **options: Any) -> None:
        """Queue new tasks that want one GPU each, or as `options` say."""
        for name in names:
            self.project.task(name, script)
        subprocess.run(["chown", "-R", f"{self.uid}:{self.uid}", str(self._home)], check=True)
        # The interpreter may lie where only root can read: reading is all that the user may do more.
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        become += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
        become += ["--bounding-set=-all,+dac_read_search"]
        given = json.dumps({"gpus": 1, **options})
        words = [sys.executable, "-c", SUBMIT, str(self.project.workspace.folder), given, *names]
        environment = {**os.environ, "HOME": str(self._home), "PYTHONPATH": str(ROOT)}
        environment[STATE_VARIABLE] = str(self._home / "state")
        subprocess.run([*become, *words], cwd=self._home, env=environment, check=True)

    def let_end(self, name: str) -> None:
        """Let a task end."""
        (self.project.folder / f"go-{name}").touch()

    def finish(self, name: str) -> None:
        """Let a task end, and wait for that."""
        self.let_end(name)
        assert self.project.wait(name) == ["completed"]

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


@pytest.fixture
def ledger(two: tuple[User, User]) -> Path:
    """The common folder, in which nothing is but what the policy needs."""
    return Path(os.environ[reservations.VARIABLE])


def set_policy(ledger: Path, text: str) -> None:
    (ledger / "policy.yaml").write_text(text)


def contend(one: User, other: User, ledger: Path) -> None:
    """Let `one` have used the only GPU and use it now, with another task queued before one of `other`, whose
    scheduler is stopped, so that the GPU can be seen to be left to it.
    """
    one.submit("a", "b", "c")
    one.project.wait_for_output("a", b"gpu:GPU-")
    one.finish("a")
    one.project.wait_for_output("b", b"gpu:GPU-")
    other.submit("theirs")
    stop_waiting(other, ledger)


def stop_waiting(user: User, ledger: Path, requests: int = 1) -> None:
    """Stop the scheduler of a user while it waits with so many requests, and does not hold the guard."""
    scheduler = psutil.Process(user.project.scheduler_pid())

    def waits() -> bool:
        with suppress(FileNotFoundError):
            for path in ledger.glob("*.waiting"):
                if path.stat().st_uid == user.uid:
                    return len(json.loads(path.read_bytes())) == requests
        return False

    def is_stopped() -> bool:
        with reservations.Reservations(ledger).guarded(30):
            if not waits():
                return False
            scheduler.suspend()
            wait_until(lambda: scheduler.status() == psutil.STATUS_STOPPED)
            still_waits = waits()  # to leave needs no guard
            if not still_waits:
                scheduler.resume()
            return still_waits

    wait_until(is_stopped)


def keep_waiting(user: User, ledger: Path) -> None:
    """Renew what a user waits for, as the scheduler does that was stopped: it counts for 20 s only."""
    for path in ledger.glob("*.waiting"):
        with suppress(FileNotFoundError):  # others leave meanwhile
            if path.stat().st_uid == user.uid:
                os.utime(path)


def wait_while(user: User, ledger: Path, happened: Callable[[], bool], other: User) -> None:
    """Wait until something happened to another user while this one goes on waiting."""

    def has_happened() -> bool:
        keep_waiting(user, ledger)
        return happened()

    wait_until(has_happened, message=other.why)


def test_who_used_less_is_next(two: tuple[User, User], ledger: Path) -> None:
    one, other = two
    set_policy(ledger, "fair_share: true\n")
    contend(one, other, ledger)
    one.let_end("b")
    kept = (
        "GPU 0 is kept for 12002, who is also waiting and has used 0 % of the recent GPU-hours of this host. "
        "12001 has used 100 % (half-life: 7 days)."
    )
    wait_while(other, ledger, lambda: kept in one.why(), one)
    assert one.project.status("c") == "queued"
    os.kill(other.project.scheduler_pid(), signal.SIGCONT)
    other.project.wait_for_output("theirs", b"gpu:GPU-")
    assert one.project.status("c") == "queued"
    # It waits for a task that runs now, not for a share.
    wait_until(lambda: "GPU 0: reserved by _shell_/theirs" in one.why(), message=one.why)
    other.finish("theirs")
    one.project.wait_for_output("c", b"gpu:GPU-")
    one.finish("c")
    (usage,) = [path for path in ledger.glob("*.usage") if path.stat().st_uid == one.uid]
    assert json.loads(usage.read_bytes())["gpu_seconds"] > 0
    wait_until(lambda: not list(ledger.glob("*.waiting")))


def test_gpus_are_left_to_the_second_batch_of_a_user(
    two: tuple[User, User], ledger: Path, fake_nvml: FakeNvml
) -> None:
    one, other = two
    fake_nvml.write([FakeGpu(total=10240, used=100) for _ in range(2)])
    set_policy(ledger, "fair_share: true\n")
    one.submit("keep")
    one.project.wait_for_output("keep", b"gpu:GPU-")
    one.submit("a", "b")
    one.project.wait_for_output("a", b"gpu:GPU-")
    other.submit("pair", gpus=2)  # which cannot start while `keep` runs
    other.submit("theirs")
    stop_waiting(other, ledger, requests=2)
    one.let_end("a")
    wait_while(other, ledger, lambda: "GPU 1 is kept for 12002" in one.why(), one)
    os.kill(other.project.scheduler_pid(), signal.SIGCONT)
    other.project.wait_for_output("theirs", b"gpu:GPU-")
    other.finish("theirs")
    one.project.wait_for_output("b", b"gpu:GPU-")
    one.finish("keep")


def test_a_user_gets_another_gpu_than_the_one_left_to_others(
    two: tuple[User, User], ledger: Path, fake_nvml: FakeNvml
) -> None:
    one, other = two
    fake_nvml.write([FakeGpu(total=10240, used=100), FakeGpu(total=20480, used=100)])
    set_policy(ledger, "fair_share: true\n")
    one.submit("a", "b")
    one.project.wait_for_output("a", b":0\n")
    other.submit("theirs", gpu_devices=["0"])
    stop_waiting(other, ledger)
    one.let_end("a")
    wait_while(other, ledger, lambda: b":1\n" in one.project.log("b"), one)
    os.kill(other.project.scheduler_pid(), signal.SIGCONT)
    other.project.wait_for_output("theirs", b":0\n")
    other.finish("theirs")


def test_a_scheduler_that_was_killed_is_not_waited_for(two: tuple[User, User], ledger: Path) -> None:
    one, other = two
    set_policy(ledger, "fair_share: true\n")
    contend(one, other, ledger)
    os.kill(other.project.scheduler_pid(), signal.SIGKILL)
    one.finish("b")
    one.project.wait_for_output("c", b"gpu:GPU-")
    assert list(ledger.glob("*.waiting"))  # what it left is of no effect
    one.finish("c")


def test_a_quota_holds_for_each_user(two: tuple[User, User], ledger: Path, fake_nvml: FakeNvml) -> None:
    one, other = two
    fake_nvml.write([FakeGpu(total=10240, used=100) for _ in range(4)])
    set_policy(ledger, f"max_gpus: 1\nusers: {{{other.uid}: 2}}\n")
    one.submit("a", "b", jobs=2)
    one.project.wait_for_output("a", b"gpu:GPU-")
    wait_until(lambda: "12001 may reserve at most 1 GPU on this host" in one.why(), message=one.why)
    other.submit("a", "b", jobs=2)
    for name in ("a", "b"):
        other.project.wait_for_output(name, b"gpu:GPU-")
    assert one.project.status("b") == "queued"
    one.finish("a")
    one.project.wait_for_output("b", b"gpu:GPU-")
    one.finish("b")
    assert {path.name for path in ledger.iterdir() if path.suffix in (".usage", ".waiting")} == set()


def test_a_policy_that_is_damaged_is_told(two: tuple[User, User], ledger: Path) -> None:
    one, _ = two
    set_policy(ledger, "max_gpu: 1\n")
    one.submit("a")
    wait_until(lambda: "Unknown field 'max_gpu'" in one.why(), message=one.why)
    set_policy(ledger, "max_gpus: 1\n")
    one.project.wait_for_output("a", b"gpu:GPU-")
    one.finish("a")


def test_without_a_policy_nothing_is_recorded(two: tuple[User, User], ledger: Path) -> None:
    one, other = two
    one.submit("a", "b")
    one.project.wait_for_output("a", b"gpu:GPU-")
    other.submit("a")
    wait_until(lambda: "_shell_/a" in other.why(), message=other.why)
    assert {path.suffix for path in ledger.iterdir()} <= {"", ".json", ".peak"}
    one.finish("a")
    (one.project.folder / "go").touch()
    (other.project.folder / "go").touch()
    assert one.project.wait("b") == other.project.wait("a") == ["completed"]
    assert {path.suffix for path in ledger.iterdir()} <= {"", ".json", ".peak"}


def test_tasks_without_gpus_do_not_read_the_policy(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """They start as before, also if the folder cannot be used."""
    monkeypatch.setenv(reservations.VARIABLE, str(shell.folder / "missing" / "ledger"))
    names = [shell.task(f"t{number}", "true\n") for number in range(20)]
    shell.submit(*names, jobs=4)
    assert set(shell.wait(*names)) == {"completed"}
    assert not (shell.folder / "missing").exists()


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
