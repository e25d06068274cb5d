"""`%%pyruns task`: a cell that runs beside the kernel, and comes back with its value."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.common.errors import Conflict, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from pyruns_jupyter.core.export.archive import pack, unpack
from pyruns_jupyter.core.trust.signed_pickles import is_own_pickle, sign_pickle
from tests.notebook.shell import Shell


def run(shell: Shell, options: str, cell: str) -> Task:
    """Run a cell as a task to its end and return the task."""
    shell.cell(f"%%pyruns task --to job {options}\n{cell}")
    job = shell.shell.user_ns["job"]
    assert isinstance(job, Task)
    return job.wait(timeout=120)


def test_a_cell_runs_beside_the_kernel_and_comes_back_with_its_value(shell: Shell) -> None:
    shell.cell(
        "data, shared = [1, 2, 3], []\n"
        "pair = (shared, shared)\n"
        "def double(x):\n    return 2 * x\n"
        "class Answer:\n    def __init__(self, of): self.of = of"
    )
    job = run(
        shell,
        "-n probe --with data,double,pair,Answer",
        "import os\npair[0].append(1)\nprint('pid', os.getpid())\n"
        "Answer([double(x) for x in data] + [len(pair[1])])",
    )
    assert (job.name, job.status) == ("probe", "completed")
    value: Any = job.value()
    assert value.of == [2, 4, 6, 1]
    assert "pid" in job.log()
    assert shell.shell.user_ns["shared"] == []  # it had a copy of its own
    assert job.workspace.folder.kind == "shell"


def test_what_variables_share_stays_shared(shell: Shell) -> None:
    shell.cell("left = []\nright = left")
    assert run(shell, "--with left,right", "left.append(1)\nlen(right)").value() == 1


def test_a_cell_is_ipythons(shell: Shell, project: Path) -> None:
    job = run(
        shell,
        "",
        "import asyncio, pyruns_jupyter\n"
        "from pathlib import Path\n"
        "await asyncio.sleep(0)\n"
        "!echo from the shell\n"
        "words = !echo two words\n"
        "display({'shown': 1})\n"
        "pyruns_jupyter.record(acc=0.75)\n"
        "pyruns_jupyter.track(loss=1.0)\n"
        "(Path(pyruns_jupyter.artifact_dir()) / 'made.txt').write_text('here')\n"
        "words[0]",
    )
    assert job.status == "completed", job.log()
    assert job.value() == "two words"
    assert "from the shell" in job.log() and "'shown': 1" in job.log()
    assert job.records() == {"acc": 0.75}
    assert [path.name for path in job.artifacts()] == ["made.txt", "value.pkl"]


def test_a_cell_that_raises_fails_with_its_own_lines(shell: Shell) -> None:
    job = run(shell, "-n bad", "def deep():\n    raise ValueError('too much')\n\ndeep()")
    assert (job.status, job.runs[-1].exit_code) == ("failed", 1)
    assert job.row.message == "ValueError: too much"
    log = job.log()
    assert log.count("Traceback (most recent call last)") == 1
    assert "cell.py" in log and "    raise ValueError('too much')" in log
    assert "interactiveshell.py" not in log
    with pytest.raises(Conflict, match=r"Its status is failed\. ValueError: too much"):
        job.value()


def test_a_cell_may_choose_its_exit_code(shell: Shell) -> None:
    assert run(shell, "", "import sys\nsys.exit(3)").runs[-1].exit_code == 3
    assert run(shell, "", "import sys\nsys.exit()").status == "completed"


def test_values_that_are_none_and_that_cannot_be_kept(shell: Shell) -> None:
    assert run(shell, "", "x = 1").value() is None
    kept = run(shell, "", "(n for n in range(3))")
    assert kept.status == "completed"
    assert "cannot be pickled" in kept.log()
    assert kept.value() is None
    broken = run(shell, "", "7")
    (broken.folder / "artifacts" / "run1" / "value.pkl").write_bytes(b"no pickle")
    with pytest.raises(Unreadable, match="cannot be read"):
        broken.value(trust=True)


@pytest.mark.parametrize(
    ("line", "cell", "words"),
    [
        ("--with nothing", "1", ["does not exist", "nothing"]),
        ("--with json", "1", ["json is a module"]),
        ("--with steps", "1", ["steps (generator)", "cannot be pickled"]),
        ("--to 7x", "1", ["7x"]),
        ("", "x = = 1", ["line 1", "not valid Python"]),
        ("", "  ", ["empty"]),
        ("-n a/b", "1", ["a/b"]),
        ("--gpus many", "1", ["many"]),
        ("--time-limit soon", "1", ["soon"]),
        ("--after nobody", "1", ["nobody"]),
        ("--nonsense", "1", ["nonsense", "usage: %%pyruns"]),
    ],
)
def test_what_cannot_be_a_task_is_refused(shell: Shell, line: str, cell: str, words: list[str]) -> None:
    shell.cell("import json\nsteps = (n for n in range(3))")
    told = shell.failing(f"%%pyruns task {line}\n{cell}")
    assert all(word in told for word in words), told
    assert len(Workspace.open(".")) == 0
    assert Workspace.open(".").trashed() == []


def test_a_cell_that_cannot_be_queued_leaves_no_task(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PyrunsError("The scheduler cannot be started.")

    monkeypatch.setattr("pyruns_jupyter.engine.client.submit.ensure_scheduler", fail)
    assert shell.failing("%%pyruns task\n1") == "The scheduler cannot be started."
    assert len(Workspace.open(".")) == 0
    assert Workspace.open(".").trashed() == []


def test_a_cell_that_runs_again_is_another_task(shell: Shell) -> None:
    shell.cell("lr = 0.5")
    first = run(shell, "-n probe --with lr", "lr + 1")
    again = json.loads(shell.cell("%%pyruns task -n probe --with lr --json\nlr + 2"))
    assert again == {"workspace": "_shell_", "names": ["probe_2"], "queued": True}
    second = Workspace.open(".")["probe_2"].wait(timeout=120)
    assert (first.value(), second.value()) == (1.5, 2.5)
    # A run of its own, and a copy, have the same code and the same values.
    first.run()
    assert first.wait(timeout=120).value() == 1.5
    assert (len(first.runs), first.value(1)) == (2, 1.5)
    copy = first.duplicate("copy").run().wait(timeout=120)
    assert copy.value() == 1.5


def test_a_cell_whose_files_are_gone_says_so(shell: Shell) -> None:
    job = run(shell, "", "1")
    (job.folder / "cell.py").unlink()
    assert job.run().wait(timeout=120).status == "failed"
    assert "cell.py" in job.log()


class Evil:
    """Runs a program when it is read back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_value_of_somebody_else_is_read_only_when_it_is_trusted(shell: Shell, tmp_path: Path) -> None:
    job = run(shell, "-n probe", "[1, 2]")
    path = job.folder / "artifacts" / "run1" / "value.pkl"
    assert job.value() == [1, 2]
    own = path.read_bytes()
    assert pickle.loads(own) == [1, 2]  # the signature behind it disturbs nobody
    evil = pickle.dumps(Evil(tmp_path / "run"))
    other = b"1" if own.endswith(b"0") else b"0"
    for data in (evil, evil + own[-100:], own[:-1] + other, own[:10] + own[11:], b""):
        path.write_bytes(data)
        with pytest.raises(Unreadable, match=r"not stored by one of your own runs.*trust=True"):
            job.value()
    assert not (tmp_path / "run").exists()
    path.write_bytes(evil)
    job.value(trust=True)
    assert (tmp_path / "run").exists()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Unreadable):
        job.value(trust=True)


