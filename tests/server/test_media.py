"""The media of runs over REST: artifacts, images of TensorBoard and of W&B."""

from __future__ import annotations

import os
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.media import event_images
from pyruns_jupyter.core.metrics.sources.facts import store_facts
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.service import media
from tests.core.media.test_event_images import JPEG, PNG, VERSION, image
from tests.recorder import Recorder
from tests.server.client import Answer, Api
from tests.server.conftest import WS

LIST = "/workspaces/{ws}/media"
ONE = "/workspaces/{ws}/tasks/{task}/runs/{run}/media"
EVENTS = "events.out.tfevents.1700000000.host.1.0"
HASH = "0123456789abcdef0123"
pytestmark = pytest.mark.parametrize(
    "server_options", [{"PyrunsExtension": {"allow_execution": False}}], ids=[""]
)


@pytest.fixture
def tasks(train: WorkspaceFolder) -> list[Recorder]:
    names = create_tasks(train, "lr: 0.1 | 0.2\n", "t")
    made = [Recorder(train, name) for name in names]
    for one in made:
        one.start()
        one.paths.artifact_dir(1).mkdir(parents=True)
    return made


def put(path: Path, data: bytes = PNG) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def attribute(task: Recorder, workdir: Path, *facts: dict[str, Any]) -> None:
    """Store that files belong to the run of a task."""
    with edit_task(task.paths.folder) as info:
        info["launch_workdir"] = str(workdir)
        store_facts(info, 1, [{"reason": "open file", **fact} for fact in facts])


async def listed(api: Api, *tasks: Recorder) -> dict[str, Any]:
    found: dict[str, Any] = await api.post(LIST, {"names": [task.paths.name for task in tasks]}, ws=WS)
    return found


def short(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["name"], one["kind"], one["step"], one["path"], one["source"]) for one in found["items"]]


async def fetch(api: Api, item: dict[str, Any], **change: Any) -> Answer:
    query = {key: item[key] for key in ("path", "source", "offset") if item[key] is not None} | change
    return await api("get", ONE, query=query, ws=WS, task=item["task"], run=str(item["run"]))


async def test_the_same_name_in_several_tasks(api: Api, tasks: list[Recorder]) -> None:
    for task, steps in zip(tasks, ((100, 200), (100,)), strict=True):
        folder = task.paths.artifact_dir(1)
        for step in steps:
            put(folder / f"samples_{step:06d}.png")
        put(folder / "media" / "confusion_000003.png", JPEG)
        put(folder / "report.html", b"<script>alert(1)</script>")
        put(folder / "weights.pt")
    found = await listed(api, *tasks)
    assert not found["cut"] and not found["pending"]
    first, second = [task.paths.name for task in tasks]
    assert [(one["task"], one["name"], one["kind"], one["step"]) for one in found["items"]] == [
        (first, "confusion", "image", 3),
        (second, "confusion", "image", 3),
        (first, "samples", "image", 100),
        (second, "samples", "image", 100),
        (first, "samples", "image", 200),
        (first, "report", "html", None),
        (second, "report", "html", None),
    ]
    sample, page = found["items"][2], found["items"][5]
    answer = await fetch(api, sample)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, PNG, "image/png")
    answer = await fetch(api, page)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    # A task alone has no other step of this name.
    assert ("samples_000100", None) in [(one[0], one[2]) for one in short(await listed(api, tasks[1]))]


async def test_hostile_files(api: Api, tasks: list[Recorder], tmp_path: Path) -> None:
    folder = tasks[0].paths.artifact_dir(1)
    outside = tmp_path / "outside"
    put(outside / "secret.png")
    put(outside / EVENTS, image("secret", 1))
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "linked").symlink_to(outside)
    (folder / EVENTS).symlink_to(outside / EVENTS)
    os.mkfifo(folder / "fifo.png")
    put(folder / "..." / '<img src=x onerror="alert(1)">_5.png')
    put(folder / os.fsdecode(b"\xff_1.png"))
    found = await listed(api, tasks[0])
    assert short(found) == [
        (
            '.../<img src=x onerror="alert(1)">_5',
            "image",
            None,
            '.../<img src=x onerror="alert(1)">_5.png',
            None,
        )
    ]
    item = found["items"][0]
    for path in (
        "link.png",
        "linked/secret.png",
        "fifo.png",
        "../../task_info.json",
        "a\0.png",
        "",
        "/etc/x",
    ):
        assert (await fetch(api, item, path=path)).status == 404
    for path in (EVENTS, f"linked/{EVENTS}", f"../{EVENTS}", "...", ""):
        assert (await fetch(api, item, path=path, offset=0)).status == 404
    assert (await fetch(api, item, offset=0)).status == 404


