"""The launcher `pyruns` of Hydra, with the real Hydra, scheduler and processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.export.archive import pack, unpack
from pyruns_jupyter.engine.queue.options import OPTIONS
from tests.engine.support import stop_everything
from tests.support import wait_until

pytestmark = pytest.mark.skipif(not find_spec("hydra"), reason="hydra-core is not installed")

SECONDS = 90.0
PLUGINS = Path(__file__).with_name("plugins")
# Its classes, resolver and callback exist only in the script itself.
SCRIPT = """\
import logging
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import OmegaConf


@dataclass
class Adam:
    beta: float = 0.9


@dataclass
class Settings:
    optimizer: Adam = field(default_factory=Adam)
    lr: float = 0.1
    title: str = "x"
    twice: float = "${double:${lr}}"
    gate: str = ""
    extra: dict = field(default_factory=dict)


class Recorder(Callback):
    def __init__(self, path):
        self.path, self.seen = path, []

    def note(self, event):
        self.seen.append(event)
        with open(self.path, "a") as file:
            file.write(" ".join(self.seen) + "\\n")

    def on_multirun_start(self, config, **given):
        self.note("multirun")

    def on_job_start(self, config, **given):
        self.note("start" + str(config.hydra.job.num))

    def on_job_end(self, config, job_return, **given):
        self.note("end=" + str(job_return.return_value))


OmegaConf.register_new_resolver("double", lambda value: 2 * value)
ConfigStore.instance().store("settings", Settings)
ConfigStore.instance().store("wide", Adam(beta=0.5), group="optimizer")


@hydra.main(version_base="1.3", config_path=None, config_name="settings")
def main(cfg):
    logging.getLogger("job").info("lr is %s", cfg.lr)
    assert isinstance(OmegaConf.to_object(cfg), Settings)
    assert HydraConfig.get().mode.name == "MULTIRUN"
    # The configurations of the application can be composed in a job.
    assert hydra.compose("settings", ["lr=7"]).lr == 7
    if cfg.gate:
        open(cfg.gate + f".{HydraConfig.get().job.num}", "w").close()
        while not os.path.exists(cfg.gate):
            time.sleep(0.02)
    if cfg.lr > 5:
        raise ValueError(f"{cfg.title} is too fast")
    if cfg.title == "exit":
        sys.exit()
    print("arguments", sys.argv[1:], "in", os.getcwd())
    if cfg.title == "function":
        return lambda: 0
    return (n for n in ()) if cfg.title == "generator" else cfg.twice


if __name__ == "__main__":
    main()
