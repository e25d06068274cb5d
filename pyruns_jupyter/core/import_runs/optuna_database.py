"""Trials in an SQLite database of Optuna, which its `RDBStorage` writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.database import Database, opened_database
from pyruns_jupyter.core.metrics.sources.base import SourceError, is_number

from .found_run import MAX_PARAMETERS, FoundRun, json_value
from .optuna_trials import (
    MAX_JSON,
    MAX_OBJECTIVES,
    METRIC_NAMES,
    PROGRAM,
    SLICE,
    STATES,
    Study,
    Trial,
    TrialFacts,
    found_run,
)
from .sqlite_runs import QUERY_SECONDS, add_log_notice, database_errors, has_tables

_TABLES = (
    "studies",
    "study_system_attributes",
    "trials",
    "trial_params",
    "trial_values",
    "trial_intermediate_values",
    "trial_user_attributes",
    "version_info",
)
_NEW_COLUMNS = {"trial_values": "value_type", "trial_intermediate_values": "intermediate_value_type"}
_MAX_TRIALS = 10_000
_FIRST_WITH_UTC = 5  # the major version of Optuna; earlier ones stored local times
_SPECIAL = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def is_database(path: Path) -> bool:
    """Return whether a file is an SQLite database of Optuna."""
    return has_tables(path, _TABLES)


def found_in_database(path: Path) -> list[FoundRun]:
    """Return the trials in a database.

    Raises:
        InvalidInput: when it cannot be read.
    """
    try:
        with opened_database(path, QUERY_SECONDS, _TABLES) as database:
            _check_version(path, database)
            trials = _trials(database.rows)
    except database_errors() as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", field="path") from None
    runs = [found_run(path, trial, partial(_reported, path, identity)) for identity, trial in trials]
    for run in runs:
        add_log_notice(run, path)
    return runs


def _check_version(path: Path, database: Database) -> None:
    """Raise InvalidInput if the tables are those of Optuna 2, which stored infinite values differently."""
    for table, column in _NEW_COLUMNS.items():
        columns = [row[1] for row in database.rows(f"PRAGMA table_info({table})")]
        if column not in columns:
            raise InvalidInput(
                f"{path} has the tables of an old version of {PROGRAM}. Upgrade a copy of it with "
                "'optuna storage upgrade', and import the copy.",
                field="path",
            )


def _trials(rows: Callable[..., list[Any]]) -> list[tuple[int, Trial]]:
    """Return the trials by their ID; `rows` returns the rows of a query."""
    is_utc = _is_utc(rows("SELECT substr(library_version, 1, 20) FROM version_info LIMIT 1"))
    studies: dict[int, Study] = {}
    facts = TrialFacts()
    found: dict[int, Trial] = {}
    for identity, owner, name, number, state, started, finished in rows(
        "SELECT t.trial_id, t.study_id, substr(s.study_name, 1, 1000), t.number, t.state, t.datetime_start, "
        "t.datetime_complete FROM trials t JOIN studies s ON s.study_id = t.study_id "
        "ORDER BY t.trial_id LIMIT ?",
        _MAX_TRIALS,
    ):
        if state not in STATES or type(number) is not int or not isinstance(name, str):
            continue
        if type(identity) is not int or identity in found:  # tables of others need not have keys
            continue
        if owner not in studies:
            studies[owner] = Study(name)
            for (text,) in rows(
                "SELECT substr(value_json, 1, ?) FROM study_system_attributes WHERE study_id = ? AND key = ?",
                *(MAX_JSON, owner, METRIC_NAMES),
            ):
                studies[owner].set_metric_names(json_value(text) if isinstance(text, str) else None)
        trial = Trial(studies[owner], number, state)
        trial.started, trial.finished = _seconds(started, is_utc), _seconds(finished, is_utc)
        trial.values = [
            _number(value, kind)
            for value, kind in rows(
                "SELECT value, value_type FROM trial_values WHERE trial_id = ? ORDER BY objective LIMIT ?",
                *(identity, MAX_OBJECTIVES),
            )
        ]
        for key, value, distribution in rows(
            "SELECT substr(param_name, 1, 1001), param_value, CASE WHEN length(distribution_json) <= ? THEN "
            "distribution_json END FROM trial_params WHERE trial_id = ? ORDER BY param_id LIMIT ?",
            *(MAX_JSON, identity, MAX_PARAMETERS + 1),
        ):
            facts.set_parameter(trial, key, value, distribution)
        for key, text in rows(
            "SELECT substr(key, 1, 1001), CASE WHEN length(value_json) <= ? THEN value_json END "
            "FROM trial_user_attributes WHERE trial_id = ? ORDER BY trial_user_attribute_id LIMIT ?",
            *(MAX_JSON, identity, MAX_PARAMETERS),
        ):
            if isinstance(text, str):
                facts.set_attribute(trial, key, json_value(text))
            else:
                trial.leave_out(f"The attribute {str(key)[:100]!r} is too large and is left out.")
        found[identity] = trial
    return list(found.items())


def _reported(path: Path, identity: int) -> Iterator[tuple[int, float]]:
    """Yield the steps and intermediate values of a trial, by step."""
    before = -1  # Optuna has no negative steps
    while True:
        try:
            with opened_database(path, QUERY_SECONDS, _TABLES) as database:
                rows = database.rows(
                    "SELECT step, intermediate_value, intermediate_value_type FROM trial_intermediate_values "
                    "WHERE trial_id = ? AND step > ? AND typeof(step) = 'integer' ORDER BY step LIMIT ?",
                    *(identity, before, SLICE),
                )
        except database_errors() as error:
            raise SourceError(f"The database cannot be read: {error}.") from None
        for before, value, kind in rows:
            number = _number(value, kind)
            if number is not None:
                yield before, number
        if len(rows) < SLICE:
            return


def _number(value: object, kind: object) -> float | None:
    """Return a value, which the database cannot store as a number if it is not finite."""
    if kind in _SPECIAL:
        return _SPECIAL[str(kind)]
    return float(value) if isinstance(value, (int, float)) and is_number(value) else None


def _is_utc(rows: list[Any]) -> bool:
    version = rows[0][0] if rows else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    return major.isdecimal() and int(major) >= _FIRST_WITH_UTC


def _seconds(text: object, is_utc: bool) -> float | None:
    """Return a time of a database in epoch seconds, None if it has none or it is not valid."""
    try:
        moment = datetime.fromisoformat(str(text))
        return (moment.replace(tzinfo=timezone.utc) if is_utc else moment).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
