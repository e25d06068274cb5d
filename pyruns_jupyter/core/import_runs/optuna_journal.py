"""Trials in a journal of Optuna: the file of a `JournalStorage` with a `JournalFileBackend`.

Each line is an operation (JSON) with a number `op_code`. The IDs of studies and trials are not stored: they
are the numbers of the operations that created them. So after a line that cannot be read, IDs would be wrong,
and the rest of the file does not count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.fs.regular_files import open_regular
from pyruns_jupyter.core.metrics.sources.base import is_number

from .found_run import FoundRun, json_value
from .optuna_trials import (
    MAX_JSON,
    MAX_KEY,
    MAX_OBJECTIVES,
    METRIC_NAMES,
    RUNNING,
    STATES,
    Study,
    Trial,
    TrialFacts,
    found_run,
)

SUFFIXES = (".log", ".journal", ".jsonl")  # of files in a folder; a file that is named may have any name
_CREATE_STUDY, _DELETE_STUDY, _STUDY_SYSTEM_ATTRIBUTE = 0, 1, 3
_CREATE_TRIAL, _PARAMETER, _STATE, _INTERMEDIATE, _TRIAL_ATTRIBUTE = 4, 5, 6, 7, 8
_LAST_OPERATION = 10
_MAX_LINE = 4 * 1024 * 1024  # bytes
_MAX_BYTES = 1024 * 1024 * 1024  # of a file
_MAX_STUDIES = 10_000
_LINES_BETWEEN_CHECKS = 1000
MAX_TRIALS = 10_000
MAX_REPORTED = 5_000_000  # intermediate values, which are in memory


def is_journal(path: Path) -> bool:
    """Return whether a file is a journal of Optuna, by its first line."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            first = stream.readline(MAX_JSON)
    except OSError:
        return False
    return first.endswith(b"\n") and _operation(json_value(first)) == _CREATE_STUDY


def found_in_journal(
    path: Path, check: Callable[[], object] | None = None
) -> tuple[list[FoundRun], list[str]]:
    """Return the trials in a journal, and notices about what is not read. `check` is called between lines; it
    may raise an error to end the reading.

    Raises:
        InvalidInput: when it cannot be read.
    """
    journal = _Journal(path)
    try:
        journal.read(check)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", field="path") from None
    trials = [trial for study in journal.studies if study is not None for trial in study.trials.values()]
    return [found_run(path, trial, partial(_reported, trial)) for trial in trials], journal.notices


def _reported(trial: Trial) -> Iterator[tuple[int, float]]:
    """Yield the steps and intermediate values of a trial, by step; the last value of a step counts."""
    steps = trial.steps
    order = sorted(range(len(steps)), key=steps.__getitem__)
    for place, at in enumerate(order, 1):
        if place == len(order) or steps[order[place]] != steps[at]:
            yield steps[at], trial.reported[at]


@dataclass
class _JournalStudy(Study):
    trials: dict[int, Trial] = field(default_factory=dict)  # by their ID, within the limit
    count: int = 0


