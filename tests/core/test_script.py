"""What a script calls, in processes of their own: inside a task, outside, and under the other program's
runner.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import script
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.metrics.aggregate import read_journal
from pyruns_jupyter.core.metrics.journal import entries
from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task

from .making import one_task, script_workspace

VARIABLES = ("PYRUNS_TASK_DIR", "PYRUNS_RUN_INDEX", "__PYRUNS_CONFIG__", "__PYRUNS_ROOT__")


def run(code: str, cwd: Path, name: str = "main.py", **environment: str) -> str:
    """Run a script file and return what it prints."""
    path = cwd / name
    path.write_text(code, encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)], cwd=cwd, env={**clean, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task whose run 2 is this process."""
    folder = one_task(script_workspace(tmp_path / "p"))
    (folder / "config.yaml").write_text(
        "lr: 1e-3\nwhen: 12:30\ntraining:\n  layers: [64, {size: 2}]\n  lr: 5\n"
    )
    monkeypatch.setenv("PYRUNS_TASK_DIR", str(folder))
    monkeypatch.setenv("PYRUNS_RUN_INDEX", "2")
    monkeypatch.setenv("__PYRUNS_CONFIG__", str(folder / "config.yaml"))
    return folder


def test_the_configuration_of_a_task(task: Path) -> None:
    config = script.load("ignored.yaml")
    assert (config.lr, config["when"]) == (0.001, "12:30")
    assert config.training.lr == 5
    assert config.training.layers[1].size == 2
    assert "training" in config
    assert config.to_dict() == {
        "lr": 0.001,
        "when": "12:30",
        "training": {"layers": [64, {"size": 2}], "lr": 5},
    }
    assert type(config.to_dict()["training"]) is dict
    assert dict(config.training.items()) == {"layers": [64, {"size": 2}], "lr": 5}
    assert repr(config).startswith("Config({'lr': 0.001")
    stored = pickle.dumps(config)
    assert pickle.loads(stored) == copy.deepcopy(config) == config
    # Checkpoints of models hold configurations: where the class is written down may change.
    assert b"pyruns_jupyter" in stored and b"pyruns_jupyter.core" not in stored
    assert json.loads(json.dumps(config)) == config
    assert dict(**config) == config
    assert config.get("nope", 3) == 3
    config.training.layers.append(3)
    assert len(script.load().training.layers) == 2
    config.update({"late": {"x": [{"y": 1}]}}, lr=2)
    assert (config.late.x[0].y, config.lr) == (1, 2)
    assert config.setdefault("late", 5) is config.late
    assert (config | {"z": {"q": 1}}).z.q == 1
    assert config.copy() == config
    assert config.copy().training is not config.training
    assert not hasattr(config, "nope")
    del config.late
    config.new = {"a": 1}
    assert config.new.a == 1
    with pytest.raises(AttributeError, match="Did you mean 'training'"):
        _ = config.trainig
    with pytest.raises(KeyError, match=r"The configuration has no key 'trainig'\. Did you mean 'training'"):
        _ = config["trainig"]
    with pytest.raises(AttributeError, match="no key 'gone'"):
        del config.gone
    assert str(script.MissingKeyError("A sentence.")) == "A sentence."
    (task / "config.yaml").write_text("1: one\nlr: 0.5\ntwice: ${lr}${1}\n")
    assert (script.load()[1], script.load().twice) == ("one", "0.5one")  # type: ignore[index]
    (task / "config.yaml").write_text("a: [1")
    with pytest.raises(InvalidInput, match=r"config\.yaml"):
        script.load()


def test_the_environment_of_a_script_need_not_have_msgspec(task: Path) -> None:
    code = """
import sys
sys.modules["msgspec"] = None
import pyruns_jupyter as pyruns
print(pyruns.load().lr)
pyruns.track(step=1, loss=0.5)
pyruns.record(acc=pyruns.checkpoint_dir() is not None)
from pathlib import Path
from pyruns_jupyter.core.taskfile.task_file import read_task
print(read_task(Path(pyruns.get_task_dir())).get("status"))
import pyruns_jupyter.core.metrics.peer_run  # which writes for the program `pyruns`
"""
    values = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    assert run(code, task.parents[3], **values).split() == ["0.001", "pending"]


def test_places_of_a_task(task: Path) -> None:
    assert script.get_task_dir() == str(task)
    assert script.get_run_index() == 2
    assert script.artifact_dir() == str(task / "artifacts" / "run2")
    assert (task / "artifacts" / "run2").is_dir()


