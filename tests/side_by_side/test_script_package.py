"""A script that does `import pyruns`, the real package, under our runner."""

from __future__ import annotations

import json
import subprocess

import pytest

from pyruns_jupyter import load
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import edit_task, own, own_facts, read_task
from pyruns_jupyter.core.tasks.index import TaskIndex
from tests.core.making import set_pinned
from tests.support import ROOT, wait_until

from .shared import Shared, rows

pytestmark = pytest.mark.reference

POINTS = 1300  # from 1000 on they go to its database
LAST = POINTS - 1

SCRIPT = """\
import os

import pyruns

config = pyruns.load()
print("config", config.optimizer.lr, config.optimizer.name, config.points, config.tags, flush=True)
for step in range(config.points):
    pyruns.track(loss=step / 2, step=step)
pyruns.record(first=1, acc=config.optimizer.lr)
pyruns.record(acc=config.optimizer.lr * 2, note="grüße")
folder = pyruns.artifact_dir()
with open(os.path.join(folder, "model.txt"), "w") as stream:
    stream.write("weights")
print("folder", folder)
print("task", pyruns.get_task_dir(), pyruns.get_run_index(), flush=True)
"""
CONFIG = """\
optimizer:
  lr: 0.25 | 0.5  # swept
  name: sgd
points: 120
tags: [a, b]
"""


def test_its_api_works_and_nothing_is_lost(shared: Shared) -> None:
    workspace = shared.script(SCRIPT)
    names = create_tasks(workspace, CONFIG, "api")
    shared.submit(workspace, *names, jobs=2)

    # While the scripts write into their task files, so do we, as fast as we can.
    writes = dict.fromkeys(names, 0)
    while any(runs.status_of(read_task(workspace.paths(name).folder)) in runs.ACTIVE for name in names):
        for name in names:
            with edit_task(workspace.paths(name).folder, durable=False) as info:
                own(info)["writes"] = own_facts(info).get("writes", 0) + 1
            writes[name] += 1
            set_pinned(workspace, name, True)

    table = rows(workspace)
    for name, lr in zip(names, (0.25, 0.5), strict=True):
        paths = workspace.paths(name)
        info, log = read_task(paths.folder), paths.log(1).read_text("utf-8")
        assert runs.status_of(info) == "completed", log
        assert f"config {lr} sgd 120 ['a', 'b']\n" in log
        assert f"folder {paths.artifact_dir(1)}\ntask {paths.folder} 1\n" in log
        assert "warning" not in log.lower()
        assert (paths.artifact_dir(1) / "model.txt").read_text() == "weights"
        assert own_facts(info)["writes"] == writes[name] > 0
        assert info["tracks"] == [{"loss": [step / 2 for step in range(120)], "step": list(range(120))}]
        assert info["records"] == [{"first": 1, "acc": lr * 2, "note": "grüße"}]
        row = table[name]
        assert (row.status, row.pinned, row.swept) == ("completed", True, {"optimizer.lr": lr})
        assert row.figures == {"loss": 59.5, "step": 119, "first": 1, "acc": lr * 2, "note": "grüße"}
        assert [path.name for path in paths.folder.glob(".pyruns-input-*")] == []


EVERYTHING = """\
import json
import os

import pyruns

assert pyruns.read() is None
config = pyruns.load()
pyruns.track("loss", 2.5, step=0)
pyruns.track(loss=1.5, step=1)
pyruns.track_many([{"loss": 1.0, "step": 2}, {"loss": 0.5}])
pyruns.record({"acc": 0.5, "table": [1, {"a": None}]})
pyruns.record(acc=0.75)
folders = {pyruns.artifact_dir(), pyruns.get_artifact_dir()}
print(json.dumps([pyruns.get_task_dir(), pyruns.get_run_index(), sorted(folders), config.opt.lr]), flush=True)
"""