def test_the_key_is_the_users_own(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sign_pickle(pickle.dumps(7))
    assert is_own_pickle(data)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "another"))
    assert not is_own_pickle(data)
    theirs = sign_pickle(pickle.dumps(7))
    assert theirs != data and is_own_pickle(theirs)
    key = tmp_path / "another" / "pickles.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    key.chmod(0o666)  # anybody may have put another one there
    assert not is_own_pickle(theirs)
    monkeypatch.setenv(STATE_VARIABLE, "/dev/null/nowhere")
    assert sign_pickle(b"x") == b"x"  # a cell runs all the same
    assert not is_own_pickle(theirs)


def imported(job: Task, folder: Path) -> Task:
    """The task as it comes out of an archive."""
    folder.mkdir()
    with (folder / "t.zip").open("wb") as stream:
        pack(job.workspace.folder, [job.name], stream)
    found = unpack(folder / "t.zip", folder)
    return Task(found.workspace, found.names[job.name])


def test_an_imported_task_brings_nothing_that_is_read(shell: Shell, tmp_path: Path) -> None:
    shell.cell("lr = 0.5")
    job = run(shell, "-n probe --with lr", "lr + 1")
    mine = imported(job, tmp_path / "mine")  # made here, so that it is read after its journey too
    assert mine.value() == 1.5
    assert mine.run().wait(timeout=120).value() == 1.5

    evil = pickle.dumps(Evil(tmp_path / "run"))
    (job.folder / "given.pkl").write_bytes(evil)
    (job.folder / "artifacts" / "run1" / "value.pkl").write_bytes(evil)
    theirs = imported(job, tmp_path / "theirs")
    for one in (theirs, theirs.duplicate(runs=True, artifacts=True)):
        with pytest.raises(Unreadable, match="trust=True"):
            one.value(1)
        assert one.run().wait(timeout=120).status == "failed"
        assert "come from an archive and are not loaded" in one.log()
    assert not (tmp_path / "run").exists()