def test_points_and_figures_reach_the_journal(task: Path) -> None:
    script.track(loss=0.5, step=1)
    script.track({"loss": 0.25}, step=2)
    script.record(acc=0.9, note="ok", table={"a": [1, None, True]})
    script.record(acc=0.95)
    script.track()
    records, tracks = read_journal(TaskPaths(task).journal(2))
    assert tracks == {"loss": [0.5, 0.25], "step": [1, 2]}
    assert records == {"acc": 0.95, "note": "ok", "table": {"a": [1, None, True]}}


def test_scalars_of_other_libraries(task: Path) -> None:
    class Scalar:
        def __init__(self, value: Any) -> None:
            self.value = value

        def item(self) -> Any:
            if isinstance(self.value, list):
                raise ValueError("only one element tensors can be converted")
            return self.value

    script.track(loss=Scalar(0.5), nested=[Scalar(1)])
    assert read_journal(TaskPaths(task).journal(2))[1] == {"loss": [0.5], "nested": [[1]]}
    script.track(loss=Fraction(1, 4), step=Decimal("2.5"))
    assert read_journal(TaskPaths(task).journal(2))[1]["loss"] == [0.5, 0.25]
    for value, words in (
        (Scalar([1, 2]), "several"),
        (object(), "object"),
        ({1: {2: Path()}}, "Path"),
        (b"x", "bytes"),
    ):
        with pytest.raises(InvalidInput, match=words) as caught:
            script.record(bad=value)
        assert isinstance(caught.value, TypeError)
        assert caught.value.field == "bad"
    with pytest.raises(TypeError, match="of type str"):
        script.track("loss")
    with pytest.raises(TypeError, match="must be a name"):
        script.track({"loss": 1}, 5)
    with pytest.raises(TypeError, match="needs named values"):
        script.track(0.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="artifact_dir"):
        script.record(model="x" * 2_000_000)
    with pytest.raises(InvalidInput, match="digits"):
        script.track(huge=10**6000)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidInput, match="deeply"):
        script.track(loop=loop)
    assert read_journal(TaskPaths(task).journal(2))[0] == {}


def test_values_and_keys_of_every_kind(task: Path) -> None:
    script.record(
        {"a b/ü\n\"": 1, 7: "seven", None: 0, "": True}, big=10**4000, tiny=5e-324, nothing=None,  # type: ignore[dict-item]
        inf=float("-inf"), text="ä\U0001f600", deep={"x": [{1: (1, 2)}]},
    )  # fmt: skip
    assert read_journal(TaskPaths(task).journal(2))[0] == {
        "a b/ü\n\"": 1, "7": "seven", "None": 0, "": True, "big": 10**4000, "tiny": 5e-324, "nothing": None,
        "inf": float("-inf"), "text": "ä\U0001f600", "deep": {"x": [{"1": [1, 2]}]},
    }  # fmt: skip
    script.track({})
    script.track(None)
    script.track({"step": 1}, step=2)
    assert read_journal(TaskPaths(task).journal(2))[1] == {"step": [2]}


def test_numpy_scalars(task: Path) -> None:
    numpy = pytest.importorskip("numpy")
    script.track(
        loss=numpy.float32(0.5), wide=numpy.float64(0.25), step=numpy.int64(3), zero=numpy.array(1.5)
    )
    assert read_journal(TaskPaths(task).journal(2))[1] == {
        "loss": [0.5],
        "wide": [0.25],
        "step": [3],
        "zero": [1.5],
    }


def test_a_script_that_closes_all_files_harms_none(task: Path) -> None:
    code = (
        "import os, pyruns_jupyter as p\np.track(a=1)\nos.closerange(3, 200)\n"
        "stream = open('mine.txt', 'w')\np.track(a=2)\nstream.write('x'); stream.close()\np.track(a=3)\n"
    )
    run(code, task, PYRUNS_TASK_DIR=str(task), PYRUNS_RUN_INDEX="1")
    assert read_journal(TaskPaths(task).journal(1))[1] == {"a": [1, 2, 3]}
    assert (task / "mine.txt").read_text() == "x"


def test_outside_a_task(tmp_path: Path) -> None:
    code = (
        "import pyruns_jupyter as p\np.track(a=1); p.record(b=2)\n"
        "print(p.get_task_dir(), p.get_run_index(), p.artifact_dir(), p.load('other.yaml').x)\n"
        "p.read('other.yaml'); print(p.load().x)\n"
    )
    (tmp_path / "other.yaml").write_text("x: 7\n")
    printed = run(code, tmp_path)
    assert printed.split() == ["None", "None", str(tmp_path / "artifacts" / "run1"), "7", "7"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "main.py", "other.yaml"]


