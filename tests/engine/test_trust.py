"""Looking at a project executes nothing in it, whoever made it: only what was queued here is started."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import Conflict, PyrunsError
from pyruns_jupyter.core.common.host_identity import boot_id, process_alive
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.filesystem import birth_time, file_system_type
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.trust import engine_key
from pyruns_jupyter.core.trust.engine_key import BATCHES, claim_engine, require_engine, trusted_engine
from pyruns_jupyter.core.trust.signatures import Origin, SealedFolder, origin
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import submit
from pyruns_jupyter.engine.queue import launch
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from pyruns_jupyter.engine.queue.options import After, QueueOptions
from pyruns_jupyter.engine.queue.status import read_queue
from pyruns_jupyter.studies.launch import ensure_running as attend_all
from pyruns_jupyter.studies.launch import requeue as requeue_all
from tests.engine.support import Project, processes_below, stop_everything
from tests.support import ROOT, wait_until

Change = Callable[[dict[str, Any]], dict[str, Any]]


class Made:
    """A project with a shell workspace, made by the product, whose tasks leave a file where they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = WorkspaceFolder(folder / "_pyruns_" / "_shell_")
        self.root = self.workspace.root
        self.engine = self.root / ".engine"
        self.batches = self.engine / "batches"

    @classmethod
    def new(cls, folder: Path, text: str = "touch {marker}\n", name: str = "job") -> Made:
        folder.mkdir(parents=True, exist_ok=True)
        workspace, _ = open_workspace(folder)
        create_tasks(workspace, text.format(marker=folder.parent / "EXECUTED"), name)
        return cls(folder)

    def queue(self, *names: str) -> None:
        """Queue tasks without a scheduler that starts them."""
        launch.pause(self.root)
        submit(self.workspace, names or ("job",))
        stop_everything(self.folder)
        wait_until(lambda: not scheduler_alive(self.root), message="no scheduler")
        (self.engine / "paused").unlink()
        launch._started.clear()  # this process may start the next scheduler at once

    def copy_to(self, folder: Path) -> Made:
        # A file that vanishes while it is copied makes the copy fail. One whose writer was killed stays.
        passing = shutil.ignore_patterns(".*.lock", ".*.tmp")
        shutil.copytree(self.folder, folder, symlinks=True, ignore=passing, copy_function=shutil.copy)
        return Made(folder)

    def change(self, kind: str, change: Change) -> None:
        """Change the files of an engine as somebody with an editor."""
        for path in (self.engine / kind).iterdir():
            path.write_text(json.dumps(change(json.loads(path.read_bytes()))))

    def status(self, name: str = "job") -> str:
        return str(json.loads(self.workspace.paths(name).info.read_bytes())["status"])

    def is_left_alone(self, seconds: float = 1.5) -> bool:
        """Look as every front end does, and return whether nothing came of it."""
        before = files(self.root)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            TaskIndex(self.workspace).refresh()
            attend_all(self.root)
            time.sleep(0.3)
        marker = self.folder.parent / "EXECUTED"
        return files(self.root) == before and not scheduler_alive(self.root) and not marker.exists()


def files(folder: Path) -> dict[str, tuple[float, int]]:
    """Every file and folder below a folder, links not followed, with what tells a change."""
    found = {}
    for current, folders, names in os.walk(folder):
        for name in (*folders, *names):
            status = os.lstat(os.path.join(current, name))
            found[os.path.join(current, name)] = (status.st_mtime, status.st_size)
    return found


@pytest.fixture(autouse=True)
def stopped(tmp_path: Path) -> Iterator[None]:
    yield
    stop_everything(tmp_path)


def without_place(batch: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in batch.items() if key != "place"}


def with_seal(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "seal": "0" * 64}


def forged(engine: Path) -> Change:
    """The place that earlier releases compared, forged for where the copy lies."""
    status = engine.stat()
    place = {"path": str(engine), "host": socket.gethostname(), "ino": status.st_ino, "dev": status.st_dev}
    return lambda batch: {**batch, "place": {**place, "boot": boot_id()}}


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch,
        without_place,
        with_seal,
        lambda batch: {**batch, "place": None},
        lambda batch: {**batch, "place": 1},
        "forged",
    ],
)
def test_a_copy_runs_nothing(tmp_path: Path, change: Change | str) -> None:
    Made.new(tmp_path / "first").queue()
    copied = Made(tmp_path / "first").copy_to(tmp_path / "second")
    shutil.rmtree(tmp_path / "first")
    copied.change("batches", forged(copied.engine) if isinstance(change, str) else change)
    assert copied.is_left_alone()
    assert copied.status() == "queued"


