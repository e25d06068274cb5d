"""A copy of a study in a file that Optuna and its tools open: a `JournalStorage`.

`optuna-dashboard`, `jupyterlab-optuna` and `optuna.load_study` read the file, also while it is updated.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.config.sweep.searchspace import Choices, SearchSpace
from pyruns_jupyter.core.fs.regular_files import open_to_read

from .definition import Definition
from .optimizer import Curve, complete_values, constraints_of, points_of, state_of
from .parameters import distribution
from .samplers import Dimension, check_packages
from .trials import PRUNED, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

# The prefix of system attributes of Optuna, as `Trial.set_constraint` writes them.
_CONSTRAINT = "constraints"
_NUMBER, _TASK = "pyruns_trial", "task"  # user attributes of a trial
_MAX_FIRST_LINE = 1024 * 1024  # bytes


class StudyJournal:
    """A copy of one study in the file `path`, which is created if necessary.

    Raises:
        Conflict: if the file is not a journal of Optuna, or has a study of this name with another origin.
        Unreadable: if it is not a regular file.
        PackageMissing: if Optuna is not installed, or too old for constraints.
    """

    def __init__(self, path: Path, definition: Definition) -> None:
        check_packages("random", constrained=bool(definition.constraints))
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = SearchSpace.parse(definition.text)
        self._constraints = definition.constraints
        directions = [one.direction for one in definition.objectives]
        _check_journal(path)
        try:
            self._storage = optuna.storages.JournalStorage(JournalFileBackend(os.fspath(path)))
            study = optuna.create_study(
                study_name=definition.name, storage=self._storage, directions=directions, load_if_exists=True
            )
        except (ValueError, KeyError, TypeError, AssertionError, RuntimeError) as error:
            raise Conflict(f"{path} is not an Optuna journal file: {error}.") from error
        if [one.name.lower() for one in study.directions] != directions:
            raise Conflict(f"{path} contains another study {definition.name}, with other directions.")
        if study.metric_names is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([one.metric for one in definition.objectives])
        self._study_id = study._study_id
        self._ids: dict[int, int] = {}
        self._points: dict[int, int] = {}  # how many steps of an open trial the file has
        for trial in study.get_trials(deepcopy=False):
            number = trial.user_attrs.get(_NUMBER)
            if not isinstance(number, int):
                raise Conflict(
                    f"{path} contains another study {definition.name}, with trials of other programs."
                )
            self._ids[number] = trial._trial_id
            if not trial.state.is_finished():
                self._points[number] = max(trial.intermediate_values, default=0)

    def update(self, trials: Iterable[Trial], curve: Callable[[Trial], Curve]) -> None:
        """Add new trials, new points and the ends of trials; `curve` returns the values that one tracked."""
        for trial in sorted(trials, key=lambda one: one.number):
            if trial.number not in self._ids:
                frozen = self._frozen(trial, curve(trial))
                self._ids[trial.number] = self._storage.create_new_trial(self._study_id, frozen)
                if trial.is_open:
                    self._points[trial.number] = max(frozen.intermediate_values, default=0)
            elif trial.number in self._points:
                self._continue(trial, curve(trial))

    def _continue(self, trial: Trial, values: Curve) -> None:
        handle, known = self._ids[trial.number], self._points[trial.number]
        points = points_of(trial, values)
        for step in sorted(points.keys() - range(known + 1)):
            self._storage.set_trial_intermediate_value(handle, step, points[step])
        self._points[trial.number] = max(points, default=known)
        if not trial.is_open:
            for text, violation in constraints_of(self._constraints, trial).items():
                self._storage.set_trial_system_attr(handle, f"{_CONSTRAINT}:{text}", violation)
            self._storage.set_trial_state_values(handle, state_of(trial), _final_values(trial, points))
            del self._points[trial.number]

    def _frozen(self, trial: Trial, values: Curve) -> FrozenTrial:
        import optuna

        points = points_of(trial, values)
        active = self._space.active_branches(trial.values)
        kinds = {one.name: _shown(one) for one in active.values()}
        known = {one.name: _plain(trial.values[key]) for key, one in active.items()}
        known = {name: value for name, value in known.items() if _contains(kinds[name], value)}
        return optuna.trial.create_trial(
            state=state_of(trial),
            params=known,
            distributions={name: kinds[name] for name in known},
            values=_final_values(trial, points),
            intermediate_values=points,
            system_attrs={
                f"{_CONSTRAINT}:{text}": violation
                for text, violation in constraints_of(self._constraints, trial).items()
            },
            user_attrs={_NUMBER: trial.number, _TASK: trial.task},
        )


def _check_journal(path: Path) -> None:
    """Check that a file is missing, empty or a journal: Optuna would append to any other file.

    Raises:
        Conflict: if it is another file, or its last line is not complete.
        Unreadable: if it is not a regular file.
    """
    try:
        descriptor = open_to_read(path, follow=True)
    except FileNotFoundError:
        return
    with open(descriptor, "rb") as file:
        first = file.readline(_MAX_FIRST_LINE)
        if not first:
            return
        file.seek(-1, os.SEEK_END)
        is_whole = first.endswith(b"\n") and file.read(1) == b"\n"
    try:
        entry = json.loads(first) if is_whole else None
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or "op_code" not in entry:
        raise Conflict(f"{path} is not an Optuna journal file, or was not written completely.")


def _shown(dimension: Dimension) -> BaseDistribution:
    """Return a dimension with its values instead of their indices, even if they are ordered."""
    from optuna.distributions import CategoricalDistribution

    if not isinstance(dimension, Choices):
        return distribution(dimension)
    return CategoricalDistribution([_plain(one.value) for one in dimension.candidates])


def _plain(value: Any) -> Any:
    """Return a value that Optuna can store as a category: others become their text."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _contains(kind: BaseDistribution, value: Any) -> bool:
    try:
        return kind._contains(kind.to_internal_repr(value))
    except (ValueError, TypeError):
        return False  # the search space was different when the trial began


def _final_values(trial: Trial, points: Mapping[int, float]) -> list[float] | None:
    if trial.state == PRUNED and len(trial.objective_values) == 1:
        return [points[max(points)]] if points else None
    return list(complete_values(trial)) or None
