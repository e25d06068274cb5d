"""joblib runs its calls as tasks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from joblib import Parallel, delayed, parallel_config

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.joblib_backend import JoblibBackend
from pyruns_jupyter.core.common.errors import InvalidInput
from tests.engine.support import stop_everything


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_everything(tmp_path)


def test_calls_of_joblib_are_tasks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)  # with one, joblib calls the functions itself
    with parallel_config(backend=JoblibBackend(folder, gpus=0), n_jobs=2):
        assert Parallel()(delayed(pow)(n, 2) for n in range(4)) == [0, 1, 4, 9]
    with parallel_config(backend=JoblibBackend(folder)):  # as many as there are cores
        assert Parallel()([delayed(pow)(2, 3), delayed(pow)(3, 3)]) == [8, 27]
    tasks = Workspace.open(folder).tasks()
    assert [task.status for task in tasks] == ["completed"] * 6


def test_calls_of_scikit_learn_are_tasks_unless_they_share_memory(folder: Path) -> None:
    linear, trees, selection = (
        pytest.importorskip(f"sklearn.{name}") for name in ("linear_model", "ensemble", "model_selection")
    )
    rows = [[float(number), number % 3.0] for number in range(12)]
    target = [2 * first - second for first, second in rows]
    forest = trees.RandomForestRegressor(n_estimators=2, random_state=0).fit(rows, target)
    with parallel_config(backend=JoblibBackend(folder, gpus=0), n_jobs=2):
        scores = selection.cross_val_score(linear.LinearRegression(), rows, target, cv=2)
        assert [*scores] == pytest.approx([1, 1])
        assert len(Workspace.open(folder).tasks("status:completed")) == 2
        forest.predict(rows)  # its threads write to one array
    assert len(Workspace.open(folder).tasks()) == 2


def test_an_exception_ends_the_calls(folder: Path) -> None:
    with parallel_config(backend=JoblibBackend(folder), n_jobs=2):
        with pytest.raises(ValueError, match="invalid literal"):
            Parallel()(delayed(int)(text) for text in ("1", "no"))
        assert Parallel()(delayed(int)(text) for text in ("1", "2")) == [1, 2]


def test_a_later_call_that_cannot_be_queued_ends_the_calls(folder: Path) -> None:
    arguments = (1, 2, 3, threading.Lock(), 5)
    with parallel_config(backend=JoblibBackend(folder), n_jobs=2):
        with pytest.raises(InvalidInput, match="cannot be pickled"):
            Parallel(pre_dispatch=2)(delayed(str)(one) for one in arguments)
        assert Parallel()(delayed(str)(one) for one in (1, 2)) == ["1", "2"]


def test_a_cluster_has_its_own_limits(folder: Path) -> None:
    assert JoblibBackend(folder, engine="slurm").configure(n_jobs=2) == 2
    root = Workspace.open(folder).folder.root
    root.mkdir(exist_ok=True)
    (root / "_pyruns_settings.yaml").write_text("engine: slurm\n", encoding="utf-8")
    assert JoblibBackend(folder).configure(n_jobs=3) == 3
