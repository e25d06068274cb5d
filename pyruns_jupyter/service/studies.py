"""The studies of a workspace: listing, starting, stopping, resuming and deleting them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

from msgspec import Meta, structs

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable, os_sentence
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.time_limit import time_limit
from pyruns_jupyter.core.config.sweep.batch import Candidate
from pyruns_jupyter.core.config.sweep.searchspace import Branch, Interval, SearchSpace
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, Direction
from pyruns_jupyter.core.metrics.journal import Remaining
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.engine.queue.options import OPTIONS
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import (
    Definition,
    EarlierTask,
    Factor,
    Resource,
    TrialCount,
    study_names,
)
from pyruns_jupyter.studies.importance import MIN_TRIALS, parameter_importance
from pyruns_jupyter.studies.launch import is_driven
from pyruns_jupyter.studies.objectives import Objective
from pyruns_jupyter.studies.pruners import HALVING, Pruner
from pyruns_jupyter.studies.samplers import Sampler, is_available
from pyruns_jupyter.studies.trials import (
    COMPLETE,
    FAIL,
    OPEN,
    PRUNED,
    Trial,
    best_of,
    feasible,
    pareto_trials,
    trials_among,
)

from .generator import CREATE_SECONDS, PREVIEW_SECONDS, error_models
from .request import Request, StudyRequest, check_keys, given_options

_VALUES_SHOWN = 50  # of one dimension
_MAX_SIZE = 2**53 - 1  # larger integers lose digits in JavaScript
_STATES = (OPEN, COMPLETE, PRUNED, FAIL)
_FIELDS = (
    *("name", "objective", "direction", "n", "jobs", "sampler", "seed", "prune", "created_at", "state"),
    "message",
)


class NewStudyRequest(Request, frozen=True):
    """A study to start. `run` contains the run options of each trial."""

    text: str
    name: str
    objective: str | None = None
    direction: Direction = MAXIMIZE
    objectives: list[Objective] | None = None
    constraints: list[str] | None = None
    n: TrialCount = 50
    jobs: TrialCount = 1
    sampler: Sampler = "tpe"
    n_startup_trials: TrialCount | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    prune: Pruner = ""
    min_resource: Resource | None = None
    max_resource: Resource | None = None
    reduction_factor: Factor | None = None
    warm_start: str = ""
    run: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.objective is None) == (not self.objectives):
            raise InvalidInput("Specify either objective or objectives.", field="objective")
        check_keys(self.run or {}, OPTIONS.keys() - {"jobs"}, "run.")

    def definition(self, workspace: WorkspaceFolder) -> Definition:
        """Return the definition of the study.

        Raises:
            InvalidInput: if a run option is not valid.
        """
        fields = structs.asdict(self)
        options = parse_options(workspace, {"resume": True, **given_options(fields.pop("run"))})
        seed = random.getrandbits(32) if self.seed is None else self.seed
        first, *further = self.objectives or [Objective(self.objective or "", self.direction)]
        changes = {
            "objective": first.metric,
            "direction": first.direction,
            "further_objectives": tuple(further),
            "constraints": tuple(self.constraints or ()),
            "seed": seed,
        }
        del fields["objectives"], fields["warm_start"]  # see `studies.service.begin`
        return Definition(**{**fields, **changes}, options=options)


class ImportanceRequest(StudyRequest, frozen=True):
    """The importance of the parameters of a study for one objective, by its index."""

    objective: Annotated[int, Meta(ge=0)] = 0


class StudyChange(StudyRequest, frozen=True):
    """Stop a study (with `running` also its running trials), or resume it up to `n` trials."""

    action: Literal["stop", "resume"]
    n: TrialCount | None = None
    running: bool = False


@dataclass(frozen=True)
class StudyList:
    """The definitions of studies, and a message for each damaged file.

    Read the definitions before the tasks: then no study that has ended shows trials that have not.
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
            except NotFound:  # deleted a moment ago
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
            NotFound, Unreadable: if there is no such study, or its file is damaged.
        """
        return cls([managing.current_study(workspace, name)], [])

    def listing(self, index: TaskIndex, remaining: Remaining | None = None) -> dict[str, Any]:
        """Return the `Studies`; `index` is that of the workspace, `remaining` as for its aggregates."""
        value_of = partial(index.aggregates.value, remaining=remaining)
        placed: dict[str, list[TaskRow]] = {}
        for row in index.rows.values():
            if row.study is not None:
                placed.setdefault(row.study.name, []).append(row)
        items = [
            _model(index.workspace, one, trials_among(placed.get(one.name, ()), one, value_of))
            for one in self.definitions
        ]
        return {"available": is_available(), "items": items, "damaged": self.damaged}

    def detail(self, index: TaskIndex, remaining: Remaining | None = None) -> dict[str, Any]:
        """Return the `StudyDetail` of the first one; the arguments are those of `listing`."""
        found = self.definitions[0]
        value_of = partial(index.aggregates.value, remaining=remaining)
        trials = trials_among(index.rows.values(), found, value_of)
        return {
            **_model(index.workspace, found, trials),
            "text": found.text,
            "dimensions": _dimensions(_space(found.text)),
            "trials": [_trial(trial) for trial in trials],
            "warm_start_trials": [_earlier(task) for task in found.warm_start],
        }


def importance(workspace: WorkspaceFolder, wanted: ImportanceRequest) -> dict[str, Any]:
    """Return the `StudyImportance` of a study.

    Raises:
        NotFound, Unreadable: if there is no such study, or its file is damaged.
        InvalidInput, PackageMissing: see `parameter_importance`.
    """
    definition = managing.current_study(workspace, wanted.study)
    trials = managing.trials_of(workspace, definition)
    importances = parameter_importance(definition, trials, wanted.objective)
    count = sum(trial.state == COMPLETE for trial in trials)
    message = ""
    if count < MIN_TRIALS:
        message = f"Parameter importance needs at least {MIN_TRIALS} completed trials."
    elif not importances:
        message = (
            "The completed trials have the same objective, or do not differ in any parameter without a "
            "condition."
        )
    return {
        "objective": definition.objectives[wanted.objective].metric,
        "trials": count,
        "parameters": [{"key": key, "importance": value} for key, value in importances.items()],
        "message": message,
    }


def begin(workspace: WorkspaceFolder, wanted: NewStudyRequest) -> dict[str, Any]:
    """Start a study and return its `Study`.

    Raises:
        InvalidInput, Conflict, PyrunsError: see `studies.service.begin`.
    """
    with time_limit(CREATE_SECONDS):
        found = managing.begin(workspace, wanted.definition(workspace), wanted.warm_start)
        return _model(workspace, found, [])


def change(workspace: WorkspaceFolder, wanted: StudyChange) -> dict[str, Any]:
    """Stop or resume a study and return its `Study`.

    Raises:
        NotFound, Conflict, InvalidInput, PyrunsError: see `studies.service`.
    """
    if wanted.action == "stop":
        found = managing.stop(workspace, wanted.study, running=wanted.running)
    else:
        found = managing.resume(workspace, wanted.study, n=wanted.n)
    return _model(workspace, found, managing.trials_of(workspace, found))


def preview(workspace: WorkspaceFolder, wanted: NewStudyRequest) -> dict[str, Any]:
    """Return the `SearchPreview` of a study without starting it. Errors are part of the result."""
    try:
        with time_limit(PREVIEW_SECONDS):
            _, space = managing.check(workspace, wanted.definition(workspace), wanted.warm_start)
    except InvalidInput as error:
        return {"dimensions": [], "size": None, "errors": error_models(error)}
    size = None if space.size is None else min(space.size, _MAX_SIZE)
    return {"dimensions": _dimensions(space), "size": size, "errors": []}


@lru_cache(maxsize=16)
def _space(text: str) -> SearchSpace:
    """Return the search space of a study; its dimensions are missing if they cannot be read in time."""
    try:
        with time_limit(PREVIEW_SECONDS):
            return SearchSpace(text)
    except InvalidInput:
        return SearchSpace("")


def _dimensions(space: SearchSpace) -> list[dict[str, Any]]:
    return [_dimension(one) for one in space.dimensions]


def _dimension(one: Branch) -> dict[str, Any]:
    after = one.otherwise
    return {
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
        "condition": None
        if one.condition is None
        else {
            "key": one.condition.key,
            "operator": one.condition.operator,
            "values": encode_nonfinite(list(one.condition.values)),
        },
        "otherwise": encode_nonfinite(after.value) if isinstance(after, Candidate) else None,
        "alternative": None if after is None or isinstance(after, Candidate) else _dimension(after),
    }


def _model(workspace: WorkspaceFolder, found: Definition, trials: list[Trial]) -> dict[str, Any]:
    front = pareto_trials(trials, found)
    best = best_of(trials, found)
    is_halving = found.prune in HALVING
    return {
        **{key: getattr(found, key) for key in _FIELDS},
        "objectives": [vars(one) for one in found.objectives],
        "constraints": list(found.constraints),
        "n_startup_trials": found.startup_trials,
        "min_resource": found.halving[0] if is_halving else None,
        "reduction_factor": found.halving[1] if is_halving else None,
        "max_resource": found.max_resource,
        "warm_start": len(found.warm_start),
        "counts": {state: sum(trial.state == state for trial in trials) for state in _STATES},
        "best": None if best is None else _trial(best),
        "pareto_front": [trial.task for trial in (front if found.further_objectives else front[:1])],
        "driven": is_driven(workspace.root, workspace.name, found.name),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {**encode_nonfinite(vars(trial)), "value": trial.value, "is_feasible": trial.is_feasible}


def _earlier(task: EarlierTask) -> dict[str, Any]:
    return {**encode_nonfinite(vars(task)), "is_feasible": feasible(task.constraint_values)}
