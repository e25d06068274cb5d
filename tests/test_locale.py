"""The package brings its translations along, as JupyterLab's server finds and joins them; sentences that the
server writes in English are those that the user interface translates.
"""

from __future__ import annotations

import os
import re
import time
from importlib.metadata import entry_points
from pathlib import Path

from jupyterlab_server.translation_utils import get_installed_packages_locale, get_language_pack

from pyruns_jupyter.core.metrics.system_hints import hints_of
from pyruns_jupyter.core.scripts.bind_values import unknown_key
from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.fair_share import FairShare, left_text
from pyruns_jupyter.engine.gpus.policy import GpuPolicy
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Reservation, Reservations
from pyruns_jupyter.engine.queue.batches import Batch
from pyruns_jupyter.engine.queue.entries import ActiveBatch, QueueEntry
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.launch import pause
from pyruns_jupyter.engine.queue.options import After, QueueOptions
from pyruns_jupyter.engine.run.run_alerts import RunAlerts
from pyruns_jupyter.engine.scheduler.start_policy import Blocked, StartPolicy
from pyruns_jupyter.system import amd, gpu_driver, nvidia
from tests.engine.support import Project
from tests.recorder import Recorder
from tests.support import ROOT

PACKAGE = ROOT / "pyruns_jupyter"
MESSAGES = (
    "core/config/document.py",
    "core/config/sweep/naming.py",
    "core/config/sweep/pattern.py",
    "core/config/sweep/plan.py",
    "core/config/sweep/searchspace.py",
    "core/create/preview.py",
    "core/import_runs/discover.py",
    "core/import_runs/found_run.py",
    "core/import_runs/importing.py",
    "core/import_runs/mlflow.py",
    "core/import_runs/optuna_journal.py",
    "core/import_runs/optuna_trials.py",
    "core/import_runs/points.py",
    "core/import_runs/sqlite_runs.py",
    "core/import_runs/wandb.py",
    "core/scripts/argparse_scripts/argv_words.py",
    "core/scripts/bind_values.py",
    "core/taskfile/paths.py",
    "core/tasks/row.py",
    "engine/cluster/engine.py",
    "engine/gpus/admission.py",
    "engine/gpus/allocator.py",
    "engine/memory/reservations.py",
    "engine/queue/option_kinds.py",
    "engine/scheduler/loop.py",
    "engine/scheduler/preemption.py",
    "engine/scheduler/start_policy.py",
    "studies/objectives.py",
    "studies/rules.py",
    "engine/run/supervisor.py",
    "engine/run/orphan_cleanup.py",
    "service/studies.py",
    "studies/active_study.py",
)
TRANSLATED = ROOT / "src" / "views" / "shared" / "serversentences.ts"


def test_the_server_finds_our_chinese() -> None:
    assert [point.value for point in entry_points(group="jupyterlab.locale", name="pyruns_jupyter")] == [
        "pyruns_jupyter"
    ]
    found, problem = get_installed_packages_locale("zh_CN")
    assert not problem
    ours = found["pyruns_jupyter"]
    assert ours[""]["plural_forms"] == "nplurals=1; plural=0;"
    assert ours["Open in Pyruns"] == ["在 Pyruns 中打开"]
    pack, problem = get_language_pack("zh_CN")
    assert not problem
    assert pack["pyruns_jupyter"]["Dashboard"] == ["仪表板"]
    assert get_installed_packages_locale("de")[0] == {}


