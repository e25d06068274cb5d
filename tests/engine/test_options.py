"""The options of a batch: one declaration, from which all entrances derive; settings are read once."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import pyruns_jupyter.server
from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.queue import RunOptions
from pyruns_jupyter.cli import main
from pyruns_jupyter.cli.batch_arguments import CLUSTER_OPTIONS, add_run_options, run_flags, run_options
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.workspace.cluster_settings import JobResources
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.client import submit
from pyruns_jupyter.engine.client.batch_options import parse_options
from pyruns_jupyter.engine.queue.option_kinds import MAX_LISTED
from pyruns_jupyter.engine.queue.options import OPTIONS, QueueOptions
from pyruns_jupyter.service import actions, tasks
from pyruns_jupyter.service.request import read_request
from tests.core.making import script_workspace

from .support import Project

DESCRIPTION = Path(pyruns_jupyter.server.__file__).parent / "openapi.yaml"
OPENAPI = yaml.load(DESCRIPTION.read_bytes(), yaml.CSafeLoader)
DESCRIBED = OPENAPI["components"]["schemas"]["RunOptions"]["properties"]


def test_python_and_rest_have_the_declared_options() -> None:
    assert set(RunOptions.__annotations__) == set(OPTIONS)
    assert list(DESCRIBED) == list(OPTIONS)
    assert {*QueueOptions.__struct_fields__} == set(OPTIONS) - {"after_any"}
    assert set(CLUSTER_OPTIONS) <= {*JobResources.__struct_fields__}


@pytest.mark.parametrize("name", OPTIONS)
def test_rest_describes_the_declared_bounds(name: str) -> None:
    kind, described = OPTIONS[name].kind, DESCRIBED[name]
    assert described.get("minimum") == kind.low
    assert described.get("maximum") == kind.high
    assert tuple(one for one in described.get("enum", ()) if one) == kind.choices
    types = described.get("type", ())
    assert ("array" in types) is kind.is_list
    assert ("boolean" in types) is (not kind.metavar and not kind.choices and name != "cluster")
    if name in ("after", "after_any"):
        assert described["maxItems"] == MAX_LISTED


def test_the_command_line_has_the_declared_options() -> None:
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    words = shlex.split(
        "-j 3 --preempt "
        "--priority -1 --after a --after w/b --after-any c --retries 2 --retry-delay 1m --time-limit 2h "
        "--signal USR1@2m --grace 5 --stop-after 4 --alert 'loss is nan' --no-requeue --max-requeues 3 "
        "--gpus 1 --gpu-memory auto --gpu 0 "
        "--gpu 1 --retry-alone "
        "--memory 2G --executor local --partition p --account a --cpus 2 --sbatch=--qos=high"
    )
    assert run_options(parser.parse_args(words)) == {
        "jobs": 3,
        "priority": -1,
        "preempt": True,
        "after": ["a", "w/b"],
        "after_any": ["c"],
        "retries": 2,
        "retry_delay": "1m",
        "time_limit": "2h",
        "signal": "USR1@2m",
        "grace": "5",
        "stop_after": 4,
        "alerts": ["loss is nan"],
        "resume": False,
        "max_requeues": 3,
        "gpus": 1,
        "gpu_memory": "auto",
        "gpu_devices": ["0", "1"],
        "retry_alone": True,
        "memory": "2G",
        "engine": "local",
        "cluster": {"partition": "p", "account": "a", "cpus": 2, "extra": ["--qos=high"]},
    }
    assert run_options(parser.parse_args([])) == {}
    flags = run_flags(parser.parse_args(words))
    assert len(flags) == len(OPTIONS) - 1 + len(CLUSTER_OPTIONS)
    assert set(flags) <= {flag for action in parser._actions for flag in action.option_strings}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"speed": 1}, "Unknown run option 'speed'. Valid options: jobs, priority, "),
        ({"jobs": 0}, "jobs must be a whole number from 1 to 1000, not 0."),
        ({"retries": True}, "retries must be a whole number from 0 to 100, not True."),
        (
            {"time_limit": "soon"},
            "time_limit must be a number of seconds or a duration such as 90s, 10m or 1h30m, not 'soon'.",
        ),
        ({"time_limit": "0s"}, "time_limit must be a number of seconds, more than 0, not 0.0."),
        ({"gpu_memory": "much"}, "gpu_memory must be a number of GiB or 'auto', not 'much'."),
        ({"gpu_memory": 0}, "gpu_memory must be a number of GiB, more than 0 and at most 100000, not 0."),
        ({"gpu_devices": ["first"]}, "gpu_devices must be a list of GPU indices or UUIDs, not a list."),
        ({"gpu_devices": None}, "gpu_devices must be a list of strings, not None."),
        ({"after": ["../x"]}, "after must name tasks of this project, not a list."),
        ({"after_any": [1.5]}, "after_any must be a list of strings, not 1.5."),
        ({"after": ["t"] * 1001}, "after must have at most 1,000 items, not 1,001."),
        ({"resume": "yes"}, "resume must be true or false, not 'yes'."),
        *(
            (
                {"signal": given, "time_limit": 60},
                "signal must be a signal (USR1, USR2, INT, HUP, TERM) and a",
            )
            for given in ("USR1", "KILL@5", "USR1@0", 10)
        ),
        ({"signal": "USR1@soon"}, "signal must be a number of seconds or a duration such as 90s"),
        ({"max_requeues": 0}, "max_requeues must be a whole number from 1 to 1000000, not 0."),
        ({"engine": "pbs"}, "engine must be local, slurm or dask, not 'pbs'."),
    ],
)
def test_what_cannot_be_used_is_a_sentence(shell: Project, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_options(shell.workspace, given)
    assert refused.value.message.startswith(sentence)
    assert refused.value.field in given


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return what returns how often settings were read since its last call; no scheduler is started."""
    count, load = 0, Settings.load.__func__  # type: ignore[attr-defined]

    def counted(kind: type[Settings], root: Path) -> Settings:
        nonlocal count
        count += 1
        found = load(kind, root)
        assert isinstance(found, Settings)
        return found

    def told() -> int:
        nonlocal count
        found, count = count, 0
        return found

    monkeypatch.setattr(Settings, "load", classmethod(counted))
    monkeypatch.setattr(submit, "ensure_scheduler", lambda paths: None)
    return told


def test_settings_are_read_once_for_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Callable[[], int]
) -> None:
    workspace = script_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text("lr: 0.1 | 0.2\n", encoding="utf-8")
    made = Workspace(workspace).create("lr: 0.3", "python")
    reads()
    Workspace(workspace).run(made, jobs=2)
    assert reads() == 1
    assert main(["sweep", "s.yaml", "-n", "terminal", "--run"]) == 0
    assert reads() == 1
    wanted = {"text": "lr: 0.1 | 0.2", "name": "rest", "run": {"jobs": 2}}
    assert tasks.create(workspace, read_request(tasks.CreateRequest, {}, wanted), 100)["queued"]
    assert reads() == 1
    Workspace(workspace).create("lr: 0.4", "later")
    reads()
    request = read_request(actions.ActionRequest, {}, {"action": "run", "names": ["later"]})
    assert actions.act(workspace, request, ["later"])["done"] == ["later"]
    assert reads() == 1
