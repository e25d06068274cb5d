"""Trials of Optuna as runs, whichever storage they are from.

All storages have the same facts of a trial: a parameter is a number, whose meaning is in a distribution (a
JSON text), a state is one of five, and attributes are JSON values.
"""

from __future__ import annotations

import json
import math
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.metrics.sources.base import STEP, Point, Source, is_number
from pyruns_jupyter.core.metrics.sources.formats import Format
from pyruns_jupyter.core.taskfile.runs import CANCELLED, COMPLETED, FAILED

from .found_run import MAX_PARAMETERS, STALE_SECONDS, FoundRun, RunSource, json_value

PROGRAM = "Optuna"
METRIC = "intermediate_value"  # the name of the values that `trial.report` stores
METRIC_NAMES = "study:metric_names"  # a system attribute of a study
MAX_KEY = 1000  # characters of a name
MAX_JSON = 64 * 1024  # characters of a distribution or an attribute
RUNNING, COMPLETE, PRUNED, FAIL, WAITING = STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
_STATUSES = {COMPLETE: COMPLETED, PRUNED: CANCELLED, FAIL: FAILED}
MAX_OBJECTIVES = 100  # values of a trial that are read
SLICE = 10_000  # intermediate values that become points at once
_MAX_PLAIN = 1000  # characters of a text among the summary values
MAX_NESTED = 4 * 1024 * 1024  # characters of the lists, mappings and long texts among all parameters
_MAX_NOTES = 64 * 1024  # characters of the attributes of a trial that become notes
_INTEGERS = ("IntDistribution", "IntUniformDistribution", "IntLogUniformDistribution")


@dataclass
class Study:
    """A study. `metric_names` are those of its objectives, empty if the user set none."""

    name: str
    metric_names: Sequence[str] = ()

    def set_metric_names(self, names: object) -> None:
        """Set the names of the objectives, if they are valid."""
        if isinstance(names, list) and all(isinstance(name, str) and name for name in names):
            self.metric_names = [name[:MAX_KEY] for name in names[:MAX_OBJECTIVES]]

    def value_names(self, count: int) -> Sequence[str]:
        """Return the names of the `count` values of a trial; without `metric_names`, those of Optuna."""
        if len(self.metric_names) == count:
            return self.metric_names
        return ["value"] if count == 1 else [f"values_{number}" for number in range(count)]