def test_sentences_of_the_server_are_translated(tmp_path: Path) -> None:
    texts = re.findall(r"""trans\.__\(\s*(['"])(.+?)\1[,)\n]""", TRANSLATED.read_text(encoding="utf-8"))
    patterns = {text: re.compile(re.sub(r"%\d", ".+?", re.escape(text))) for _, text in texts}
    project = Project(tmp_path)
    written = [gpu_driver.NO_DRIVER, *_why_gpus_are_missing(), *_why_batches_wait(project)]
    for driver in (nvidia, amd):
        written += [driver.NO_BINDINGS, driver.NO_DEVICE]
    alerts = RunAlerts(["no output for 1s -> stop"], lambda: project.paths("running"), 1, lambda _: None)
    assert alerts.beat(time.monotonic() + 60, 0.0)
    written.append(alerts.stop_message)
    written += _hints()
    written += [unknown_key("lr", ["lra"]), str(choose(GpuRequest(), [], [], {}))]
    found = {text: [one for one in patterns if patterns[one].fullmatch(text)] for text in written}
    assert all(len(matching) == 1 for matching in found.values()), found
    # tests/studies checks the other ones.
    left = set(patterns) - {one for matching in found.values() for one in matching}
    left -= {one for one in left if _is_in_sources(one)}
    assert len(left) == 3 and all(one.startswith("Pruned after step ") for one in left), left


def _hints() -> list[str]:
    idle = {"gpu_low_share": 0.9, "seconds": 600.0, "cores": 4.0}
    found = hints_of({**idle, "gpu_memory_share": 0.2, "gpu_utilization_percent": 10.0})
    for usage in (390.0, 100.0, 10.0):
        found += hints_of({**idle, "cpu_percent": usage})
    found += hints_of({"memory_gib_max": 9.5, "memory_limit_gib": 10.0})
    assert len(found) == 6
    return found


def _is_in_sources(text: str) -> bool:
    """Whether a file that writes messages contains a sentence, or its part after `%1: `."""
    inner = text.removeprefix("%1: ").removesuffix(".")
    if inner != text.removesuffix(".") and _is_in_sources(inner):
        return True
    for name in MESSAGES:
        source = re.sub(r'"\n\s+f?"', "", (PACKAGE / name).read_text(encoding="utf-8"))
        pattern = re.sub(r"%\d", r"(%s|\\{.+?\\}|Optuna|W&B|MLflow)", re.escape(text))
        if re.search(re.sub(r"((was\\ )?(failed|cancelled))\\\.", r"(\1|\\{.+?\\})\\.", pattern), source):
            return True
    return False


def _why_gpus_are_missing() -> list[str]:
    usage = ("alice", 0.12, "bob", 0.61, 7.0)
    found = [left_text(labels, *usage) for labels in (["0"], ["0", "2:1"])]
    share, one = FairShare(Reservations()), Reservation("a", "w/a", ("GPU-1",), None, {}, 1.0, os.geteuid())
    refused = share.within_quota(GpuPolicy(max_gpus=1), GpuRequest(), [], [one])
    return [*found, str(refused)]


def _why_batches_wait(project: Project) -> list[str]:
    for name in ("pending", "queued", "running"):
        project.task(name)
    Recorder(project.workspace, "queued").queue()
    Recorder(project.workspace, "running").start()

    def batch(jobs: int, running: int, *after: str) -> ActiveBatch:
        options = QueueOptions(jobs=jobs, after=tuple(After("_shell_", name) for name in after))
        job = Job(project.root, "_shell_", "a", "attempt", "batch", {}, "python")
        entries = {str(number): QueueEntry(job, seen=0) for number in range(running)}
        made = Batch("-".join(["batch", *after]), "_shell_", options, {}, "python", ())
        return ActiveBatch(made, running=entries)

    found: list[Blocked | None] = []
    for limit in (1, 2):
        project.settings(f"max_jobs: {limit}\n")
        others = batch(limit, limit)
        policy = StartPolicy(project.root, {"others": others})
        policy.count_running()
        found += [policy.hold(others), policy.hold(batch(9, 0))]
    for name in ("pending", "queued", "running"):
        found.append(StartPolicy(project.root, {}).hold(batch(1, 0, name)))
    pause(project.root)
    found.append(policy.hold_all())
    return [held.why for held in found if held is not None]