async def test_images_of_tensorboard(
    api: Api, tasks: list[Recorder], jp_root_dir: Path, tmp_path: Path
) -> None:
    own, foreign = f"runs/a/{EVENTS}", tmp_path / "foreign" / EVENTS
    put(jp_root_dir / own, VERSION + image("val/sample", 1) + image("val/sample", 2, JPEG) + image("x", 2))
    put(jp_root_dir / "runs" / "b" / EVENTS, image("of another run", 1))
    put(foreign, image("outside of the project", 1))
    put(tasks[0].paths.artifact_dir(1) / "tb" / EVENTS, VERSION + image("inside", 5))
    attribute(
        tasks[0],
        jp_root_dir,
        {"path": own},
        {"path": str(foreign)},
        {"path": f"runs/b/{EVENTS}", "message": "Another process also writes to this file."},
        {"path": "runs/\0"},
        {"path": 3},
        {"path": "train.py"},
    )
    found = await listed(api, tasks[0])
    assert short(found) == [
        ("inside", "image", 5, f"tb/{EVENTS}", None),
        ("val/sample", "image", 1, "", own),
        ("val/sample", "image", 2, "", own),
        ("x", "image", 2, "", own),
    ]
    inside, first, second, _ = found["items"]
    for item, data, media_type, name in (
        (inside, PNG, "image/png", "inside_5.png"),
        (first, PNG, "image/png", "sample_1.png"),
        (second, JPEG, "image/jpeg", "sample_2.jpeg"),
    ):
        answer = await fetch(api, item)
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"] == f"inline; filename*=UTF-8''{name}"
    path = api.path(ONE, {"source": own, "offset": first["offset"]}, ws=WS, task=first["task"], run="1")
    part = await api.raw("get", path, headers={**api.headers, "Range": "bytes=2-5"})
    assert (part.code, part.body, part.headers["Content-Range"]) == (206, PNG[2:6], f"bytes 2-5/{len(PNG)}")
    for change in (
        {"offset": first["offset"] + 1},
        {"offset": 0},
        {"source": str(foreign), "offset": first["offset"]},
        {"source": f"runs/b/{EVENTS}"},
        {"source": "train.py", "offset": 0},
    ):
        assert (await fetch(api, first, **change)).status == 404
    # The other task has no such file.
    other = {**first, "task": tasks[1].paths.name}
    assert (await fetch(api, other)).status == 404


async def test_media_of_wandb(api: Api, tasks: list[Recorder], jp_root_dir: Path) -> None:
    run = jp_root_dir / "wandb" / "offline-run-2-abc"
    log = "wandb/offline-run-2-abc/run-abc.wandb"
    put(jp_root_dir / log, b":W&B")
    images = run / "files" / "media" / "images"
    for number, step in enumerate((0, 0, 7)):
        put(images / "val" / f"many_{step}_{number}{HASH}.png", PNG + bytes([number]))
        os.utime(images / "val" / f"many_{step}_{number}{HASH}.png", (50 - number, 50 - number))
    put(run / "files" / "media" / "html" / f"page_0_{HASH}.html", b"<b>")
    put(run / "files" / "config.yaml", b"secret")
    (images / f"link_0_{HASH}.png").symlink_to(run / "files" / "config.yaml")
    attribute(tasks[0], jp_root_dir, {"path": log})
    found = await listed(api, tasks[0])
    assert [one[:3] for one in short(found)] == [
        ("val/many", "image", 0),  # the order in which they were written
        ("val/many", "image", 7),
        ("val/many [2]", "image", 0),
        ("page", "html", 0),
    ]
    item = found["items"][0]
    assert (item["source"], item["path"]) == (log, f"media/images/val/many_0_1{HASH}.png")
    answer = await fetch(api, item)
    assert (answer.body, answer.headers["Content-Type"]) == (PNG + b"\1", "image/png")
    for path in (
        "config.yaml",
        "../run-abc.wandb",
        "media/../config.yaml",
        f"media/images/link_0_{HASH}.png",
    ):
        assert (await fetch(api, item, path=path)).status == 404
    (run / "files").rename(run / "moved")
    (run / "files").symlink_to(run / "moved")
    assert (await listed(api, tasks[0]))["items"] == []
    assert (await fetch(api, item)).status in (403, 404, 409)


