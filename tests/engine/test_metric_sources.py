"""Scripts that log with other packages: their points are metrics of the run, while it runs and afterwards."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.metrics.read import last_metrics, run_metrics
from pyruns_jupyter.core.metrics.sources.facts import facts_of
from pyruns_jupyter.core.query import select
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.engine.run.metric_files import ALONE, MetricFiles
from tests.engine.support import Project
from tests.support import ROOT, wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject

# What the scripts below have in common: they wait until the test lets them go on.
HEAD = f"""\
import json, os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.core.metrics.sources.support import scalar

import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--name", default="")
name = parser.parse_args().name

def wait_for(path):
    while not Path(path).exists():
        time.sleep(0.02)
"""


def metrics_of(project: Project, name: str) -> tuple[dict[str, list[Any]], list[str]]:
    info = project.info(name)
    run = runs.latest(info)
    if run is None:
        return {}, []
    found = run_metrics(info, run, project.paths(name))
    return found.tracks, found.messages


def wait_for_metric(project: Project, name: str, key: str, count: int) -> list[Any]:
    def values() -> list[Any]:
        found = metrics_of(project, name)[0].get(key, [])
        return found if len(found) >= count else []

    return wait_until(values, message=lambda: f"{metrics_of(project, name)}; {project.log(name)!r}")


def test_a_script_with_tensorboardx(make_project: MakeProject) -> None:
    """Its curves, its columns and queries are there before it ends; nothing of it was changed."""
    pytest.importorskip("tensorboardX")
    project = make_project(
        HEAD
        + """
from tensorboardX import SummaryWriter
writer = SummaryWriter("runs/" + name, flush_secs=1)
for step in range(50):
    writer.add_scalar("train/loss", 1 / (step + 1), step)
    writer.add_scalar("train/acc", step / 100, step)
writer.flush()
wait_for("go")
for step in range(50, 100):
    writer.add_scalar("train/loss", 1 / (step + 1), step)
    writer.add_scalar("train/acc", step / 100, step)
writer.close()
"""
    )
    project.task("A", "name: first\n")
    project.submit("A")
    wait_for_metric(project, "A", "train/acc", 45)  # the last ones may be held back
    assert project.status("A") == "running"

    info = project.info("A")
    run = runs.latest(info)
    assert run is not None
    curve = curves_of_run(info, run, project.paths("A"), ["train/acc"])["train/acc"]
    assert 45 <= curve.total <= 50
    assert curve.values == [step / 100 for step in curve.steps["step"] if step is not None]
    assert curve.times is not None
    index = TaskIndex(project.workspace)
    index.refresh()
    assert 0.02 <= index.rows["A"].figures["train/loss"] < 0.0223
    for query, count in (("train/acc>0.4", 1), ("train/acc>0.5", 0)):
        assert select(index.rows.values(), query).total == count
    wait_until(lambda: facts_of(project.info("A"), 1), message="the sources are in the task file")

    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    info = project.info("A")
    run = runs.latest(info)
    assert run is not None
    assert run.tracks["train/loss"] == pytest.approx([1 / (step + 1) for step in range(100)])
    # A step is there twice if its second value was not written yet when the first one was read.
    assert sorted(set(run.tracks["step"])) == list(range(100))
    assert last_metrics(info, run, project.paths("A"))["train/acc"] == 0.99
    (fact,) = facts_of(info, 1)
    (events,) = (project.folder / "runs" / "first").iterdir()
    assert 100 <= fact.pop("points") <= 102
    assert fact == {
        "format": "TensorBoard",
        "path": f"runs/first/{events.name}",
        "reason": "open file",
        "offset": events.stat().st_size,
    }


def test_killed_in_the_middle_of_a_record(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
with open("events.out.tfevents.1700000000.host", "wb") as stream:
    stream.write(scalar("loss", 1, 0.5) + scalar("loss", 2, 0.25)[:-9])
    stream.flush()
    os.kill(os.getpid(), 9)
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["failed"]
    tracks, messages = metrics_of(project, "A")
    assert tracks == {"loss": [0.5], "step": [1]}
    assert messages == []


def test_two_tasks_in_one_folder_never_mix(make_project: MakeProject) -> None:
    """Open files and pids decide; what cannot be decided is said by both."""
    project = make_project(
        HEAD
        + """
values = {"A": 1.0, "B": 2.0}
Path(f"up.{name}").touch()
for other in values:
    wait_for(f"up.{other}")  # files that are there before a run starts are not its own
