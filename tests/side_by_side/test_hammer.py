"""Several processes of each program change the same tasks at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pyruns_jupyter.core import runs, tasks
from pyruns_jupyter.core.errors import Conflict
from pyruns_jupyter.core.files import read_json
from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.taskfile import TaskInfo, own_facts, read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder
from tests.support import ROOT, wait_until

from .shared import Shared, rows
from .worker import STOPPABLE, THEIRS, identity_of, payload

pytestmark = pytest.mark.reference

OURS, STOPPED = 6, 2  # tasks; those of the second kind may be stopped
ROUNDS = int(os.environ.get("PYRUNS_HAMMER_ROUNDS", "5"))
# It may refuse in a sentence (a task is gone, is active, has the name already). When a task gets another name
# or place while it works on it, it gives up with one of the others.
REFUSED = ("pyr: error: ", "pyr: runner submission rejected; claimed 0 of 1 tasks")
GAVE_UP = (
    "pyr: internal error: {tasks}/",
    "pyr: internal error: Task lock queue reservation disappeared",
    "pyr: internal error: Cannot export task",
)

Call = Callable[..., bool]


class Loop(threading.Thread):
    """One user of the reference program, who works through the tasks again and again."""

    def __init__(self, shared: Shared, workspace: WorkspaceFolder, number: int) -> None:
        super().__init__()
        self.shared, self.workspace, self.number = shared, workspace, number
        self.done: Counter[str] = Counter()
        self.refused: list[str] = []

    def run(self) -> None:
        for turn in range(ROUNDS):
            mine = sorted(name for name in self.shared.listed(self.workspace) if not name.startswith(THEIRS))
            if mine:
                at = (turn * 3 + self.number * 2) % len(mine)
                self.turn([*mine[at:], *mine[:at]], turn)

    def turn(self, names: list[str], turn: int) -> None:
        """Change one task; the users do not all do the same."""
        name = names[0]
        if self.number == 0:
            self.call("pin", name)
            away = f"p{turn}"
            if self.call("mv", name, away):
                self.call("mv", away, name)
            self.call("pin", "--off", name)
        elif self.number == 1:
            any(self.call("run", each) for each in names[:4])  # many of them are in use just then
            if self.call("rm", name):
                self.call("restore", name)
        else:
            self.call("exec", "-n", f"{THEIRS}{turn}", "-c", "true")
            self.call("stop", next((each for each in self.active() if each != name), name))
            self.call("export", "-o", str(self.shared.project / "export.csv"))

    def active(self) -> list[str]:
        """The tasks in work that may be stopped."""
        found = []
        for name, info in infos(self.workspace.tasks).items():
            stoppable = not name.startswith(THEIRS) and identity_of(info).startswith(STOPPABLE)
            if stoppable and runs.status_of(info) in runs.ACTIVE:
                found.append(name)
        return found

    def call(self, verb: str, *arguments: str) -> bool:
        """Run one command and note how it ended."""
        if verb == "stop" and arguments[0] not in self.active():
            return False
        answer = self.shared.pyr(verb, *arguments, workspace=self.workspace, check=False)
        if answer.returncode == 0 or verb == "stop":  # what it stops may come to its end by itself
            self.done[verb] += 1
        else:
            self.done[f"{verb}, refused"] += 1
            self.refused.append(f"{verb} {arguments}: {answer.returncode} {answer.stdout} {answer.stderr}")
        return answer.returncode == 0


def test_no_update_is_lost_and_no_task_harmed(shared: Shared) -> None:
    workspace = shared.shell()
    identities = [f"t{number}" for number in range(OURS)]
    identities += [f"{STOPPABLE}{number}" for number in range(STOPPED)]
    for identity in identities:
        create_tasks(workspace, payload(workspace, identity), identity)
    stop = shared.project / "stop"
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.side_by_side.worker", str(workspace.folder), letter, str(stop)],
            cwd=ROOT,
            env=shared.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for letter in "AB"
    ]
    loops = [Loop(shared, workspace, number) for number in range(3)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    stop.touch()
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    results = [json.loads(output) for output in outputs]
    theirs = sum((loop.done for loop in loops), Counter[str]())
    print("ours:", *(result["done"] for result in results), "theirs:", theirs, sep="\n")

    settle(workspace)
    assert [result["unexpected"] for result in results] == [[], []]
    expected = (*REFUSED, *(text.format(tasks=workspace.tasks) for text in GAVE_UP))
    refused = [answer for loop in loops for answer in loop.refused]
    strange = [answer for answer in refused if not any(text in answer for text in expected)]
    assert not strange, "\n".join(strange)
    for verb in ("pin", "mv", "run", "exec"):
        assert theirs[verb], f"the reference program never came to its turn with {verb}: {refused}"

    found = infos(workspace.tasks)
    foreign = {name: info for name, info in found.items() if name.startswith(THEIRS)}
    assert [runs.status_of(info) for info in foreign.values()] == ["completed"] * theirs["exec"]
    ours = {identity_of(info): info for name, info in found.items() if name not in foreign}
    assert sorted(ours) == sorted([*identities, *(name for result in results for name in result["made"])])
    check_nothing_lost(workspace, ours, results)
    runs_of_all = sum(runs.slot_count(info) for info in ours.values())
    asked = sum(result["submitted"] for result in results)
    assert runs_of_all <= asked + theirs["run"] + theirs["run, refused"]
    print(f"{runs_of_all} runs, {asked} of them asked for by us")
    for name, info in found.items():
        assert info["name"] == name
        assert "_namespace_operation" not in info
        left = [path.name for path in (workspace.tasks / name).iterdir() if path.suffix in (".tmp", ".lock")]
        assert left == []
    assert {name: row.status for name, row in rows(workspace).items()} == shared.statuses(workspace)
    assert "Traceback" not in shared.scheduler_log()


def check_nothing_lost(
    workspace: WorkspaceFolder, ours: dict[str, TaskInfo], results: list[dict[str, object]]
) -> None:
    """Every edit is in the files, every run ran once, and none was ended by the other side."""
    for identity, info in ours.items():
        for letter, result in zip("AB", results, strict=True):
            counted = result["counted"]
            assert isinstance(counted, dict)
            assert own_facts(info).get("hammer", {}).get(letter, 0) == counted.get(identity, 0)
        record = workspace.project / f"ran-{identity}"
        executed = len(record.read_text("utf-8").splitlines()) if record.exists() else 0
        ran = runs.runs(info)
        if identity.startswith(STOPPABLE):
            assert {run.status for run in ran} <= {"completed", "cancelled"}
            assert sum(run.status == "completed" for run in ran) <= executed <= len(ran)
        else:
            assert {run.status for run in ran} <= {"completed"}
            assert len(ran) == executed
            assert runs.status_of(info) == ("completed" if ran else "pending")
    for letter, result in zip("AB", results, strict=True):
        assert sum(tasks.notes_of(info).count(letter) for info in ours.values()) == result["noted"]


def settle(workspace: WorkspaceFolder) -> None:
    """Bring back what was left in the trash and wait until nothing is in work."""
    for number, entry in enumerate(tasks.trash_names(workspace)):
        try:
            tasks.restore(workspace, entry)
        except Conflict:  # its name was given to another task meanwhile
            name = read_json(workspace.trash / entry / "task_info.json")["name"]
            tasks.rename(workspace, name, f"in-the-way-{number}")
            tasks.restore(workspace, entry)
    for name in workspace.task_names():
        wait_until(
            lambda name=name: runs.status_of(read_task(workspace.tasks / name)) not in runs.ACTIVE,  # type: ignore[misc]
            timeout=60,
            message=lambda name=name: f"{name} comes to its end",  # type: ignore[misc]
        )


def infos(folder: Path) -> dict[str, TaskInfo]:
    """The task files below `tasks/`, by name; what moves away at this moment is left out."""
    found = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            try:
                found[path.name] = read_json(path / "task_info.json")
            except FileNotFoundError:
                continue
    return found
