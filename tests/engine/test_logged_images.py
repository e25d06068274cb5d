"""Images that a script logs with other packages are attributed to its run, also without any metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pyruns_jupyter.service.media import MediaFileRequest, MediaRequest, media, media_file
from tests.engine.support import Project
from tests.engine.test_metric_sources import HEAD
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is not cut because a busy machine takes longer than users wait."""
    for name in ("_LIST_SECONDS", "_READ_SECONDS", "_FIND_SECONDS"):
        monkeypatch.setattr(f"pyruns_jupyter.service.media.{name}", math.inf)


def images_of(project: Project, *tasks: str) -> list[dict[str, Any]]:
    found = media(project.workspace, MediaRequest(names=tasks))
    assert not found["cut"]
    items: list[dict[str, Any]] = found["items"]
    return items


def labels(items: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(item["task"], item["name"], item["step"]) for item in items]


def test_images_of_tensorboardx(make_project: MakeProject) -> None:
    pytest.importorskip("tensorboardX")
    pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    project = make_project(
        HEAD
        + """
import numpy
from tensorboardX import SummaryWriter
writer = SummaryWriter("runs/" + name, flush_secs=1)
for step in range(20):
    writer.add_image("val/sample", numpy.zeros((3, 8, 8)), step)
writer.flush()
wait_for("go")
writer.close()
"""
    )
    for name in ("A", "B"):
        project.task(name, f"name: {name}\n")
    project.submit("A", "B", jobs=2)
    wait_until(
        lambda: {item["task"] for item in images_of(project, "A", "B")} == {"A", "B"},
        message=lambda: f"the first images; {project.log('A')!r}, {project.log('B')!r}",
    )
    (project.folder / "go").touch()
    for name in ("A", "B"):
        project.wait(name)
    items = images_of(project, "A", "B")
    assert labels(items) == [(task, "val/sample", step) for step in range(20) for task in ("A", "B")]
    for item in items:
        assert item["source"].startswith(f"runs/{item['task']}/events.out.tfevents.")
        file = media_file(
            project.workspace,
            MediaFileRequest(task=item["task"], run=1, source=item["source"], offset=item["offset"]),
        )
        assert file.media_type == "image/png"


@pytest.mark.timeout(400)
def test_images_of_wandb(make_project: MakeProject) -> None:
    pytest.importorskip("wandb")
    project = make_project(
        HEAD
        + """
import os
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
import numpy, wandb
with wandb.init(project="p") as run:
    for step in range(2):
        colors = [50 * number + step for number in range(3)]
        images = [wandb.Image(numpy.full((8, 8, 3), color, dtype="uint8")) for color in colors]
        run.log({"val/sample": images[0], "many": images})
"""
    )
    project.task("A", "name: A\n")
    project.submit("A")
    project.wait("A", timeout=150)  # W&B starts a service of its own
    items = images_of(project, "A")
    assert labels(items) == [
        ("A", name, step) for name in ("many", "many [2]", "many [3]", "val/sample") for step in (0, 1)
    ]