def test_where_load_looks_outside_a_task(tmp_path: Path) -> None:
    code = "import pyruns_jupyter as p\ntry:\n    print(p.load().x)\nexcept Exception as e:\n    print(e)\n"
    assert "main.py" in run(code, tmp_path)
    (tmp_path / "config.yaml").write_text("x: beside\n")
    assert run(code, tmp_path).strip() == "beside"
    (tmp_path / "_pyruns_" / "main").mkdir(parents=True)
    (tmp_path / "_pyruns_" / "main" / "config_default.yaml").write_text("x: workspace\n")
    assert run(code, tmp_path).strip() == "workspace"
    with pytest.raises(NotFound):
        script.load(tmp_path / "none.yaml")


def test_under_the_other_programs_runner(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    code = (
        "import pyruns_jupyter as p\np.track(loss=1, step=1); p.track(loss=2)\n"
        "p.record(acc=1); p.record(acc=2)\n"
        "print(p.get_task_dir(), p.get_run_index(), p.load().lr)\n"
    )
    (folder / ".pyruns-input-x.yaml").write_text("lr: 0.5\n")
    printed = run(
        code, tmp_path, PYRUNS_RUN_INDEX="2", __PYRUNS_ROOT__=str(workspace.folder),
        __PYRUNS_CONFIG__=str(folder / ".pyruns-input-x.yaml"),
    )  # fmt: skip
    assert printed.split() == [str(folder), "2", "0.5"]
    info = read_task(folder)
    assert info["tracks"] == [{}, {"loss": [1, 2], "step": [1]}]
    assert info["records"] == [{}, {"acc": 2}]
    assert not TaskPaths(folder).journal(2).exists()


def test_many_points_under_the_other_programs_runner(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    code = "import pyruns_jupyter as p\nfor n in range(30_000): p.track(step=n)\np.record(acc=1)\n"
    (folder / ".pyruns-input-x.yaml").write_text("lr: 0.5\n")
    for _ in range(2):  # as two processes of the run, one after the other
        run(
            code, tmp_path, PYRUNS_RUN_INDEX="1", __PYRUNS_ROOT__=str(workspace.folder),
            __PYRUNS_CONFIG__=str(folder / ".pyruns-input-x.yaml"),
        )  # fmt: skip
    info = read_task(folder)
    steps = info["tracks"][0]["step"]
    assert 2000 < len(steps) <= 3000
    assert (steps[0], steps[-1]) == (0, 29_999)
    assert info["records"][0] == {"acc": 1}
    info["run_statuses"] = ["completed"]
    found = run_metrics(info, runs.runs(info)[0], TaskPaths(folder))
    assert found.tracks["step"] == [*range(30_000)] * 2
    # Once the points are stored elsewhere, ours go into the journal.
    with edit_task(folder) as changed:
        changed["track_store"] = {"version": 1, "generation": "x", "max_run_index": 1}
    run(
        "import pyruns_jupyter as p\np.track(late=1)\n", tmp_path, PYRUNS_RUN_INDEX="1",
        __PYRUNS_ROOT__=str(workspace.folder), __PYRUNS_CONFIG__=str(folder / ".pyruns-input-x.yaml"),
    )  # fmt: skip
    assert read_journal(TaskPaths(folder).journal(1))[1]["late"] == [1]
    assert "late" not in read_task(folder)["tracks"][0]


def test_lost_points_are_told_once_and_kill_nobody(tmp_path: Path) -> None:
    code = (
        "import warnings, pyruns_jupyter as p\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n    p.track(a=1); p.track(a=2)\n"
        "print(len(caught), caught[0].filename == __file__)\n"
    )
    gone = str(tmp_path / "gone" / "task")
    assert run(code, tmp_path, PYRUNS_TASK_DIR=gone, PYRUNS_RUN_INDEX="1").split() == ["1", "True"]


def test_importing_the_package_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, pyruns_jupyter as p\np.load, p.track\n"
        "print([name for name in ('yaml', 'psutil', 'IPython', 'tornado', 'jupyter_server', 'anywidget')"
        " if name in sys.modules])\n"
    )
    assert run(code, tmp_path).strip() == "[]"


def test_ranks_of_one_task_write_at_once(task: Path) -> None:
    code = "import sys, pyruns_jupyter as p\nfor i in range(500): p.track({f'r{sys.argv[1]}': i})\n"
    path = task / "rank.py"
    path.write_text(code)
    ranks = [subprocess.Popen([sys.executable, str(path), str(rank)]) for rank in range(3)]
    assert [rank.wait(120) for rank in ranks] == [0, 0, 0]
    tracks = read_journal(TaskPaths(task).journal(2))[1]
    assert tracks == {f"r{rank}": list(range(500)) for rank in range(3)}


def test_processes_of_one_script(task: Path) -> None:
    """Children by fork and by spawn, threads, and a configuration that travels to them."""
    code = """
import multiprocessing, os, threading
import pyruns_jupyter as pyruns

def work(rank, config):
    os.environ["RANK"] = str(rank)
    os.chdir("/")
    for step in range(config.steps):
        pyruns.track({f"rank{rank}": step})
    with open(os.path.join(pyruns.artifact_dir(), f"{rank}.txt"), "w") as stream:
        stream.write(pyruns.load().training.layers[1].name)

if __name__ == "__main__":
    config = pyruns.load()
    pyruns.track(parent=0)
    children = []
    for rank, kind in enumerate(("fork", "spawn", "fork", "forkserver")):
        context = multiprocessing.get_context(kind)
        children.append(context.Process(target=work, args=(rank, config)))
    threads = [threading.Thread(target=work, args=(rank, config)) for rank in (4, 5)]
    for one in (*children, *threads):
        one.start()
    for one in (*children, *threads):
        one.join()
    assert [child.exitcode for child in children] == [0] * 4
    pyruns.track(parent=1)
"""
    (task / "config.yaml").write_text("steps: 300\ntraining: {layers: [1, {name: deep}]}\n")
    run(
        code,
        task,
        PYRUNS_TASK_DIR=str(task),
        PYRUNS_RUN_INDEX="1",
        __PYRUNS_CONFIG__=str(task / "config.yaml"),
    )
    journal = TaskPaths(task).journal(1)
    tracks = read_journal(journal)[1]
    assert tracks == {"parent": [0, 1], **{f"rank{rank}": [*range(300)] for rank in range(6)}}
    lines = entries(journal.read_bytes())
    for rank in range(4):  # threads share one environment
        assert {line["r"] for line in lines if f"rank{rank}" in line["track"]} == {rank}
        assert (task / "artifacts" / "run1" / f"{rank}.txt").read_text() == "deep"


def test_a_fork_while_another_thread_tracks(task: Path) -> None:
    code = """
import os, threading
import pyruns_jupyter as pyruns

def track():
    for step in range(2000):
        pyruns.track(thread=step)

pyruns.track(first=1)
thread = threading.Thread(target=track)
thread.start()
children = []
for number in range(20):
    child = os.fork()
    if not child:
        pyruns.track(child=number)
        os._exit(0)
    children.append(child)
thread.join()
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 20
"""
    # Newer Pythons warn of forks beside threads.
    run("import warnings\nwarnings.simplefilter('ignore')\n" + code, task, PYRUNS_TASK_DIR=str(task))
    tracks = read_journal(TaskPaths(task).journal(1))[1]
    assert tracks["thread"] == list(range(2000))
    assert sorted(tracks["child"]) == list(range(20))


def test_a_daemon_outlives_the_run(task: Path) -> None:
    """The journal goes at the end of the run; what comes later is in a new one."""
    code = (
        "import os, pyruns_jupyter as p\np.track(a=1)\n"
        "os.unlink(os.environ['PYRUNS_TASK_DIR'] + '/run_logs/run1.journal.jsonl')\np.track(a=2)\n"
    )
    run(code, task, PYRUNS_TASK_DIR=str(task), PYRUNS_RUN_INDEX="1")
    assert read_journal(TaskPaths(task).journal(1))[1] == {"a": [2]}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(task: Path) -> None:
    (task / "run_logs").mkdir(exist_ok=True)
    (task / "run_logs").chmod(0o500)
    with pytest.warns(RuntimeWarning, match="Permission denied"):
        script.track(a=1)


def test_a_full_disk_stops_no_script(task: Path) -> None:
    code = """
import resource, signal, sys
import pyruns_jupyter as p
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
for step in range(200):
    p.track(step=step)
p.record(acc=1)
print("end")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYRUNS_TASK_DIR": str(task), "PYRUNS_RUN_INDEX": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "end\n"
    assert done.stderr.count("could not store its values") == 1
    steps = read_journal(TaskPaths(task).journal(1))[1]["step"]
    assert steps == list(range(len(steps)))
    assert steps


def test_the_first_use_is_cheap_and_leaves_nothing_behind(task: Path) -> None:
    code = """
import os, sys, threading
import pyruns_jupyter as p
assert "pyruns_jupyter.script" not in sys.modules
p.track(a=1)
heavy = {"yaml", "psutil", "IPython", "tornado", "jupyter_server", "anywidget", "sqlite3", "asyncio"}
print(sorted(heavy & set(sys.modules)), threading.active_count())
p.load()
print(sorted((heavy - {"yaml"}) & set(sys.modules)), threading.active_count())
"""
    printed = run(
        code,
        task,
        PYRUNS_TASK_DIR=str(task),
        PYRUNS_RUN_INDEX="1",
        __PYRUNS_CONFIG__=str(task / "config.yaml"),
    )
    assert printed == "[] 1\n[] 1\n"
