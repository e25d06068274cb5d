"""Figures and images that a script tracks become PNG files of its run."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import script
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.aggregate import read_journal
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from tests.support import ROOT

from .making import one_task, script_workspace

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskPaths:
    """A task whose run 2 is this process."""
    folder = one_task(script_workspace(tmp_path / "p"))
    monkeypatch.setenv("PYRUNS_TASK_DIR", str(folder))
    monkeypatch.setenv("PYRUNS_RUN_INDEX", "2")
    for name in ("RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    return TaskPaths(folder)


def files(task: TaskPaths) -> list[str]:
    folder = task.artifact_dir(2)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def curves(task: TaskPaths) -> dict[str, Any]:
    return read_journal(task.journal(2))[1] if task.journal(2).exists() else {}


def picture(mode: str = "RGB") -> Any:
    return Image.new(mode, (4, 3))


def test_a_figure_of_matplotlib(task: TaskPaths) -> None:
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2), dpi=50)
    figure.add_subplot().plot([1, 2])
    script.track(confusion=figure, loss=0.5, step=3)
    script.track({"val/confusion": figure, "epoch": 4})
    script.track("confusion", figure)
    script.track_many([{"confusion": figure, "step": step} for step in (5, 10**7)])
    assert files(task) == [
        "media/confusion_000000.png",
        "media/confusion_000003.png",
        "media/confusion_000005.png",
        "media/confusion_10000000.png",
        "media/val/confusion_000004.png",
    ]
    with Image.open(task.artifact_dir(2) / files(task)[0]) as saved:
        assert (saved.format, saved.size) == ("PNG", (150, 100))
    # Only values of curves are in the journal, without steps that belong to a figure alone.
    assert curves(task) == {"loss": [0.5], "step": [3]}


def test_images_of_pillow_and_steps(task: TaskPaths) -> None:
    numpy = pytest.importorskip("numpy")
    steps = (2, 3.0, numpy.int64(4), None, -1, 0.5, "7", True, float("nan"))
    for step, mode in zip(steps, ("RGB", "RGBA", "CMYK", "F", "1", "L", "P", "HSV", "I;16"), strict=True):
        script.track(sample=picture(mode), step=step)
    # Values that are not steps count the images of this name; 1 is the step of True.
    assert files(task) == [f"media/sample_{step:06d}.png" for step in (0, 1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("../../out", "media/out"),
        ("/etc/x", "media/etc/x"),
        ("a/./b", "media/a/b"),
        ("", "media/figure"),
        ("a\0b:c*", "media/a_b_c_"),
        ("é" * 300, f"media/{'é' * 100}"),
    ],
)
def test_odd_names_stay_in_the_folder(task: TaskPaths, key: str, file: str) -> None:
    script.track({key: picture(), "step": 1})
    assert files(task) == [f"{file}_000001.png"]


def test_values_of_other_kinds_are_refused_and_nothing_is_saved(task: TaskPaths) -> None:
    for other in (object(), io.BytesIO(), Image):
        with pytest.raises(InvalidInput, match=r"track\(other=...\) cannot be stored"):
            script.track(sample=picture(), other=other)
    with pytest.raises(InvalidInput, match=r"record\(sample=...\) cannot be stored"):
        script.record(sample=picture())
    with pytest.raises(InvalidInput, match="cannot be stored"):
        script.track(samples=[picture()])
    assert files(task) == [] and curves(task) == {}


def test_what_cannot_be_saved_does_not_end_the_script(
    task: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_warned", False)
    (task.artifact_dir(2)).mkdir(parents=True)
    (task.artifact_dir(2) / "media").write_text("a file in the way")
    with pytest.warns(RuntimeWarning, match=r"track\(\) could not store its values"):
        script.track(sample=picture(), loss=1.0, step=1)
    assert curves(task) == {"loss": [1.0], "step": [1]}
    monkeypatch.setattr(script, "_warned", False)
    closed = picture()
    closed.close()
    with pytest.warns(RuntimeWarning, match=r"track\(\) could not store its values"):
        script.track(sample=closed, step=2)


def test_other_ranks_and_other_places(
    task: TaskPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RANK", "1")
    script.track(sample=picture(), loss=1.0)
    assert files(task) == [] and curves(task) == {"loss": [1.0]}
    monkeypatch.setenv("RANK", "0")
    script.track(sample=picture())
    assert files(task) == ["media/sample_000000.png"]
    monkeypatch.delenv("PYRUNS_TASK_DIR")
    monkeypatch.chdir(tmp_path)
    script.track(sample=picture())
    assert not (tmp_path / "artifacts").exists()


def test_nothing_is_imported_for_it() -> None:
    code = (
        "import sys, pyruns_jupyter as pyruns; from fractions import Fraction\n"
        "pyruns.track(loss=Fraction(1, 2))\n"
        "assert not {'PIL', 'matplotlib', 'pyruns_jupyter.core.media.figures'} & {*sys.modules}"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env={**os.environ, "PYRUNS_TASK_DIR": ""}
    )
