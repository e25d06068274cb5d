"""The executor of the demo: simulated runs are claimed, logged, stopped and ended like real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support import EXAMPLES, ROOT

# Hours of many runs are lived through by one process, which never waits.
pytestmark = pytest.mark.timeout(600)

LIVED = Path(__file__).with_name("lived.py")
PATHS = [str(ROOT / "demo"), str(ROOT / "demo" / "standins"), str(ROOT)]


def _run(*words: str) -> str:
    """Run Python with the stand-ins, which a test process must not have, and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    found: dict[str, Any] = json.loads(_run(str(LIVED), str(EXAMPLES), str(home)))
    return found


def test_a_run_completes_with_its_log_metrics_and_artifacts(told: dict[str, Any]) -> None:
    good = told["tasks"]["good"]
    assert good["status"] == "completed"
    assert good["points"] == 10
    assert good["figures"]["acc"] > 0.5
    assert "Source git none" in good["log"]
    assert "epoch 10/10" in good["log"]
    assert "Exit code: 0" in good["log"]
    assert good["artifacts"] == ["curves/loss.svg", "report.txt"]


def test_a_run_fails_when_its_training_diverges(told: dict[str, Any]) -> None:
    diverging = told["tasks"]["diverging"]
    assert diverging["status"] == "failed"
    assert "the weights are not finite any more" in diverging["log"]


def test_a_run_is_stopped_by_the_user_and_by_its_time_limit(told: dict[str, Any]) -> None:
    assert told["tasks"]["stopped"]["status"] == "cancelled"
    limited = told["tasks"]["limited"]
    assert limited["status"] == "failed"
    assert limited["message"] == "Stopped because it exceeded its time limit of 20 s."


def test_runs_wait_for_the_simulated_gpus(told: dict[str, Any]) -> None:
    assert sum(status == "running" for status in told["early"].values()) == 4
    reasons = [batch["why"] for batch in told["waiting"]["batches"]]
    assert any("reserved by train/" in (why or "") for why in reasons), reasons
    assert all(
        task["status"] == "completed" for name, task in told["tasks"].items() if name.startswith("many")
    )


def test_nothing_is_left_at_the_end(told: dict[str, Any]) -> None:
    assert told["left"] is None


SAMPLE = """
import asyncio
from pyruns_demo import browser
from pyruns_jupyter.system.sampler import Sampler

class Failing(Sampler):
    turn = 0

    def _measure(self):
        self.turn += 1
        if self.turn == 2:
            raise OSError("no figures")
        return super()._measure()

async def main():
    samples = asyncio.Queue()
    sampler = browser._sampler(Failing)(period=0.01)
    sampler.subscribe(lambda sample: 1 / 0)
    sampler.subscribe(samples.put_nowait)
    for _ in range(3):
        await asyncio.wait_for(samples.get(), 60)
    print(sampler.turn)

asyncio.run(main())
"""


def test_a_measurement_or_listener_that_fails_does_not_end_the_others() -> None:
    assert int(_run("-c", SAMPLE)) > 3


UNPACK = """
import json, sys
from pathlib import Path
from pyruns_demo.history import unpack
unpack(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]))
"""


def test_the_history_moves_to_the_present(tmp_path: Path) -> None:
    archive, home = tmp_path / "history.zip", tmp_path / "home"
    _run("-m", "pyruns_demo.history", str(EXAMPLES), str(archive))
    with zipfile.ZipFile(archive) as files:
        names = files.namelist()
        content = b"".join(map(files.read, names))
    assert str(tmp_path).encode() not in content
    assert not any(".engine" in name for name in names)
    before = time.time()
    _run("-c", UNPACK, str(archive), str(home))
    [task] = home.glob("digits/_pyruns_/train/tasks/baseline/task_info.json")
    info = json.loads(task.read_text())
    [[start, finish]] = info["pyruns_jupyter"]["times"].values()
    assert before - 27 * 3600 < start < finish < time.time() - 25 * 3600
    shown = time.strptime(info["start_times"][0], "%Y-%m-%d_%H-%M-%S")
    assert abs(time.mktime(shown) - start) < 2
    study = json.loads((home / "digits/_pyruns_/train/studies/search.json").read_text())
    assert study["state"] == "finished"
    trials = [
        json.loads(path.read_text()) for path in home.glob("*/_pyruns_/*/tasks/search_*/task_info.json")
    ]
    assert len(trials) == 24
    assert {trial["status"] for trial in trials} >= {"completed", "cancelled"}  # some were pruned
    statuses = {
        json.loads(path.read_text())["status"] for path in home.glob("*/_pyruns_/*/tasks/*/task_info.json")
    }
    assert statuses == {"completed", "failed", "cancelled", "pending"}
