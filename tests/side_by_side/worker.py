"""One process of ours in the hammer test: `python -m tests.side_by_side.worker WORKSPACE LETTER STOP`.

It changes tasks at random until the file STOP is there, then prints as JSON what it did for certain.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

from pyruns_jupyter.core import tasks
from pyruns_jupyter.core.errors import Conflict, NotFound
from pyruns_jupyter.core.layout import TASK_INFO
from pyruns_jupyter.core.taskfile import edit_task, own, own_facts, read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.submit import submit

RENAMES = 3  # in about 80 actions: the other program is slow, and should find a task under the name it read
MOST_RUNS = 20  # of a task
NAMES = 12  # so few that names come back, with another task behind them


class Worker:
    """Counts for each task, by the identity that it keeps under every name, what was done."""

    def __init__(self, workspace: WorkspaceFolder, letter: str) -> None:
        self.workspace = workspace
        self.letter = letter
        self.random = random.Random(letter)
        self.done: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.submitted: Counter[str] = Counter()
        self.unexpected: list[str] = []

    def step(self) -> None:
        """Do one thing to one task; it may be gone or busy by then."""
        action = self.random.choices(
            (self.count, self.pin, self.note, self.submit, self.rename), weights=(30, 20, 20, 10, RENAMES)
        )[0]
        names = self.workspace.task_names()
        if not names:
            return
        try:
            action(self.random.choice(names))
            self.done[action.__name__] += 1
        except (Conflict, NotFound) as error:
            self.done[f"{action.__name__}: {type(error).__name__}"] += 1
        except Exception as error:  # noqa: BLE001 - whatever else happens is what the test is about
            self.unexpected.append(f"{action.__name__}: {error!r}")

    def count(self, name: str) -> None:
        with edit_task(self.workspace.tasks / name) as info:
            counter = own(info).setdefault("hammer", {})
            counter[self.letter] = counter.get(self.letter, 0) + 1
            identity = own_facts(info)["identity"]
        self.counted[identity] += 1

    def pin(self, name: str) -> None:
        tasks.set_pinned(self.workspace, name, self.random.random() < 0.5)

    def note(self, name: str) -> None:
        info = read_task(self.workspace.existing(name).folder)
        before = tasks.notes_of(info)
        tasks.set_notes(self.workspace, name, f"{before}{self.letter}", expected=before)
        self.noted[own_facts(info)["identity"]] += 1

    def rename(self, name: str) -> None:
        tasks.rename(self.workspace, name, f"n{self.random.randrange(NAMES)}")

    def submit(self, name: str) -> None:
        identity = own_facts(read_task(self.workspace.existing(name).folder))["identity"]
        if self.submitted[identity] >= MOST_RUNS:
            return
        submission = submit(self.workspace, [name])
        if submission.queued:
            self.submitted[identity] += 1
        elif (self.workspace.tasks / name / TASK_INFO).exists():
            raise Conflict(submission.refused[name])
        else:
            raise NotFound(submission.refused[name])


def main() -> None:
    folder, letter, stop = sys.argv[1:]
    worker = Worker(WorkspaceFolder.at(Path(folder)), letter)
    while not Path(stop).exists():
        worker.step()
    result = {key: value for key, value in vars(worker).items() if isinstance(value, (Counter, list))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