def test_a_folder_without_any_trace_of_ours_runs_nothing(tmp_path: Path) -> None:
    """As a repository can carry it."""
    made = Made.new(tmp_path / "clone")
    made.queue()
    for name in os.listdir(made.engine):
        if name != "batches":
            path = made.engine / name
            path.unlink() if path.is_file() else shutil.rmtree(path)
    cloned = made.copy_to(tmp_path / "second")
    shutil.rmtree(tmp_path / "clone")
    cloned.change("batches", forged(cloned.engine))
    assert cloned.is_left_alone()


@pytest.mark.parametrize("how", ["anew", "over"])
def test_a_restored_backup_runs_nothing_again(tmp_path: Path, how: str) -> None:
    made = Made.new(tmp_path / "project")
    made.queue()
    with tarfile.open(tmp_path / "backup.tar", "w") as archive:
        archive.add(made.root, "_pyruns_")
    ensure_running(made.root)
    wait_until(lambda: made.status() == "completed", message="it runs")
    wait_until(lambda: not processes_below(made.folder), message="the scheduler leaves")
    (tmp_path / "EXECUTED").unlink()
    if how == "anew":
        shutil.rmtree(made.root)
    with tarfile.open(tmp_path / "backup.tar") as archive:
        archive.extractall(made.folder, filter="tar")
    launch._started.clear()
    assert made.status() == "queued"
    assert made.is_left_alone()


def test_a_project_synchronised_over_ours_adds_nothing_that_runs(tmp_path: Path) -> None:
    ours, theirs = Made.new(tmp_path / "ours", "true\n", "mine"), Made.new(tmp_path / "theirs")
    ours.queue("mine")
    theirs.queue()
    subprocess.run(["cp", "-r", f"{theirs.root}/.", str(ours.root)], check=True)
    ensure_running(ours.root)
    wait_until(lambda: ours.status("mine") == "completed", message="what was queued here runs")
    wait_until(lambda: not processes_below(ours.folder), message="the scheduler leaves")
    assert ours.is_left_alone()
    assert ours.status() == "queued"


def test_any_change_of_a_batch_makes_it_foreign(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "project")
    made.queue()
    (path,) = made.batches.iterdir()
    data, key = path.read_bytes(), require_engine(made.root)
    changed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(0, len(data), 97)]
    changed.append(data.replace(b'"python": "', b'"python": "/tmp/evil", "python": "'))
    changed.append(data + b" ")
    for number, text in enumerate(changed):
        path.write_bytes(text)
        os.utime(path, ns=(number, number))
        assert origin(made.root, BATCHES, path.name, key) in (Origin.FOREIGN, Origin.DAMAGED), text
    path.write_bytes(data)
    assert ensure_running(made.root)
    wait_until(lambda: made.status() == "completed")


def test_the_file_of_one_kind_is_none_of_another(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "project")
    made.queue()
    (path,) = made.batches.iterdir()
    (made.engine / "studies").mkdir(mode=0o700)
    path.rename(made.engine / "studies" / "train@s")
    assert made.is_left_alone()


def test_where_inodes_change_with_each_mount_the_path_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_key, "RENUMBERED", {file_system_type(tmp_path)})
    made = Made.new(tmp_path / "project")
    made.queue()
    copied = made.copy_to(tmp_path / "second")
    made.engine.rename(tmp_path / "former")
    shutil.copytree(tmp_path / "former", made.engine)  # as after another mount: the same path, other inodes
    assert trusted_engine(copied.root) is None
    assert ensure_running(made.root)
    wait_until(lambda: made.status() == "completed")


def test_another_folder_that_got_the_same_inode_has_no_key(tmp_path: Path) -> None:
    """File systems use the numbers of removed folders again."""
    made = Made.new(tmp_path / "project")
    made.queue()
    key = require_engine(made.root)
    made.engine.rename(tmp_path / "former")
    shutil.copytree(tmp_path / "former", made.engine)
    inode = made.engine.stat().st_ino
    record = json.loads((key.state / "engine.json").read_bytes())
    record["place"]["ino"] = inode
    bucket = key.state.parent.with_name(str(inode))
    bucket.mkdir(mode=0o700)
    key.state.rename(bucket / key.state.name)
    (bucket / key.state.name / "engine.json").write_text(json.dumps(record))
    if birth_time(made.engine) is None:
        pytest.skip("this file system does not record when a folder was created")
    assert trusted_engine(made.root) is None
    record["birth_time"] = birth_time(made.engine)
    (bucket / key.state.name / "engine.json").write_text(json.dumps(record))
    assert trusted_engine(made.root) is not None