async def test_limits(api: Api, tasks: list[Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_ITEMS_OF_RUN", 5)
    monkeypatch.setattr(media, "_MAX_FILES", 20)
    first, second = (task.paths.artifact_dir(1) for task in tasks)
    for number in range(6):
        put(first / f"a_{number}.png")
    for number in range(30):
        put(second / f"{number:02}.bin")
    put(second / "late.png")
    found = await listed(api, tasks[0])
    assert (len(found["items"]), found["cut"]) == (5, True)
    found = await listed(api, tasks[1])
    assert (found["items"], found["cut"]) == ([], True)
    for number in range(2):
        put(second / f"b_{number}.png")
    for number in range(30):
        (second / f"{number:02}.bin").unlink()
    monkeypatch.setattr(media, "MAX_ITEMS", 6)
    found = await listed(api, *tasks)
    owners = [one["task"] for one in found["items"]]
    assert [owners.count(task.paths.name) for task in tasks] == [3, 3]
    assert found["cut"]
    names = [f"t{number}" for number in range(101)]
    answer = await api("post", LIST, {"names": names}, ws=WS)
    assert (answer.status, answer.body["field"]) == (400, "names")
    assert (await api("post", LIST, {"names": "t"}, ws=WS)).status == 400


async def test_more_images_in_one_event_file(api: Api, tasks: list[Recorder]) -> None:
    path = tasks[0].paths.artifact_dir(1) / EVENTS
    for number, is_cut in ((media.MAX_ITEMS_OF_RUN, False), (media.MAX_ITEMS_OF_RUN + 1, True)):
        put(path, VERSION + image("a", 1) * number)
        found = await listed(api, tasks[0])
        assert (len(found["items"]), found["cut"]) == (media.MAX_ITEMS_OF_RUN, is_cut)


async def test_more_event_files_than_are_kept(
    api: Api, tasks: list[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MAX_FILES", 6)
    monkeypatch.setattr(event_images, "MAX_FILES", 6)
    monkeypatch.setattr(media, "_READ_SECONDS", -1.0)  # each request reads one more image of each file
    for task, number in zip(tasks, (9, 2), strict=True):
        for each in range(number):
            put(task.paths.artifact_dir(1) / str(each) / EVENTS, VERSION + image("a", 1) * 3)
    for _ in range(5):
        found = await listed(api, *tasks)
        if not found["pending"]:
            break
    owners = [one["task"] for one in found["items"]]
    assert [owners.count(task.paths.name) for task in tasks] == [4 * 3, 2 * 3]
    assert (found["cut"], found["pending"]) == (True, False)


async def test_a_slow_image_does_not_delay_other_requests(
    api: Api, tasks: list[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tasks[0].paths.artifact_dir(1) / EVENTS, VERSION + image("a", 1))
    (item,) = (await listed(api, tasks[0]))["items"]
    threads = []
    original = event_images.event_images

    def spy(real: Path, deadline: float) -> object:
        threads.append(current_thread().name)
        return original(real, deadline)

    monkeypatch.setattr(media, "event_images", spy)
    assert (await fetch(api, item)).status == 200
    assert [name.startswith("pyruns-search") for name in threads] == [True]


async def test_event_files_that_take_longer(
    api: Api, tasks: list[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "_READ_SECONDS", -1.0)
    for task in tasks:
        put(task.paths.artifact_dir(1) / EVENTS, VERSION + image("a", 1) * 5)
        put(task.paths.artifact_dir(1) / "plot.png")
    counts = []
    while True:
        found = await listed(api, *tasks)
        counts.append(len(found["items"]))
        if not found["pending"]:
            break
    assert counts[-1] == 12
    assert len(counts) > 3 and counts == sorted(counts)


async def test_tasks_without_media(api: Api, train: WorkspaceFolder, tasks: list[Recorder]) -> None:
    (idle,) = create_tasks(train, "lr: 0.3\n", "idle")
    damaged = tasks[1].paths
    damaged.info.write_text("{")
    put(tasks[0].paths.artifact_dir(1) / "a.png")
    found = await api.post(LIST, {"names": [idle, damaged.name, "gone", "..", tasks[0].paths.name]}, ws=WS)
    assert [one["task"] for one in found["items"]] == [tasks[0].paths.name]
    assert (await api.post(LIST, {"names": []}, ws=WS))["items"] == []