def test_everything_it_offers(shared: Shared) -> None:
    workspace = shared.script(EVERYTHING)
    (name,) = create_tasks(workspace, "opt: {lr: 0.5}\n", "all")
    paths = workspace.paths(name)
    for run in (1, 2):
        shared.submit(workspace, name)
        info = shared.wait_for(workspace, name, "completed")
        printed = [line for line in paths.log(run).read_text("utf-8").splitlines() if line.startswith('["')]
        assert json.loads(printed[0]) == [str(paths.folder), run, [str(paths.artifact_dir(run))], 0.5]
        assert info["records"][run - 1] == {"acc": 0.75, "table": [1, {"a": None}]}
        assert info["tracks"][run - 1] == {"loss": [2.5, 1.5, 1.0, 0.5], "step": [0, 1, 2]}


def test_many_points_move_to_its_database(shared: Shared) -> None:
    # It writes its file anew for each of the first points: most of them come at once.
    first = "pyruns.track_many({'loss': step / 2, 'step': step} for step in range(900))\n"
    batch = SCRIPT.replace("for step in range(config", f"{first}for step in range(900, config", 1)
    # It goes on at this point once somebody has seen points in the database.
    hold = f"    while step == 1200 and not os.path.exists({str(shared.gate)!r}):\n        time.sleep(0.05)\n"
    script = batch.replace("import os\n", "import os\nimport time\n", 1)
    workspace = shared.script(script.replace("step=step)\n", f"step=step)\n{hold}", 1))
    (name,) = create_tasks(workspace, CONFIG.replace("0.25 | ", "").replace("120", str(POINTS)), "many")
    submission = shared.submit(workspace, name)
    assert not submission.refused
    paths = workspace.paths(name)
    folder = paths.folder
    seen: list[int] = []
    index = TaskIndex(workspace)

    def look() -> bool:
        """While the script writes, we look at the curves and at the table."""
        info = read_task(folder)
        for run in runs.runs(info):
            found = run_metrics(info, run, paths)
            steps = found.tracks.get("step", [])
            assert steps == list(range(len(steps)))
            assert found.messages == []
            seen.append(len(steps))
        if any(count > 1050 for count in seen):
            shared.open_gate()
        index.refresh()
        return runs.status_of(info) in runs.ENDED

    wait_until(look)
    info = shared.wait_for(workspace, name, "completed")
    assert seen == sorted(seen)
    assert any(1050 < count < POINTS for count in seen)
    assert "track_store" in info
    stored = {path.name: path.read_bytes() for path in folder.glob("tracks.sqlite3*")}
    assert [*stored] == ["tracks.sqlite3"]
    assert info["records"] == [{"first": 1, "acc": 1.0, "note": "grüße"}]
    whole = {"loss": [step / 2 for step in range(POINTS)], "step": list(range(POINTS))}
    assert shared.shown(workspace, f"{name}@1")["selected_run"]["track"] == whole
    assert run_metrics(info, runs.runs(info)[0], paths).tracks == whole
    row = rows(workspace)[name]
    assert row.figures == {"loss": LAST / 2, "step": LAST, "first": 1, "acc": 1.0, "note": "grüße"}

    # Our own package writes the second run: the points stay in our journal, theirs where they are.
    (shared.project / "train.py").write_text(OURS.replace(PARSER, ""), encoding="utf-8")
    shared.submit(workspace, name)
    info = shared.wait_for(workspace, name, "completed")
    assert {path.name: path.read_bytes() for path in folder.glob("tracks.sqlite3*")} == stored
    assert info["tracks"] == [{}, {}]
    ours = {"loss": [step / 2 for step in range(POINTS)], "step": list(range(POINTS))}
    assert run_metrics(info, runs.runs(info)[1], paths).tracks == ours
    assert run_metrics(info, runs.runs(info)[0], paths).tracks == whole
    row = rows(workspace)[name]
    assert (row.figures["step"], row.figures["acc"]) == (LAST, 0.75)

    # The third run is that program's. Nobody loses the other's points.
    (shared.project / "train.py").write_text(batch, encoding="utf-8")
    shared.pyr("run", name, workspace=workspace)
    info = read_task(folder)
    for run, expected in enumerate((whole, ours, whole)):
        assert run_metrics(info, runs.runs(info)[run], paths).tracks == expected
    for run in (1, 3):
        assert shared.shown(workspace, f"{name}@{run}")["selected_run"]["track"] == whole
    row = rows(workspace)[name]
    assert (row.status, row.runs, row.figures["acc"], row.figures["step"]) == ("completed", 3, 1.0, LAST)