with open(f"events.out.tfevents.{17 + int(values[name])}.host", "wb") as held:
    with open(f"run.{name}.csv", "w") as table:
        print("step,held", file=table)
        for step in range(3):
            print(f"{step},{values[name]}", file=table, flush=True)
            held.write(scalar("loss", step, values[name]))
        held.flush()
        with open(f"events.out.tfevents.1700000000.host.{os.getpid()}.0", "wb") as named:
            named.write(scalar("named", 0, values[name]))
        for kind, key in (("closed", "step"), ("other", "id")):  # never open under their names
            Path(f"new.{name}").write_text(f"{key},closed\\n1,{values[name]}\\n")
            Path(f"new.{name}").rename(f"{kind}.{name}.csv")
        Path(f"ready.{name}").touch()
        wait_for("go")
"""
    )
    project.task("A", "name: A\n")
    project.task("B", "name: B\n")
    project.submit("A", "B", jobs=2)
    for name in "AB":
        wait_until((project.folder / f"ready.{name}").exists)
        wait_for_metric(project, name, "loss", 3)
        wait_for_metric(project, name, "held", 3)
        wait_for_metric(project, name, "named", 1)
        wait_until(lambda: sum("reason" in fact for fact in facts_of(project.info(name), 1)) == 3)  # noqa: B023
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    for name, value in (("A", 1.0), ("B", 2.0)):
        tracks, messages = metrics_of(project, name)
        assert tracks["loss"] == tracks["held"] == [value] * 3
        assert tracks["named"] == [value]
        assert "closed" not in tracks
        assert sorted(message.split()[0] for message in messages) == ["closed.A.csv", "closed.B.csv"]
        assert "cannot be determined" in messages[0]
        assert b"closed.A.csv" in project.log(name)


def test_alone_in_its_folder(make_project: MakeProject) -> None:
    """A file that is opened for each line belongs to the only run there; old files and data do not."""
    project = make_project(
        HEAD
        + """
print(Path("old.csv").read_text())
for step in range(3):
    with open("results.csv", "a") as stream:
        if step == 0:
            stream.write("epoch,loss\\n")
        stream.write(f"{step},{step / 4}\\n")
    with open("appended.csv", "a") as stream:
        stream.write(f"{step},{step / 8}\\n")
with open("log.jsonl", "w") as stream:
    stream.write(json.dumps({"step": 1, "score": 0.5}) + "\\n")
Path("data.csv").write_text("id,score\\n1,2\\n")
"""
    )
    (project.folder / "old.csv").write_text("step,old\n1,1\n")
    (project.folder / "appended.csv").write_text("step,more\n7,7\n")
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert tracks["loss"] == [0, 0.25, 0.5]
    assert tracks["more"] == [0, 0.125, 0.25]
    assert tracks["score"] == [0.5]
    assert not {"old", "id"} & tracks.keys()
    assert messages == []
    reasons = {fact["path"]: fact["reason"] for fact in facts_of(project.info("A"), 1)}
    assert reasons == dict.fromkeys(["results.csv", "appended.csv", "log.jsonl"], "only run in its folder")


def test_files_in_the_artifacts_folder_of_the_run(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
from pyruns_jupyter import artifact_dir
Path(artifact_dir(), "metrics.csv").write_text(f"step,loss\\n1,{len(name)}\\n")
Path("ready." + name).touch()
wait_for("go")
"""
    )
    project.task("A", "name: x\n")
    project.task("B", "name: xx\n")
    project.submit("A", "B", jobs=2)
    wait_until(lambda: all((project.folder / f"ready.{name}").exists() for name in ("x", "xx")))
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    assert metrics_of(project, "A") == ({"step": [1], "loss": [1]}, [])
    assert metrics_of(project, "B") == ({"step": [1], "loss": [2]}, [])


