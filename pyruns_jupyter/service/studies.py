"""The adaptive sweeps of a workspace: what there are, beginning one, stopping it, going on, forgetting it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable, os_sentence
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.time_limit import time_limit
from pyruns_jupyter.core.config.sweep.searchspace import Interval, SearchSpace
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.engine.queue.options import OPTIONS
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import MAX_TRIALS, Definition, study_names
from pyruns_jupyter.studies.launch import is_driven
from pyruns_jupyter.studies.optimizer import is_available
from pyruns_jupyter.studies.trials import COMPLETE, FAIL, OPEN, PRUNED, Trial, best_of, trials_among

from .generator import CREATE_SECONDS, PREVIEW_SECONDS, error_models
from .request import Body

STOP, RESUME = "stop", "resume"
ACTIONS = (STOP, RESUME)
_VALUES_SHOWN = 50
_MAX_SIZE = 2**53 - 1  # that all programs read from JSON as it is


@dataclass(frozen=True)
class StudyRequest:
    """A `StudyRequest`; `run` holds the options of the queueing of each trial."""

    fields: Mapping[str, Any]
    run: Mapping[str, object]

    KEYS = ("text", "name", "objective", "direction", "n", "jobs", "sampler", "seed", "prune", "run")

    @classmethod
    def read(cls, body: Body) -> StudyRequest:
        """Read a request.

        Raises:
            InvalidInput: if it is not valid.
        """
        usual = Definition("", "", "")
        fields: dict[str, Any] = {key: body.text(key) for key in ("text", "name", "objective")}
        for key in ("direction", "sampler", "prune"):
            fields[key] = body.text(key, getattr(usual, key))
        for key in ("n", "jobs"):
            fields[key] = body.integer(key, getattr(usual, key), low=1, high=MAX_TRIALS)
        seed = body.integer("seed", random.getrandbits(32), low=0, high=2**32 - 1)
        run = body.options("run", OPTIONS.keys() - {"jobs"})
        return cls({**fields, "seed": seed}, run)

    def definition(self, workspace: WorkspaceFolder) -> Definition:
        """Return the definition that is meant.

        Raises:
            InvalidInput: when an option of the queueing cannot be used.
        """
        options = parse_options(workspace, {"resume": True, **self.run})
        return Definition(**self.fields, options=options)


@dataclass(frozen=True)
class StudyChange:
    """A `StudyChange`."""

    action: str
    n: int | None
    running: bool

    KEYS = ("action", "n", "running")

    @classmethod
    def read(cls, body: Body) -> StudyChange:
        """Read a request.

        Raises:
            InvalidInput: if it is not valid.
        """
        action = body.text("action")
        if action not in ACTIONS:
            raise InvalidInput(
                f"There is no action {action!r}; there are {', '.join(ACTIONS)}.", field="action"
            )
        n = body.integer("n", 1, low=1, high=MAX_TRIALS) if body.has("n") else None
        return cls(action, n, body.has("running") and body.flag("running"))


@dataclass(frozen=True)
class StudyList:
    """Studies as their files are, and a sentence for each file that cannot be read.

    To be read before the tasks are looked at: then none that is over has trials that are not.
    """

    definitions: list[Definition]
    damaged: list[str]

    @classmethod
    def read(cls, workspace: WorkspaceFolder) -> StudyList:
        """Read all studies of a workspace."""
        definitions, damaged = [], []
        for name in study_names(workspace):
            try:
                definitions.append(managing.current_study(workspace, name))
            except NotFound:  # removed a moment ago
                continue
            except Unreadable as error:
                damaged.append(error.message)
            except OSError as error:
                damaged.append(f"The study {name} cannot be read: {os_sentence(error)}")
        return cls(sorted(definitions, key=lambda one: -one.created_at), damaged)

    @classmethod
    def one(cls, workspace: WorkspaceFolder, name: str) -> StudyList:
        """Read one study.

        Raises:
            NotFound, Unreadable: when there is no such study, or its file is damaged.
        """
        return cls([managing.current_study(workspace, name)], [])

    def listing(self, workspace: WorkspaceFolder, rows: Mapping[str, TaskRow]) -> dict[str, Any]:
        """Return the `Studies`; `rows` are those of all tasks of the workspace."""
        placed: dict[str, list[TaskRow]] = {}
        for row in rows.values():
            if row.study is not None:
                placed.setdefault(row.study.name, []).append(row)
        items = [
            _model(workspace, one, trials_among(placed.get(one.name, ()), one)) for one in self.definitions
        ]
        return {"available": is_available(), "items": items, "damaged": self.damaged}

    def detail(self, workspace: WorkspaceFolder, rows: Mapping[str, TaskRow]) -> dict[str, Any]:
        """Return the `StudyDetail` of the first one; `rows` as for `listing`."""
        found = self.definitions[0]
        trials = trials_among(rows.values(), found)
        return {
            **_model(workspace, found, trials),
            "text": found.text,
            "trials": [_trial(trial) for trial in trials],
        }


def begin(workspace: WorkspaceFolder, wanted: StudyRequest) -> dict[str, Any]:
    """Begin a study and return its `Study`.

    Raises:
        InvalidInput, Conflict, PyrunsError: see `managing.begin`.
    """
    with time_limit(CREATE_SECONDS):
        return _model(workspace, managing.begin(workspace, wanted.definition(workspace)), [])


def change(workspace: WorkspaceFolder, name: str, wanted: StudyChange) -> dict[str, Any]:
    """Stop a study, or go on with it, and return its `Study`.

    Raises:
        NotFound, Conflict, InvalidInput, PyrunsError: see `managing`.
    """
    if wanted.action == STOP:
        found = managing.stop(workspace, name, running=wanted.running)
    else:
        found = managing.resume(workspace, name, n=wanted.n)
    return _model(workspace, found, managing.trials_of(workspace, found))


def remove(workspace: WorkspaceFolder, name: str) -> None:
    """Forget a study; its tasks stay.

    Raises:
        NotFound, Conflict: see `managing.remove`.
    """
    managing.remove(workspace, name)


def preview(workspace: WorkspaceFolder, wanted: StudyRequest) -> dict[str, Any]:
    """Return the `SearchPreview` of a study that might begin; nothing is written, and what is wrong is part
    of the answer.
    """
    try:
        with time_limit(PREVIEW_SECONDS):
            _, space = managing.check(workspace, wanted.definition(workspace))
    except InvalidInput as error:
        return {"dimensions": [], "size": None, "errors": error_models(error)}
    size = None if space.size is None else min(space.size, _MAX_SIZE)
    return {"dimensions": _dimensions(space), "size": size, "errors": []}


def _dimensions(space: SearchSpace) -> list[dict[str, Any]]:
    return [
        {
            "key": one.key,
            "kind": one.kind,
            "low": one.low if isinstance(one, Interval) else None,
            "high": one.high if isinstance(one, Interval) else None,
            "log": isinstance(one, Interval) and one.log,
            "whole": isinstance(one, Interval) and one.whole,
            "values": []
            if isinstance(one, Interval)
            else [candidate.source for candidate in one.candidates[:_VALUES_SHOWN]],
            "line": one.line,
        }
        for one in space.dimensions
    ]


def _model(workspace: WorkspaceFolder, found: Definition, trials: list[Trial]) -> dict[str, Any]:
    best = best_of(trials, found)
    return {
        **{key: getattr(found, key) for key in _TOLD},
        "counts": {state: sum(trial.state == state for trial in trials) for state in _STATES},
        "best": None if best is None else _trial(best),
        "driven": is_driven(workspace.root, workspace.name, found.name),
    }


_STATES = (OPEN, COMPLETE, PRUNED, FAIL)
_TOLD = (
    *("name", "objective", "direction", "n", "jobs", "sampler", "seed", "prune", "created_at", "state"),
    "message",
)


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "task": trial.task,
        "state": trial.state,
        "status": trial.status,
        "value": trial.value,
        "pruned": trial.pruned,
        "values": encode_nonfinite(trial.values),
    }