"""


@dataclass
class App:
    """A folder with a script, and the processes that were started there."""

    folder: Path

    def start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        start = [] if words[0] == "-m" else ["train.py", "-m"]
        return subprocess.Popen(
            [sys.executable, *start, *words, "hydra/launcher=pyruns"],
            cwd=cwd or self.folder,
            env={**os.environ, "PYTHONPATH": str(PLUGINS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, cwd: Path | None = None) -> tuple[int, str]:
        """Run a multirun and return its exit code and output."""
        process = self.start(*words, cwd=cwd)
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.folder / "train.py")

    def tasks(self) -> list[Task]:
        return list(self.workspace.tasks(sort="name"))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    yield App(folder)
    stop_everything(folder)


def contents(folder: Path) -> dict[str, str]:
    """The files below a folder; times and lines of the launcher itself are left out."""
    return {
        str(path.relative_to(folder)): re.sub(r"\[\d{4}-[^]]*\]", "", path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_jobs_are_tasks_of_the_script_and_their_folders_are_those_of_hydra(app: App) -> None:
    words = ["lr=0.25,0.5", "title='a, b'", "+optimizer=wide", "+extra.deep=[1,2]", "hydra.job.chdir=true"]
    basic = [sys.executable, "train.py", "-m", *words, "hydra.sweep.dir=basic"]
    subprocess.run(basic, cwd=app.folder, check=True, capture_output=True, timeout=SECONDS)
    status, output = app.run(*words, "hydra.sweep.dir=tasks", "hydra.launcher.jobs=2")
    assert status == 0, output
    assert "#1 : lr=0.5" in output and "train_2_lr=0.5" in output

    first, second = app.tasks()
    assert [first.name, second.name] == ["train_1_lr=0.25", "train_2_lr=0.5"]
    assert [first.row.swept, second.row.swept] == [{"lr": 0.25}, {"lr": 0.5}]
    assert second.config == {
        **app.workspace.sweep("{}")[0],
        "lr": 0.5,
        "title": "a, b",
        "optimizer": "wide",
        "+extra.deep": [1, 2],
    }
    assert app.workspace.tasks("optimizer:wide").names == [first.name, second.name]
    assert [task.value() for task in (first, second)] == [0.5, 1.0]
    assert app.workspace.tasks("lr>0.3").names == [second.name]
    assert "arguments ['lr=0.25', " in first.log()
    assert f"in {app.folder / 'tasks' / '0'}" in first.log()

    expected, found = contents(app.folder / "basic"), contents(app.folder / "tasks")
    assert found.keys() == expected.keys() and "1/.hydra/hydra.yaml" in found and "1/train.log" in found
    for name in expected:
        if not name.endswith(("hydra.yaml", "multirun.yaml")):
            assert found[name] == expected[name], name
    for job in ("0", "1"):
        theirs, ours = (parse_config(one[f"{job}/.hydra/hydra.yaml"])["hydra"] for one in (expected, found))
        assert isinstance(theirs, dict) and isinstance(ours, dict)
        assert ours["launcher"].pop("jobs") == 2
        assert ours["overrides"]["hydra"][-1] == theirs["overrides"]["hydra"][-1] == "hydra.mode=MULTIRUN"
        for config in (theirs, ours):  # what was given differently
            del config["launcher"], config["sweep"]["dir"], config["overrides"]["hydra"]
            del config["runtime"]["output_dir"], config["runtime"]["choices"]["hydra/launcher"]
        assert ours == theirs and ours["mode"] == "MULTIRUN" and ours["job"]["num"] == int(job)


def test_a_failed_job_fails_the_multirun_after_the_others(app: App) -> None:
    status, output = app.run("lr=9,0.5", "hydra.launcher.name=rates")
    assert status == 1
    assert "ValueError: x is too fast" in output and "in main" in output
    failed, completed = app.tasks()
    assert (failed.name, failed.status, completed.status) == ("rates_1_lr=9", "failed", "completed")
    assert failed.row.message == "ValueError: x is too fast"
    assert "job_runner" not in failed.log()
    assert completed.value() == 1.0


def test_a_job_that_ends_its_process_has_no_return_value(app: App) -> None:
    status, output = app.run("title=exit")
    assert status == 1
    assert "ended without a return value" in output
    assert [task.status for task in app.tasks()] == ["completed"]


def test_a_sweeper_reads_return_values_and_failures(app: App) -> None:
    status, output = app.run("hydra/sweeper=two_rounds", "title=y", "hydra.launcher.jobs=3")
    assert status == 0, output
    assert "failed: [9.0]" in output
    results = dict(re.findall(r"result: (\S+) (\S+) ", output))
    assert results == {"0.1": "0.2", "0.4": "0.8", "0.05": "0.1"}
    assert f"['title=y', 'lr=0.05'] {app.folder} train\n" in output
    assert [task.name for task in app.tasks()] == [
        *("train_1_lr=0.1", "train_2_lr=0.4", "train_3_lr=9.0", "train_4_lr=0.05"),
    ]
    assert {task.name[6]: task.row.swept for task in app.tasks()}["4"] == {"lr": 0.05}


def test_a_detached_multirun_ends_before_its_jobs(app: App) -> None:
    gate = app.folder / "go"
    status, output = app.run("lr=0.5,0.25", f"gate={gate}", "hydra.launcher.wait=false")
    assert status == 0, output
    assert {task.status for task in app.tasks()} <= {"queued", "running"}
    gate.touch()
    app.workspace.wait(timeout=SECONDS)
    assert [task.value() for task in app.tasks()] == [1.0, 0.5]
    assert len(list((app.folder / "multirun").glob("*/*/?/.hydra/config.yaml"))) == 2


def test_a_sweeper_that_may_read_results_cannot_be_detached(app: App) -> None:
    status, output = app.run("hydra/sweeper=two_rounds", "hydra.launcher.wait=false")
    assert status == 1
    assert "hydra.launcher.wait=false cannot be used with TwoRoundsSweeper" in output
    assert "Traceback" not in output
    assert app.tasks() == []


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_the_jobs_continue_when_the_multirun_ends(app: App, sent: signal.Signals) -> None:
    gate = app.folder / "go"
    process = app.start("lr=0.5,0.25", f"gate={gate}")
    wait_until(gate.with_name("go.0").exists, SECONDS)
    process.send_signal(sent)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert ("The jobs continue as tasks" in output) == (sent == signal.SIGINT)
    assert [task.status for task in app.tasks()] == ["running", "queued"]
    gate.touch()
    app.workspace.wait(timeout=SECONDS)
    assert [task.value() for task in app.tasks()] == [1.0, 0.5]


def test_the_options_are_those_of_a_batch(app: App) -> None:
    from hydra_plugins.pyruns_launcher import PyrunsLauncherConf

    assert [one.name for one in fields(PyrunsLauncherConf)] == ["_target_", "wait", "name", *OPTIONS]
    gate = app.folder / "go"
    options = {"jobs": 2, "priority": 5, "time_limit": "2h", "retries": 1, "resume": "true", "gpus": 0}
    words = [f"hydra.launcher.{name}={value}" for name, value in options.items()]
    alerts = "hydra.launcher.alerts=['loss is nan -> stop']"
    status, output = app.run("lr=0.5,1", f"gate={gate}", *words, alerts, "hydra.launcher.wait=false")
    assert status == 0, output
    [batch] = app.workspace.queue.batches
    assert batch.options.to_dict() == {
        **options,
        "time_limit": 7200.0,
        "resume": True,
        "alerts": ["loss is nan -> stop"],
    }
    gate.touch()
    app.workspace.wait(timeout=SECONDS)


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("hydra.launcher.gpus=many", "gpus must be a whole number from 0 to 64, not 'many'."),
        ("hydra.launcher.retry_delay=5", "retry_delay has no effect without retries."),
        ("hydra.launcher.name=a/b", "Invalid task name 'a/b': the character '/' is not allowed."),
        ("hydra.launcher.gpu=1", "Key 'gpu' not in 'PyrunsLauncherConf'"),
    ],
)
def test_an_invalid_option_creates_no_task(app: App, word: str, problem: str) -> None:
    status, output = app.run("lr=0.5,1", word)
    assert status == 1
    assert problem in output and "Traceback" not in output
    assert app.tasks() == []


def test_callbacks_are_called_as_by_hydra(app: App) -> None:
    record = app.folder / "events"
    callback = f"+hydra.callbacks.one={{_target_: __main__.Recorder, path: {record}}}"
    status, output = app.run("lr=0.5,0.25", callback)
    assert status == 0, output
    # The callback of a job has the state that it had when the multirun started.
    assert record.read_text().splitlines() == [
        "multirun",
        *("multirun start0", "multirun start0 end=1.0"),
        *("multirun start1", "multirun start1 end=0.5"),
    ]


def test_a_run_again_is_the_job_and_a_copy_is_a_task_of_its_own(app: App) -> None:
    status, output = app.run("lr=0.5,0.25", "hydra.sweep.dir=sweep")
    assert status == 0, output
    task = app.tasks()[0]
    config = app.folder / "sweep" / "0" / ".hydra" / "config.yaml"
    config.unlink()
    assert task.run().wait(timeout=SECONDS).status == "completed", task.log()
    assert config.exists() and task.value(2) == 1.0

    config.unlink()
    copy = task.duplicate("copy")
    assert not (copy.folder / "hydra_job.pkl").exists()
    # As an ordinary task it is not a multirun, which the script refuses.
    assert copy.run().wait(timeout=SECONDS).status == "failed"
    assert "AssertionError" in copy.log() and "'lr=0.5'" in str(copy.log())
    assert not config.exists()
    assert (copy.folder / "artifacts" / "run1" / ".hydra" / "config.yaml").exists()


def test_a_job_from_an_archive_is_not_loaded(app: App, tmp_path: Path) -> None:
    status, output = app.run("lr=0.5")
    assert status == 0, output
    [task] = app.tasks()
    assert task.name == "train_1"
    target = tmp_path / "target"
    target.mkdir()
    (target / "train.py").write_text(SCRIPT, encoding="utf-8")
    with (tmp_path / "t.zip").open("wb") as stream:
        pack(task.workspace.folder, [task.name], stream)
    theirs = Workspace(unpack(tmp_path / "t.zip", target).workspace)[task.name]
    try:
        assert theirs.run().wait(timeout=SECONDS).status == "failed"
        assert "comes from an archive and is not loaded" in theirs.log()
        (theirs.folder / "hydra_job.pkl").unlink()
        assert theirs.run().wait(timeout=SECONDS).status == "failed"
        assert "hydra_job.pkl of this task is missing" in theirs.log()
    finally:
        stop_everything(target)


def test_what_cannot_be_pickled_is_none_for_the_sweeper(app: App) -> None:
    status, output = app.run("title=generator,function")
    assert status == 0, output
    first, second = app.tasks()
    assert first.value() is None and "The return value (generator) cannot be pickled" in first.log()
    assert second.value()() == 0


def test_a_script_that_does_not_reach_its_function_fails(app: App) -> None:
    assert app.run("lr=0.5")[0] == 0
    [task] = app.tasks()
    (app.folder / "train.py").write_text("print('empty')\n", encoding="utf-8")
    assert task.run().wait(timeout=SECONDS).status == "failed"
    assert "ended without calling a function with hydra.main" in task.log()


# Its absolute import works only if the script starts as a module.
PACKAGE = {
    "__init__.py": "",
    "model.py": "SCALE = 3\n",
    "train.py": "import hydra\nfrom project.model import SCALE\n"
    "@hydra.main(version_base='1.3', config_path='conf', config_name='config')\n"
    "def main(cfg):\n    return SCALE * cfg.lr\n"
    "if __name__ == '__main__':\n    main()\n",
    "conf/config.yaml": "lr: 1\n",
}


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_module_of_a_package_in_another_folder(tmp_path: Path, snapshot: bool) -> None:
    package = tmp_path / "project"
    for name, text in PACKAGE.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    app = App(package)
    if snapshot:
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
        workspace = app.workspace
        (workspace.folder.root / "_pyruns_settings.yaml").write_text("snapshot_code: true\n")
    try:
        words = ["-m", "project.train", "-m", "lr=2,4", "hydra.sweep.dir=sweep"]
        status, output = app.run(*words, cwd=tmp_path)
        assert status == 0, output
        assert [task.value() for task in app.tasks()] == [6, 12]
        assert (tmp_path / "sweep" / "1" / ".hydra" / "config.yaml").read_text() == "lr: 4\n"
        assert not (package / "sweep").exists()
        if snapshot:
            assert "project/train.py" in app.tasks()[0].code()
    finally:
        stop_everything(tmp_path)


def test_the_launcher_does_not_slow_down_other_applications() -> None:
    program = (
        "import sys; from hydra.core.plugins import Plugins; Plugins.instance();"
        "print(*(name for name in sys.modules if name.startswith('pyruns_jupyter.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded: list[Any] = done.stdout.split()
    assert "pyruns_jupyter.engine.queue.options" in loaded
    rare = ("pyruns_jupyter.api", "pyruns_jupyter.core.scripts", "pyruns_jupyter.core.tasks")
    assert [name for name in loaded if name.startswith(rare)] == []