def test_of_many_ids_that_have_done_their_work_the_latest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_key, "_MAX_DONE_BYTES", 1000)
    made = Made.new(tmp_path / "project")
    key = claim_engine(made.root)
    for number in range(500):
        key.add_done(f"batch-{number:05d}")
        assert key.is_done(f"batch-{number:05d}")
    assert (key.state / "done").stat().st_size <= 1000
    assert not key.is_done("batch-00000") and key.is_done("batch-00480")


def test_a_foreign_batch_of_which_a_task_is_refused_stays(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "first", "true\n")
    create_tasks(made.workspace, "exit 3\n", "before")
    create_tasks(made.workspace, "true\n", "other")
    launch.pause(made.root)
    submit(made.workspace, ["before"])
    submit(made.workspace, ["job"], options=QueueOptions(after=(After("_shell_", "before"),)))
    submit(made.workspace, ["other"])
    stop_everything(made.folder)
    copied = made.copy_to(tmp_path / "second")
    shutil.rmtree(copied.workspace.tasks / "before")
    launch.resume(copied.root)
    refused = r"job cannot be .*The dependency _shell_/before does not exist.*queued: 1, refused: 1"
    with pytest.raises(Conflict, match=refused):
        requeue_all(copied.root)
    wait_until(lambda: copied.status("other") == "completed")
    wait_until(lambda: not scheduler_alive(copied.root))
    assert [batch.foreign for batch in read_queue(copied.root).batches] == [True]
    assert copied.status() == "queued"


# Another user's folder