def test_what_the_script_tracks_wins(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
from pyruns_jupyter import track
with open("events.out.tfevents.1.host", "wb") as stream:
    stream.write(scalar("loss", 1, 9.0) + scalar("acc", 1, 0.5))
    stream.flush()
    wait_for("go")
    track(loss=0.25)
    stream.write(scalar("loss", 2, 9.0) + scalar("acc", 2, 0.75))
"""
    )
    project.task("A")
    project.submit("A")
    wait_for_metric(project, "A", "loss", 1)
    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    info = project.info("A")
    run = runs.latest(info)
    assert run is not None
    assert run.tracks == {"loss": [0.25], "acc": [0.5, 0.75], "step": [1, 2]}
    curves = curves_of_run(info, run, project.paths("A"))
    assert curves["loss"].values == [0.25]
    assert curves["acc"].steps["step"] == [1, 2]


def test_the_same_name_in_two_folders_and_formats(make_project: MakeProject) -> None:
    """Keras writes `epoch_loss` to `train` and to `validation`."""
    project = make_project(
        HEAD
        + """
held = []
for folder, value in (("train", 1.0), ("validation", 2.0)):
    os.makedirs("logs/" + folder)
    held.append(open(f"logs/{folder}/events.out.tfevents.1.host.{os.getpid()}.0.v2", "wb"))
    held[-1].write(scalar("epoch_loss", 1, value))
    held[-1].flush()
    wait_for("go." + folder)
Path("log.csv").write_text("epoch,epoch_loss\\n1,3\\n")
"""
    )
    project.task("A")
    project.submit("A")
    wait_for_metric(project, "A", "epoch_loss", 1)
    (project.folder / "go.train").touch()
    wait_for_metric(project, "A", "validation/epoch_loss", 1)
    (project.folder / "go.validation").touch()
    assert project.wait("A") == ["completed"]
    tracks, _ = metrics_of(project, "A")
    assert tracks["epoch_loss"] == [1.0]
    assert tracks["validation/epoch_loss"] == [2.0]
    assert tracks["csv/epoch_loss"] == [3]


def test_hostile_files_do_not_harm_the_run(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
os.mkfifo("events.out.tfevents.1.fifo")
os.symlink("/etc/passwd", "events.out.tfevents.2.link")
os.mkdir("events.out.tfevents.3.folder")
Path("events.out.tfevents.4.wrong").write_bytes(b"\\xff" * 100000)
Path("empty.csv").write_text("")
Path("run-x.wandb").write_bytes(b":W&B" + b"\\xff" * 100000)
os.symlink(".", "loop")
Path("wrong\\udce4\\n.csv").write_text("step,odd\\n1,2\\n")
Path("good.csv").write_text("step,good\\n1,2\\n")
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert tracks == {"step": [1, 1], "odd": [2], "good": [2]}
    assert sorted(message.split(" (")[0] for message in messages) == [
        "events.out.tfevents.4.wrong",
        "run-x.wandb",
    ]


def test_many_points(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
part = [scalar("loss", step, step % 100) for step in range(1000)]
with open("events.out.tfevents.1.host", "wb") as stream:
    for _ in range(250):
        stream.write(b"".join(part))
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A", timeout=120) == ["completed"]
    info = project.info("A")
    run = runs.latest(info)
    assert run is not None
    curve = curves_of_run(info, run, project.paths("A"), ["loss"])["loss"]
    assert curve.total == 250_000
    assert {*curve.values} == {0, 99}
    (fact,) = facts_of(info, 1)
    assert fact["points"] == 250_000
    assert project.paths("A").info.stat().st_size < 200_000


def test_a_run_without_metric_files_stores_nothing(make_project: MakeProject) -> None:
    project = make_project(HEAD)
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert "metric_sources" not in json.dumps(project.info("A"))
    assert not project.paths("A").journal(1).exists()


def test_a_file_that_the_run_has_open_is_its_own_whoever_starts_later(make_project: MakeProject) -> None:
    """Found first by a scan of the folder, before its descriptors were looked at and the other run began."""
    project = make_project(HEAD)
    for name in ("A", "B"):
        project.task(name)
    files = MetricFiles(
        project.root, project.paths("A").folder, project.folder, project.paths("A").artifact_dir(1), "a"
    )
    files.add_pid(os.getpid())
    path = project.folder / "events.out.tfevents.1.host"
    with path.open("ab") as stream:
        (file,) = files.new_files()
        assert file.reason == ALONE
        other = project.info("B") | {"status": "pending"}
        runs.queue(other, attempt="b", batch="b")
        runs.start(other, attempt="b", command="", workdir=str(project.folder))
        project.paths("B").info.write_text(json.dumps(other))
        stream.write(b"x")
        stream.flush()
        os.utime(path, (time.time() + 5, time.time() + 5))
        files.new_files()
        assert files.shared == {}
    files.new_files()
    assert files.shared == {}  # still, now that it is closed


def test_a_writer_in_another_process_ends_the_source(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(
        HEAD
        + """
with open("events.out.tfevents.1.host", "ab") as stream:
    stream.write(scalar("loss", 1, 1.0))
    stream.flush()
    wait_for("go")
"""
    )
    project.task("A")
    project.submit("A")
    wait_for_metric(project, "A", "loss", 1)
    with (project.folder / "events.out.tfevents.1.host").open("ab"):
        wait_until(
            lambda: any("also writes" in message for message in metrics_of(project, "A")[1]),
            message="the other writer is seen",
        )
    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    assert b"also writes to this file" in project.log("A")


def test_printed_dictionaries_and_the_state_of_a_trainer(make_project: MakeProject) -> None:
    """A checkpoint repeats what was printed and what earlier checkpoints have: each point counts once."""
    project = make_project(
        HEAD
        + """
history = []
def log(step, printed=True, **values):
    history.append({**values, "step": step})
    if printed:
        print(values)
for step in range(1, 4):
    log(step, loss=1 / step, epoch=float(step))
    log(step, printed=False, hidden=step / 2, epoch=float(step))
    folder = Path(f"out/checkpoint-{step}")
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    if step == 2:
        wait_for("go")
"""
    )
    project.task("A")
    project.submit("A")
    wait_for_metric(project, "A", "hidden", 2)
    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert tracks["loss"] == [1, 1 / 2, 1 / 3]
    assert tracks["hidden"] == [0.5, 1, 1.5]
    assert messages == []
    reasons = {fact["format"]: fact["reason"] for fact in facts_of(project.info("A"), 1)}
    assert reasons == {"printed dictionaries": "log of the run", "Trainer state": "only run in its folder"}


@pytest.mark.timeout(400)  # such packages take long to be imported, twice here
def test_two_tasks_with_wandb(make_project: MakeProject) -> None:
    """W&B keeps part of the points back while it runs; the rest is read when the run has ended."""
    pytest.importorskip("wandb")
    project = make_project(
        HEAD
        + """
import wandb
run = wandb.init(mode="offline", project="p", settings=wandb.Settings(silent=True))
for step in range(1500):
    run.log({"loss": step + len(name) / 10})
Path("ready." + name).touch()
wait_for("go")
run.finish()
"""
    )
    project.task("A", "name: x\n")
    project.task("B", "name: xx\n")
    project.submit("A", "B", jobs=2)
    for name in ("A", "B"):
        wait_for_metric(project, name, "loss", 100)
        assert project.status(name) == "running"
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    for name, part in (("A", 0.1), ("B", 0.2)):
        tracks, messages = metrics_of(project, name)
        assert tracks["loss"] == [step + part for step in range(1500)]
        assert tracks["step"] == list(range(1500))
        assert messages == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "mlruns"])
def test_two_tasks_with_mlflow(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    project = make_project(
        HEAD
        + f"""
import fcntl, mlflow
mlflow.set_tracking_uri({uri!r})
with open("lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)  # MLflow itself cannot create a database twice at once
    mlflow.set_experiment("e")
with mlflow.start_run():
    for step in range(10):
        mlflow.log_metrics({{"loss": step + len(name) / 10}}, step=step)
    wait_for("go")
"""
    )
    project.task("A", "name: x\n")
    project.task("B", "name: xx\n")
    project.submit("A", "B", jobs=2)
    for name in ("A", "B"):
        wait_for_metric(project, name, "loss", 10)
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    for name, part in (("A", 0.1), ("B", 0.2)):
        tracks, messages = metrics_of(project, name)
        assert tracks == {"loss": [step + part for step in range(10)], "step": list(range(10))}
        assert messages == []
        (fact,) = facts_of(project.info(name), 1)
        assert fact["reason"] == "tag of the run"


@pytest.mark.parametrize("pattern", ["auto", [r"loss (?P<loss>\S+)", r"^(?P<epoch>\d+) of"]])
def test_metrics_in_the_text_of_the_log(make_project: MakeProject, pattern: Any) -> None:
    """While the run writes; what the script tracks wins; without the setting, no metrics are imported."""
    project = make_project(
        HEAD
        + """
from pyruns_jupyter import track
for epoch in range(3):
    print(f"{epoch} of 3: Epoch {epoch}: loss {epoch / 2}, loss: {epoch / 2}, acc: 0.5")
track(acc=0.75)
wait_for("go")
print("the end: loss 9 or so")
"""
    )
    project.task("A", "name: x\n")
    project.task("B", "name: x\n")
    settings = project.workspace.root / "_pyruns_settings.yaml"
    settings.write_text(json.dumps({"workspaces": {project.workspace.name: {"log_metrics": pattern}}}))
    project.submit("A")
    assert wait_for_metric(project, "A", "loss", 3) == [0, 0.5, 1]
    assert project.status("A") == "running"
    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert tracks["loss"][:3] == [0, 0.5, 1]
    assert tracks["epoch"][:3] == [0, 1, 2]
    assert tracks["acc"] == [0.75]
    assert messages == []
    (fact,) = facts_of(project.info("A"), 1)
    assert (fact["format"], fact["reason"]) == ("log", "log of the run")
    settings.write_text("log_metrics: false\n")
    project.submit("B")
    assert project.wait("B") == ["completed"]
    assert metrics_of(project, "B")[0] == {"acc": [0.75]}


def test_files_that_are_hostile_to_parsers(make_project: MakeProject) -> None:
    """Also where it is not known whose they are: then they are only tried."""
    project = make_project(
        HEAD
        + """
deep = '{"step": 1, "loss": 1, "a": ' + "[" * 900 + "]" * 900 + ', "b": "\\\\ud800"}'
Path(f"deep.{name}.jsonl").write_text(deep + chr(10))
keys = ",".join(f'"{n}": 1' for n in range(2000))
Path(f"wide.{name}.jsonl").write_text('{"step": 1, "' + chr(0x1F600) * 280 + '": {' + keys + "}}" + chr(10))
Path(f"ready.{name}").touch()
wait_for("go")
"""
    )
    project.task("A", "name: A\n")
    project.task("B", "name: B\n")
    project.submit("A", "B", jobs=2)
    wait_until(lambda: all((project.folder / f"ready.{name}").exists() for name in "AB"))
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    (project.folder / "go").unlink()
    project.task("C", "name: C\n")
    project.submit("C")
    wait_until((project.folder / "ready.C").exists)
    (project.folder / "go").touch()
    assert project.wait("C") == ["completed"]
    tracks, (message,) = metrics_of(project, "C")
    assert tracks["loss"] == [1]
    assert message.startswith("wide.C.jsonl ")
    assert "more than 1 MiB" in message


def test_times_that_are_not_valid(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
with open("events.out.tfevents.1.host", "wb") as stream:
    for step, moment in enumerate((float("nan"), float("inf"), -1.0, 1e300, 1.7e9)):
        stream.write(scalar("loss", step, step, moment))
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert metrics_of(project, "A")[0]["loss"] == [0, 1, 2, 3, 4]


@pytest.mark.timeout(400)
def test_two_tasks_with_trackio(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackio")
    monkeypatch.delenv("TRACKIO_DIR", raising=False)
    project = make_project(
        HEAD
        + """
import trackio
trackio.init(project="p", name="n", embed=False)
for step in range(100):
    trackio.log({"loss": step + len(name) / 10, "deep": {"acc": step / 100}, "odd": float("nan")})
wait_for("go")
trackio.log({"loss": 7.0})
trackio.finish()
"""
    )
    project.task("A", "name: x\n")
    project.task("B", "name: xx\n")
    project.submit("A", "B", jobs=2)
    for name in ("A", "B"):
        wait_for_metric(project, name, "loss", 100)
        assert project.status(name) == "running"
    (project.folder / "go").touch()
    assert project.wait("A", "B") == ["completed", "completed"]
    for name, part in (("A", 0.1), ("B", 0.2)):
        tracks, messages = metrics_of(project, name)
        assert tracks["loss"] == [*(step + part for step in range(100)), 7.0]
        assert tracks["deep/acc"] == [step / 100 for step in range(100)]
        assert messages == []
        (fact,) = facts_of(project.info(name), 1)
        assert fact["reason"] in ("artifacts folder", "open file")


def test_a_database_of_trackio_elsewhere_is_not_read(make_project: MakeProject) -> None:
    """Other runs write to it as well."""
    project = make_project(
        HEAD
        + """
import sqlite3
os.mkdir("trackio")
database = sqlite3.connect("trackio/p.db")
database.execute("CREATE TABLE metrics (run_name, timestamp, step, metrics)")
database.execute("INSERT INTO metrics VALUES ('n', '', 1, '{\\"loss\\": 1}')")
database.commit()
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert metrics_of(project, "A") == ({}, [])