# That program runs no script without a parser or its own load().
PARSER = """\
parser = argparse.ArgumentParser()
parser.add_argument("--points", type=int)
parser.parse_known_args()
"""
OURS = f"""\
import argparse
import sys

sys.path.insert(0, {str(ROOT)!r})
import pyruns_jupyter as pyruns

{PARSER}config = pyruns.load()
print("config", config.optimizer.lr, pyruns.get_task_dir(), pyruns.get_run_index(), flush=True)
for step in range(config.points):
    pyruns.track(loss=step / 2, step=step)
pyruns.record(acc=config.optimizer.lr)
pyruns.record(acc=0.75)
with open(pyruns.artifact_dir() + "/model.txt", "w") as stream:
    stream.write("weights")
"""


@pytest.mark.parametrize("points", [300, 4000])
def test_our_package_under_its_runner(shared: Shared, points: int) -> None:
    workspace = shared.script(OURS)
    text = CONFIG.replace("0.25 | ", "").replace("120", str(points))
    name = shared.add(workspace, "ours", text)
    shared.pyr("run", name, workspace=workspace)
    paths = workspace.paths(name)
    info = read_task(paths.folder)
    log = paths.log(1).read_text("utf-8")
    assert runs.status_of(info) == "completed", log
    assert f"config 0.5 {paths.folder} 1\n" in log
    assert "warning" not in log.lower()
    assert (paths.artifact_dir(1) / "model.txt").read_text() == "weights"
    assert info["records"] == [{"acc": 0.75}]
    found = run_metrics(info, runs.runs(info)[0], paths)
    assert found.tracks == {"loss": [step / 2 for step in range(points)], "step": list(range(points))}
    # That program shows all of a few, and the shape of a long one.
    shown = shared.shown(workspace, f"{name}@1")["selected_run"]["track"]["step"]
    assert (shown[0], shown[-1]) == (0, points - 1)
    assert shown == sorted(shown)
    assert len(shown) >= min(points, 1000)
    assert rows(workspace)[name].figures == {"loss": (points - 1) / 2, "step": points - 1, "acc": 0.75}


TEXTS = [
    "a: 1e-3\nb: 12:30\nc: 2024-01-02\nd: [on, off, yes, no]\ne: 0x1F\nf: 017\ng: 1_000\nh: .inf\n",
    "a: {b: [1, {c: 2.5}]}\nd: ~\ne:\nf: ''\ng: 'null'\nh: \"1\"\n",
    "a: 1\nb: ${a}\nc: x${a}y\nd: {e: '${..b}', f: ['${.1}', 7]}\ng: \\${a}\n",
    "base: &x {p: 1, q: 2}\nd:\n  <<: *x\n  q: 3\n",
    "n: null\nt: true\nm: {k: v}\ns: '${n} ${t} ${m}'\nw: ${m}\n",
    "h: ${oc.env:HOME}\nd: ${oc.env:PYRUNS_TEST_NO,7}\nk: m\nm: {x: 5}\nv: ${${k}.x}\n",
    "text: |\n  two\n  lines\nfolded: >\n  a\n  b\nünï: ßtraße\n",
    "big: 123456789012345678901234567890\nneg: -5\nexp: 1E5\nplus: +3\ndot: .5\nv: 1.\nx: 1.2.3\n",
]


def test_the_same_configuration_in_both_packages(shared: Shared) -> None:
    """`load()` of that package, on any text, has the values that ours has."""
    code = (
        "import json, sys, pyruns\nfrom omegaconf import OmegaConf\n"
        "for path in sys.argv[1:]:\n    pyruns.read(path)\n"
        "    print(json.dumps(OmegaConf.to_container(pyruns.load(), resolve=True)))\n"
    )
    paths = []
    for number, text in enumerate(TEXTS):
        path = shared.project / f"c{number}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    done = subprocess.run(
        [shared.python, "-c", code, *paths],
        cwd=shared.project, env=shared.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(theirs) == len(TEXTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", shared.environment["HOME"])
        for path, expected in zip(paths, theirs, strict=True):
            assert json.dumps(load(path)) == json.dumps(expected), path.read_text()