def as_other_user(program: str, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    # The interpreter may lie where only root can read: reading is all that the user may do more.
    become = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
    become += [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return subprocess.run(
        [*become, sys.executable, "-c", program, *words],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


LOOK = """
import sys, time
from pathlib import Path
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.status import read_queue
from pyruns_jupyter.studies.launch import ensure_running
workspace = WorkspaceFolder.at(Path(sys.argv[1]))
for _ in range(10):
    TaskIndex(workspace).refresh()
    print(ensure_running(workspace.root))
    time.sleep(0.3)
print(read_queue(workspace.root).batches[0].why)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="two users are needed")
def test_another_users_queue_does_not_run_as_us(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    made = Made.new(tmp_path / "b" / "project", "id -u > {marker}\n")
    made.queue()
    subprocess.run(["chmod", "-R", "a+rwX", str(made.folder)], check=True)
    (tmp_path / "b").chmod(0o777)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65533, 65533)
    looked = as_other_user(LOOK, str(made.workspace.folder), home=home)
    assert looked.stdout.count("False") == 10, looked.stderr
    assert "Queued by the user root" in looked.stdout
    assert not (tmp_path / "b" / "EXECUTED").exists()
    # Nor do they take it over.
    program = "import sys\nfrom pathlib import Path\n"
    program += "from pyruns_jupyter.engine.client.requeue import requeue\n"
    refused = as_other_user(program + "requeue(Path(sys.argv[1]))", str(made.root), home=home)
    assert "belongs to the user root" in refused.stderr
    # Others can write to it, so its owner is asked, too.
    assert not ensure_running(made.root)
    with pytest.raises(PyrunsError, match="writable by other users"):
        require_engine(made.root)
    submit(made.workspace, create_tasks(made.workspace, "true\n", "second"))  # which closes the folder
    wait_until(lambda: made.status() == "completed")
    assert made.engine.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made.new(tmp_path / "project")
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(PyrunsError, match="Other users can write to"):
        submit(made.workspace, ["job"])
    assert made.status() == "pending"
    assert made.is_left_alone(0.5)


def test_a_state_folder_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made.new(tmp_path / "project")
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(PyrunsError, match="Set PYRUNS_STATE_DIR"):
        submit(made.workspace, ["job"])
    assert made.status() == "pending"


def test_a_scheduler_with_another_state_folder_is_not_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made.new(tmp_path / "project", "sleep 600\n")
    create_tasks(made.workspace, "true\n", "second")
    submit(made.workspace, ["job"])
    wait_until(lambda: made.status() == "running")
    monkeypatch.setenv("PYRUNS_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(Conflict, match="another state folder"):
        submit(made.workspace, ["second"])
    assert made.status("second") == "pending"
    assert made.status() == "running"


# Imports


@pytest.mark.parametrize("module", ["json.py", "pyruns_jupyter/__init__.py", "psutil.py", "sitecustomize.py"])
@pytest.mark.usefixtures("new_daemons")  # a fork has imported most modules elsewhere
def test_no_module_of_the_project_is_imported(tmp_path: Path, module: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "job.py").write_text("print('fine')\n")
    workspace, _ = open_workspace(tmp_path / "project" / "job.py")
    create_tasks(workspace, "{}\n", "job")
    made = Made(tmp_path / "project")
    made.workspace = workspace
    code = f"open({str(tmp_path / 'IMPORTED')!r}, 'w')\n"
    for folder in (
        made.engine,
        made.engine / "environments",
        made.engine / "batches",
        made.root,
        made.folder,
    ):
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / module
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    submit(made.workspace, ["job"])
    wait_until(lambda: made.status() in ("completed", "failed"))
    assert made.status() == "completed"
    wait_until(lambda: not scheduler_alive(made.root))
    assert not (tmp_path / "IMPORTED").exists()


def test_lab_is_not_a_module_of_the_downloaded_folder(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "project")
    for name in ("jupyterlab.py", "jupyter.py", "jupyter_core.py", "json.py"):
        (made.folder / name).write_text(f"open({str(tmp_path / 'IMPORTED')!r}, 'w')\n")
    lab = tmp_path / "bin" / "jupyter-lab"
    lab.parent.mkdir()
    lab.write_text("#!/bin/sh\necho started $*\n")
    lab.chmod(0o755)
    program = f"""
import sys
sys.executable = {str(lab.parent / "python")!r}
from pyruns_jupyter.cli.terminal import main
sys.exit(main(["lab", {str(made.folder)!r}]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"import sys; sys.path.remove('')\n{program}"]
    done = subprocess.run(
        command, cwd=made.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert f"started --ServerApp.root_dir={made.folder}" in done.stdout, done.stderr
    assert not (tmp_path / "IMPORTED").exists()


# Links


@pytest.mark.parametrize("place", ["_pyruns_", ".engine", "batches", "studies", "cluster", "environments"])
def test_links_in_an_engine_folder_are_not_followed(tmp_path: Path, place: str) -> None:
    made = Made.new(tmp_path / "project")
    made.queue()
    home = tmp_path / "home"
    home.mkdir()
    for name in ("jupyter_server_config.json", ".backup.tmp", "a@b", f"{'0' * 32}.json", ".x.claim"):
        (home / name).write_text("{}")
        os.utime(home / name, (0, 0))
    linked = {"_pyruns_": made.root, ".engine": made.engine}.get(place, made.engine / place)
    if linked.exists():
        shutil.rmtree(linked)
    linked.symlink_to(home)
    before = files(home)
    attend_all(made.root)
    for _ in range(3):
        attend_all(made.root)
        time.sleep(0.3)
    assert files(home) == before
    assert not scheduler_alive(made.root)
    with pytest.raises((PyrunsError, OSError)):
        submit(made.workspace, ["job"])
    assert files(home) == before


def test_no_log_is_written_through_a_link(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "project")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    logs = made.workspace.paths("job").run_logs
    shutil.rmtree(logs, ignore_errors=True)
    logs.symlink_to(elsewhere)
    assert "run_logs is a symbolic link" in submit(made.workspace, ["job"]).refused["job"]
    assert list(elsewhere.iterdir()) == []


def test_a_scheduler_writes_its_log_through_no_link_and_no_control_characters(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "project", "true\n")
    bashrc = tmp_path / ".bashrc"
    bashrc.write_text("# mine\n")
    made.queue()
    (made.batches / "x\ncd; touch PWNED; #\x1b[31m.json").write_text("{")
    log = made.engine / "scheduler.log"
    log.unlink(missing_ok=True)
    log.symlink_to(bashrc)
    assert not ensure_running(made.root)
    with pytest.raises(PyrunsError, match=r"scheduler\.log is a symbolic link"):
        submit(made.workspace, ["job"])
    assert bashrc.read_text() == "# mine\n"
    log.unlink()
    wait_until(lambda: ensure_running(made.root) or made.status() == "completed")
    wait_until(lambda: made.status() == "completed")
    wait_until(lambda: not scheduler_alive(made.root))
    said = log.read_text()
    assert "PWNED" in said and "\x1b" not in said
    assert all(line[:2] == "20" for line in said.splitlines()), said


# Signals


def test_a_doctored_copy_does_not_end_the_originals_run(tmp_path: Path) -> None:
    made = Made.new(tmp_path / "first", "sleep 600\n")
    (made.root / "_pyruns_settings.yaml").write_text("system_metrics: false\n")
    submit(made.workspace, ["job"])
    wait_until(lambda: made.status() == "running")

    def running_pid() -> int:
        return int(json.loads(made.workspace.paths("job").info.read_bytes())["pids"][0] or 0)

    pid = wait_until(running_pid, message="its process")
    wait_until((made.engine / "gpus.json").exists)
    copied = made.copy_to(tmp_path / "second")
    copied.change("batches", lambda batch: {**batch, "place": None})
    copied.workspace.paths("job").owner(1).unlink()
    assert copied.is_left_alone()
    assert process_alive(pid, None) and made.status() == "running"


@pytest.mark.parametrize("job", ["424242", "--user=victim", "1;2"])
def test_no_job_of_a_cluster_is_cancelled_for_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("scancel", "squeue", "sbatch", "scontrol"):
        (commands / name).write_text(f"#!/bin/sh\necho {name} $* >> {tmp_path / 'CALLED'}\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    made = Made.new(tmp_path / "project")
    made.queue()
    (made.engine / "cluster").mkdir(mode=0o700)
    submission = {"engine": "slurm", "batch": "gone", "workspace": "_shell_", "tasks": ["job"], "job": job}
    identifier = "a" * 32
    path = made.engine / "cluster" / f"{identifier}.json"
    path.write_text(json.dumps({"id": identifier, **submission}))
    ensure_running(made.root)
    wait_until(lambda: made.status() == "completed")
    wait_until(lambda: not scheduler_alive(made.root))
    assert not (tmp_path / "CALLED").exists()


# One bad file never takes more than itself


def sealed(project: Project, name: str, **odd: Any) -> None:
    """Put a batch that a scheduler of ours has to read."""
    batch = {
        "id": name,
        "workspace": "_shell_",
        "created_at": time.time(),
        "options": {},
        "environment": {},
        "python": sys.executable,
        "tasks": [["A", "0" * 32]],
        "host": "",
        "boot": "",
        "code": "",
        "source": {},
        **odd,
    }
    SealedFolder(project.key, BATCHES, ".json").write(name, batch)


ODD: tuple[dict[str, Any], ...] = (
    {"created_at": "NaN"},
    {"created_at": float("inf")},
    {"created_at": 1e300},
    {"created_at": 10**400},
    {"created_at": None},
    {"options": {"retry_delay": 10**400}},
    {"options": {"time_limit": 10**400}},
    {"options": {"jobs": 10**30}},
    {"options": {"engine": "slurm", "cluster": {"time": 10**400}}},
    {"options": [1]},
    {"workspace": "a\0b"},
    {"workspace": "\ud800"},
    {"workspace": "../.."},
    {"workspace": "gone"},
    {"tasks": [["a\0b", "0"]]},
    {"tasks": [["../../x", "0"]]},
    {"tasks": [["\udfff", "0"]]},
    {"tasks": {"a": 1}},
    {"environment": {"A\0": "1"}},
    {"environment": {"A": "\ud800"}},
    {"environment": 3},
    {"python": "\0"},
    {"source": 10**400},
    {"id": "another"},
)


def test_odd_batches_keep_no_other_from_running(shell: Project) -> None:
    shell.task("A", "true")
    shell.task("good", "true")
    for number, odd in enumerate(ODD):
        sealed(shell, f"{number:020d}-00000000", **odd)
    assert shell.submit("good").queued == ["good"]
    assert shell.wait("good") == ["completed"]
    shell.wait_for_exit()
    assert "Traceback" not in shell.scheduler_log()
    assert shell.status("A") == "pending"
    assert not list(shell.engine.batches.glob("*.json"))


def test_the_conflicted_copy_of_a_sync_client_is_set_aside(shell: Project) -> None:
    shell.task("A", "while [ ! -e go ]; do sleep 0.1; done")
    shell.task("B", "true")
    shell.submit("A")
    (path,) = shell.engine.batches.glob("*.json")
    shutil.copy(path, path.with_name(f"{path.stem} (conflicted copy).json"))
    shell.submit("B")
    (shell.folder / "go").touch()
    assert shell.wait("A", "B") == ["completed"] * 2
    shell.wait_for_exit()
    assert [one.name for one in shell.engine.batches.iterdir()] == [f"{path.stem} (conflicted copy).damaged"]
    assert len(shell.info("A")["run_statuses"]) == 1
