"""A study in a journal file of Optuna, read by Optuna and its dashboard while the study runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict
from tests.support import wait_until

from .conftest import SPACE

PAUSED = SPACE.replace("1:9", "2 | 4 | 8") + "pause: 0.02\n"


def opened(path: Path) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=JournalStorage(JournalFileBackend(str(path))))


def dashboard(path: Path, address: str) -> Any:
    """Return the JSON of the dashboard's API, opened as its command line does."""
    from optuna_dashboard import wsgi
    from optuna_dashboard._storage_url import get_storage

    status: list[str] = []
    environment: dict[str, Any] = {"PATH_INFO": address, "QUERY_STRING": "after=0"}
    setup_testing_defaults(environment)
    body = b"".join(wsgi(get_storage(str(path)))(environment, lambda line, *_: status.append(line)))
    assert status == ["200 OK"], body
    return json.loads(body)


def test_a_study_is_followed(workspace: Workspace, tmp_path: Path) -> None:
    study = workspace.optimize(PAUSED, objective="acc", n=8, jobs=2, name="s", prune="median")
    path = tmp_path / "s.log"
    following = threading.Thread(target=lambda: study.export_journal(path, follow=True))
    following.start()
    wait_until(lambda: path.exists() and path.stat().st_size > 0)
    wait_until(lambda: any(trial.state.is_finished() for trial in opened(path).trials))
    seen = len(opened(path).trials)
    following.join()
    found = opened(path)
    assert seen <= len(found.trials) == 8
    assert all(trial.state.is_finished() for trial in found.trials)
    ours = {trial.task: trial for trial in study.trials}
    for trial in found.trials:
        mine = ours[trial.user_attrs["task"]]
        assert trial.params == mine.values
        assert trial.state.name.lower() == mine.state
        assert mine.state == "pruned" or trial.value == mine.value
        if mine.pruned is None:
            assert len(trial.intermediate_values) == 10
        else:  # one more point may have been written before it was pruned
            assert len(trial.intermediate_values) >= mine.pruned
    assert found.best_value == study.best_value
    (summary,) = dashboard(path, "/api/studies")["study_summaries"]
    assert summary["study_name"] == "s"
    detail = dashboard(path, f"/api/studies/{summary['study_id']}")
    assert len(detail["trials"]) == 8
    size = path.stat().st_size
    study.export_journal(path)
    assert path.stat().st_size - size < 500  # nothing but that the study was looked for
    study.resume(n=9)
    study.wait()
    study.export_journal(path)
    assert len(opened(path).trials) == 9


def test_other_files_are_not_changed(workspace: Workspace, tmp_path: Path) -> None:
    study = workspace.optimize("lr: log(1e-5, 1e-1)", objective="acc", n=1, name="s").wait()
    other = tmp_path / "other.log"
    optuna.create_study(study_name="s", storage=JournalStorage(JournalFileBackend(str(other)))).ask()
    notes = tmp_path / "notes.md"
    several = tmp_path / "several.log"
    storage = JournalStorage(JournalFileBackend(str(several)))
    optuna.create_study(study_name="s", storage=storage, directions=["maximize", "minimize"])
    for path in (other, several):
        before = path.read_bytes()
        with pytest.raises(Conflict, match="other directions"):
            study.export_journal(path)
        assert path.read_bytes()[: len(before)] == before
    whole = other.read_text()
    texts = ("# Notes\n", "# Notes", "[]\n", '{"op_code": 99}\n', '{"op_code": 0}\n', "\n", whole[:-1])
    for text in (*texts, whole + "{"):
        notes.write_text(text)
        with pytest.raises(Conflict, match="not an Optuna journal file"):
            study.export_journal(notes)
        assert notes.read_text() == text


def test_several_objectives_and_constraints(workspace: Workspace, tmp_path: Path) -> None:
    text = "lr: log(1e-5, 1e-3) if opt == adam else 1e-2 | 1e-1\nlayers: 1:9\nopt: adam | sgd\n"
    study = workspace.optimize(
        text,
        objective={"acc": "maximize", "loss": "minimize"},
        constraints=["loss <= 2"],
        n=6,
        name="s",
        seed=4,
        sampler="random",
    ).wait(timeout=120, progress=False)
    path = tmp_path / "s.log"
    study.export_journal(path)
    found = opened(path)
    assert [one.name for one in found.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert found.metric_names == ["acc", "loss"]
    for mine, trial in zip(study.trials, found.trials, strict=True):
        assert trial.values == list(mine.objective_values)
        lr = "lr (opt == adam)" if mine.values["opt"] == "adam" else "lr (else)"
        assert trial.params == {lr: mine.values["lr"], **{key: mine.values[key] for key in ("layers", "opt")}}
        assert trial.constraints == {"loss <= 2": mine.constraint_values[0]}
    assert {one.is_feasible for one in study.trials} == {True, False}  # it has both
    best = [trial.user_attrs["task"] for trial in found.best_trials]
    assert sorted(best) == sorted(one.task for one in study.pareto_front)
    (summary,) = dashboard(path, "/api/studies")["study_summaries"]
    assert len(dashboard(path, f"/api/studies/{summary['study_id']}")["trials"]) == 6
