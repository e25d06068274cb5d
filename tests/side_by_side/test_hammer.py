"""Several processes of each program change the same tasks at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import read_json
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own_facts, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.support import ROOT, wait_until

from .shared import Shared, rows
from .worker import IDENTITY, KEPT, STOPPABLE, THEIRS, identity_of, payload

pytestmark = pytest.mark.reference

OURS, STOPPED = 6, 2  # tasks; those of the second kind may be stopped
ROUNDS = int(os.environ.get("PYRUNS_HAMMER_ROUNDS", "1"))  # at least; more until each verb had its turn
MOST_ROUNDS = 40  # a verb that is refused in all of these can never have its turn
# It may refuse in a sentence (a task is gone, is active, has the name already). When a task gets another name
# or place while it works on it, it gives up with one of the others.
REFUSED = ("pyr: error: ", "pyr: runner submission rejected; claimed 0 of 1 tasks")
GAVE_UP = (
    "pyr: internal error: {tasks}/",
    "pyr: internal error: Task lock queue reservation disappeared",
    "pyr: internal error: Cannot export task",
)


class User(threading.Thread):
    """Somebody who works with the reference program, again and again; the users do not all do the same."""

    def __init__(self, shared: Shared, workspace: WorkspaceFolder, number: int) -> None:
        super().__init__()
        self.shared, self.workspace, self.number = shared, workspace, number
        self.verbs = (("pin", "mv"), ("run",), ("exec",))[number]
        self.done: Counter[str] = Counter()
        self.refused: list[str] = []
        self.made: list[str] = []
        self.problems: list[str] = []
        self.pinned = False  # the task that nobody else pins

    def run(self) -> None:
        for turn in range(max(ROUNDS, MOST_ROUNDS)):
            if turn >= ROUNDS and all(self.done[verb] for verb in self.verbs):
                break
            try:
                self.turn(turn)
            except Exception as error:  # noqa: BLE001 - whatever happens in a thread is the test's business
                self.problems.append(repr(error))

    def turn(self, turn: int) -> None:
        """Do a few things to a task."""
        answer = self.call("ls", "--json")
        names = sorted(task["name"] for task in json.loads(answer)["tasks"]) if answer else []
        names = [name for name in names if not name.startswith(KEPT)]
        if not names:
            return
        at = (turn * 3 + self.number * 2) % len(names)
        name = names[at]
        if self.number == 0:
            self.keep_pinning()
            away = f"{'s' if name.startswith(STOPPABLE) else 'p'}-{turn}"
            if self.call("mv", name, away):
                self.call("mv", away, name)
        elif self.number == 1:
            any(
                self.call("run", each) for each in [*names[at:], *names[:at]][:4]
            )  # many are in use just then
            if self.call("rm", name):
                self.call("restore", name)
            self.call("show", "--json", name)
        else:
            self.make(f"{STOPPABLE if turn % 3 == 2 else ''}{turn}{THEIRS}", turn)
            self.call("stop", next((each for each in self.active() if each != name), name))
            self.call("export", "-o", str(self.shared.project / "export.csv"))
            self.call("log", name)

    def keep_pinning(self) -> None:
        """Pin and unpin the task that we count on and annotate meanwhile; what was said must stay."""
        for pinned in (not self.pinned, self.pinned):
            if read_task(self.workspace.tasks / KEPT)["pinned"] != self.pinned:
                self.problems.append(f"lost: pinned was {self.pinned}")
            if self.call("pin", *([] if pinned else ["--off"]), KEPT):
                self.pinned = pinned

    def make(self, identity: str, turn: int) -> None:
        """Make a task and run it, waiting for its end or not."""
        words = ["-n", identity, "-e", f"{IDENTITY}={identity}", "-c", payload(self.workspace, identity)]
        answer = self.shared.pyr(
            "exec", *(["-d"] * (turn % 2)), *words, workspace=self.workspace, check=False
        )
        if f"pyr: created {identity}" in answer.stdout + answer.stderr:
            self.made.append(identity)
            self.done["exec"] += 1

    def active(self) -> list[str]:
        """The tasks in work that may be stopped."""
        return [
            name
            for name, info in infos(self.workspace.tasks).items()
            if identity_of(info).startswith(STOPPABLE) and runs.status_of(info) in runs.ACTIVE
        ]

    def call(self, verb: str, *arguments: str) -> str:
        """Run one command and note how it ended; return what it said, nothing when it failed."""
        if verb == "stop" and arguments[0] not in self.active():
            return ""
        answer = self.shared.pyr(verb, *arguments, workspace=self.workspace, check=False)
        if answer.returncode == 0 or verb == "stop":  # what it stops may come to its end by itself
            self.done[verb] += 1
            return answer.stdout or "done"
        self.done[f"{verb}, refused"] += 1
        self.refused.append(f"{verb} {arguments}: {answer.returncode} {answer.stdout} {answer.stderr}")
        return ""


def test_no_update_is_lost_and_no_task_harmed(shared: Shared) -> None:
    workspace = shared.shell()
    identities = [KEPT, *(f"t{number}" for number in range(OURS))]
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
    users = [User(shared, workspace, number) for number in range(3)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    stop.touch()
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    results = [json.loads(output) for output in outputs]
    theirs = sum((user.done for user in users), Counter[str]())
    print("ours:", *(result["done"] for result in results), "theirs:", theirs, sep="\n")

    settle(workspace)
    assert [result["unexpected"] for result in results] == [[], []]
    assert [user.problems for user in users] == [[], [], []]
    expected = (*REFUSED, *(text.format(tasks=workspace.tasks) for text in GAVE_UP))
    refused = [answer for user in users for answer in user.refused]
    strange = [answer for answer in refused if not any(text in answer for text in expected)]
    assert not strange, "\n".join(strange)
    for verb in (verb for user in users for verb in user.verbs):
        assert theirs[verb], f"the reference program never came to its turn with {verb}: {refused}"

    found = infos(workspace.tasks)
    all_tasks = {identity_of(info): info for info in found.values()}
    made = [name for result in results for name in result["made"]]
    made_by_it = [name for user in users for name in user.made]
    assert sorted(all_tasks) == sorted([*identities, *made, *made_by_it])
    check_nothing_lost(workspace, all_tasks, results)
    assert all_tasks[KEPT]["pinned"] == users[0].pinned
    runs_of_all = sum(runs.slot_count(info) for info in all_tasks.values())
    asked = sum(result["submitted"] for result in results)
    assert runs_of_all <= asked + theirs["run"] + theirs["run, refused"] + theirs["exec"]
    print(
        f"{runs_of_all} runs, {asked} of them asked for by us, {len(made_by_it)} of {len(found)} tasks by it"
    )
    for name, info in found.items():
        assert info["name"] == name
        assert "_namespace_operation" not in info
        left = [path.name for path in (workspace.tasks / name).iterdir() if path.suffix in (".tmp", ".lock")]
        assert left == []
    assert {name: row.status for name, row in rows(workspace).items()} == shared.statuses(workspace)
    assert "Traceback" not in shared.scheduler_log()


def check_nothing_lost(
    workspace: WorkspaceFolder, all_tasks: dict[str, TaskInfo], results: list[dict[str, object]]
) -> None:
    """Every edit is in the files, every run ran once, and none was ended by the other side."""
    for identity, info in all_tasks.items():
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
        assert sum(metadata.notes_of(info).count(letter) for info in all_tasks.values()) == result["noted"]


def settle(workspace: WorkspaceFolder) -> None:
    """Bring back what was left in the trash and wait until nothing is in work."""
    for number, entry in enumerate(trash.trash_names(workspace)):
        try:
            trash.restore(workspace, entry)
        except Conflict:  # its name was given to another task meanwhile
            name = read_json(workspace.trash / entry / "task_info.json")["name"]
            tasks.rename(workspace, name, f"in-the-way-{number}")
            trash.restore(workspace, entry)
    for name in workspace.task_names():
        wait_until(
            lambda name=name: runs.status_of(read_task(workspace.tasks / name)) not in runs.ACTIVE,  # type: ignore[misc]
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