class _Journal:
    """Performs the operations of a journal as Optuna does.

    Attributes:
        studies: the studies by their ID, None for one that was deleted.
        notices: sentences about what is not read.
    """

    def __init__(self, path: Path) -> None:
        self.studies: list[_JournalStudy | None] = []
        self.notices: list[str] = []
        self._path = path
        self._names: set[str] = set()  # of the studies
        self._trials: dict[int, Trial] = {}  # by their ID, within the limit
        self._created = 0  # trials, also those that were deleted or are beyond the limit
        self._facts = TrialFacts()
        self._reported = 0
        self._operations: dict[int, Callable[[dict[str, Any]], None]] = {
            _CREATE_STUDY: self._create_study,
            _DELETE_STUDY: self._delete_study,
            _STUDY_SYSTEM_ATTRIBUTE: self._set_study_attribute,
            _CREATE_TRIAL: self._create_trial,
            _PARAMETER: self._set_parameter,
            _STATE: self._set_state,
            _INTERMEDIATE: self._report,
            _TRIAL_ATTRIBUTE: self._set_attributes,
        }

    def read(self, check: Callable[[], object] | None) -> None:
        """Perform all operations up to one that is not valid.

        Raises:
            OSError: when the file cannot be read.
        """
        size = 0
        with os.fdopen(open_regular(self._path), "rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE), b""), 1):
                size += len(line)
                if check is not None and number % _LINES_BETWEEN_CHECKS == 0:
                    check()
                if not line.endswith(b"\n") and len(line) < _MAX_LINE:
                    self._add_notice(f"The last line of {self._path.name} is not complete and is left out.")
                    return
                if size > _MAX_BYTES:
                    self._add_notice(f"Only the first {_MAX_BYTES >> 20} MiB of {self._path.name} are read.")
                    return
                try:
                    self._perform(json_value(line))
                except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
                    self._add_notice(
                        f"Line {number:,} of {self._path.name} is not valid, so the rest of the file is not "
                        "read. Trials that end after this line are not imported."
                    )
                    return

    def _add_notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)

    def _perform(self, line: object) -> None:
        operation = _operation(line)
        if operation is None or not isinstance(line, dict):
            raise ValueError("not an operation")
        if operation in self._operations:
            self._operations[operation](line)

    def _create_study(self, line: dict[str, Any]) -> None:
        name, directions = line["study_name"], line["directions"]
        if not isinstance(name, str) or not isinstance(directions, list) or len(name) > MAX_KEY:
            raise ValueError("not a study")
        if name not in self._names:
            if len(self.studies) >= _MAX_STUDIES:
                raise ValueError("too many studies")
            self._names.add(name)
            self.studies.append(_JournalStudy(name))

    def _study(self, line: dict[str, Any]) -> _JournalStudy | None:
        number = line["study_id"]
        if type(number) is not int:
            raise ValueError("not the ID of a study")
        return self.studies[number] if 0 <= number < len(self.studies) else None

    def _delete_study(self, line: dict[str, Any]) -> None:
        study = self._study(line)
        if study is not None:
            self.studies[line["study_id"]] = None
            self._names.discard(study.name)
            for identity in study.trials:
                del self._trials[identity]

    def _set_study_attribute(self, line: dict[str, Any]) -> None:
        study = self._study(line)
        if study is not None and METRIC_NAMES in line["system_attr"]:
            study.set_metric_names(line["system_attr"][METRIC_NAMES])

    def _create_trial(self, line: dict[str, Any]) -> None:
        study = self._study(line)
        if study is None:
            return
        study.count += 1
        identity = self._created
        self._created += 1
        if len(self._trials) >= MAX_TRIALS:
            self._add_notice(f"Only the first {MAX_TRIALS:,} trials of {self._path.name} are used.")
            return
        trial = Trial(study, study.count - 1, STATES[line.get("state", 0)])
        trial.started = _seconds(line["datetime_start"])
        trial.finished = _seconds(line.get("datetime_complete"))
        distributions = line.get("distributions") or {}
        for name, number in (line.get("params") or {}).items():
            self._facts.set_parameter(trial, name, number, distributions[name])
        for key, value in (line.get("user_attrs") or {}).items():
            self._facts.set_attribute(trial, key, value)
        for step, value in (line.get("intermediate_values") or {}).items():
            self._add_reported(trial, int(step), value)
        values = line.get("values")
        trial.values = _values([line.get("value")] if values is None else values)
        self._trials[identity] = study.trials[identity] = trial

    def _open_trial(self, line: dict[str, Any]) -> Trial | None:
        """Return the trial of an operation, None if it does not exist or cannot be changed any more."""
        number = line["trial_id"]
        if type(number) is not int:
            raise ValueError("not the ID of a trial")
        trial = self._trials.get(number)
        return None if trial is None or trial.has_ended else trial

    def _set_parameter(self, line: dict[str, Any]) -> None:
        trial = self._open_trial(line)
        if trial is not None:
            number, distribution = line["param_value_internal"], line["distribution"]
            self._facts.set_parameter(trial, line["param_name"], number, distribution)

    def _set_state(self, line: dict[str, Any]) -> None:
        trial = self._open_trial(line)
        if trial is None:
            return
        state = STATES[line["state"]]
        if state == RUNNING:
            if trial.state == RUNNING:
                return
            trial.started = _seconds(line["datetime_start"])
        trial.state = state
        if trial.has_ended:
            trial.finished = _seconds(line["datetime_complete"])
        if line["values"] is not None:
            trial.values = _values(line["values"])

    def _report(self, line: dict[str, Any]) -> None:
        trial = self._open_trial(line)
        if trial is not None:
            self._add_reported(trial, line["step"], line["intermediate_value"])

    def _add_reported(self, trial: Trial, step: int, value: float) -> None:
        if type(step) is not int or not is_number(value):
            raise ValueError("not an intermediate value")
        if self._reported >= MAX_REPORTED:
            trial.leave_out(f"Intermediate values after the first {MAX_REPORTED:,} of the file are left out.")
            return
        self._reported += 1
        trial.steps.append(step)
        trial.reported.append(value)

    def _set_attributes(self, line: dict[str, Any]) -> None:
        trial = self._open_trial(line)
        if trial is not None:
            for key, value in line["user_attr"].items():
                self._facts.set_attribute(trial, key, value)


def _operation(line: object) -> int | None:
    code = line.get("op_code") if isinstance(line, dict) else None
    return code if type(code) is int and 0 <= code <= _LAST_OPERATION else None


def _values(values: object) -> list[object]:
    if not isinstance(values, list):
        raise ValueError("not a list of values")
    return [] if values == [None] else values[:MAX_OBJECTIVES]


def _seconds(text: object) -> float | None:
    """Return a time in epoch seconds. Versions of Optuna before 5 stored local times."""
    return None if text is None else datetime.fromisoformat(str(text)).timestamp()