@dataclass
class Trial:
    """A trial. `number` counts from 0, `state` is one of `STATES`, times are epoch seconds.

    Attributes:
        plain, notes: the attributes of the user: plain values, and lines for the others.
        steps, reported: the intermediate values that are in memory.
        left_out: sentences about what is not read.
    """

    study: Study
    number: int
    state: str = RUNNING
    parameters: dict[str, Any] = field(default_factory=dict)
    values: Sequence[object] = ()
    plain: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    started: float | None = None
    finished: float | None = None
    steps: array[int] = field(default_factory=lambda: array("q"))
    reported: array[float] = field(default_factory=lambda: array("d"))
    left_out: list[str] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether it does not change any more."""
        return self.state in _STATUSES

    def leave_out(self, text: str) -> None:
        """Add a sentence about what is not read."""
        if text not in self.left_out and len(self.left_out) < 20:
            self.left_out.append(text)


class TrialFacts:
    """Adds facts to the trials of one storage, within limits for the memory that they take."""

    def __init__(self) -> None:
        self._nested = 0

    def set_parameter(self, trial: Trial, name: object, number: object, distribution: object) -> None:
        """Set a parameter, whose value is stored as a number and the text of a distribution."""
        if not isinstance(name, str) or len(name) > MAX_KEY:
            return
        try:
            if len(trial.parameters) > MAX_PARAMETERS:  # one more than are imported, so that it is noticed
                return
            trial.parameters[name] = self._bounded(_parameter_value(number, distribution))
        except ValueError as error:
            trial.leave_out(f"The parameter {printable(name[:100])!r} is left out: {error}.")

    def set_attribute(self, trial: Trial, key: object, value: object) -> None:
        """Set an attribute of the user."""
        if not isinstance(key, str) or len(key) > MAX_KEY:
            return
        trial.plain.pop(key, None)
        trial.notes.pop(key, None)
        is_plain = value is None or isinstance(value, (bool, int, float, str))
        text = _text(value)
        if len(trial.plain) + len(trial.notes) >= MAX_PARAMETERS or (
            not (is_plain and len(text) <= _MAX_PLAIN)
            and sum(map(len, trial.notes.values())) + len(text) > _MAX_NOTES
        ):
            trial.leave_out("Attributes after the first ones are left out, because they are too large.")
        elif is_plain and len(text) <= _MAX_PLAIN:
            trial.plain[key] = value
        else:
            trial.notes[key] = text

    def _bounded(self, value: object) -> object:
        size = len(_text(value)) if isinstance(value, (list, dict, str)) else 0
        if isinstance(value, (list, dict)) or size > _MAX_PLAIN:
            self._nested += size
            if self._nested > MAX_NESTED:
                raise ValueError("there are too many lists, mappings and long texts")
        return value


def _text(value: object) -> str:
    """Return a JSON value as a text; a text is itself."""
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return "..."


def _parameter_value(number: object, distribution: object) -> object:
    described = None
    if isinstance(distribution, str) and len(distribution) <= MAX_JSON:
        described = json_value(distribution)
    if not isinstance(number, (int, float)) or not is_number(number) or not math.isfinite(number):
        raise ValueError("its value is not a number")
    if not isinstance(described, dict):
        raise ValueError("its distribution is not valid, or too long")
    name, details = described.get("name"), described.get("attributes")
    if name == "CategoricalDistribution":
        choices = details.get("choices") if isinstance(details, dict) else None
        if not isinstance(choices, list) or not 0 <= number < len(choices):
            raise ValueError("its value is not one of its choices")
        return choices[int(number)]
    return int(number) if name in _INTEGERS else float(number)


class ReportedValues(Source):
    """The intermediate values of a trial. `values` are steps and values, by step."""

    def __init__(self, path: Path, values: Iterator[tuple[int, float]]) -> None:
        super().__init__(path)
        self.has_more = True
        self._values = values

    def read(self) -> list[Point]:
        """See `Source`."""
        points = [Point(None, {STEP: step, METRIC: value}) for step, value in islice(self._values, SLICE)]
        self.offset += len(points)
        self.has_more = len(points) == SLICE
        return points


_FORMAT = Format(PROGRAM, lambda path: False, lambda path, offset, attempt: ReportedValues(path, iter(())))


def found_run(path: Path, trial: Trial, values: Callable[[], Iterator[tuple[int, float]]]) -> FoundRun:
    """Return a trial in the storage `path` as a run; `values` returns those of `ReportedValues`."""

    def opened() -> list[RunSource]:
        return [RunSource(str(path), _FORMAT, ReportedValues(path, values()))]

    study, number = trial.study.name, trial.number
    # A copy of a storage has the same trials, and a new storage at the same path has others.
    identity = path if trial.started is None else trial.started
    run = FoundRun(PROGRAM, f"optuna:{study}:{number}:{identity}", path, f"{study}_{number}", opened)
    run.set_parameters(trial.parameters)
    run.started, run.finished = trial.started, trial.finished
    run.add_tag(study)
    for text in trial.left_out:
        run.add_notice(text)
    _set_records(run, trial)
    _set_status(run, trial)
    return run


def _set_records(run: FoundRun, trial: Trial) -> None:
    """Set the summary values: those of the objectives, and plain attributes. Others become notes."""
    values = list(trial.values)[:MAX_OBJECTIVES]
    for name, value in zip(trial.study.value_names(len(values)), values, strict=True):
        if is_number(value):
            run.records[name] = value
    lines = dict(trial.notes)
    for key, value in trial.plain.items():
        if key in run.records or key == METRIC:
            lines[key] = _text(value)
        else:
            run.records[key] = value
    run.set_notes("\n\n".join(f"{key}: {text}" for key, text in lines.items()))


def _set_status(run: FoundRun, trial: Trial) -> None:
    if trial.has_ended:
        run.status = _STATUSES[trial.state]
        if trial.state == PRUNED:
            run.message = "Optuna pruned this trial."
    elif trial.state == WAITING:
        run.skipped = "It has not started: Optuna lists it as waiting."
    elif trial.started is not None and time.time() - trial.started > STALE_SECONDS:
        run.status, run.message = FAILED, "Optuna did not record the end of this trial."
    else:
        run.skipped = "It has not ended: Optuna lists it as running."
