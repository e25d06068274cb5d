"""The environment of a run: host, interpreter, GPUs. It is probed in parallel, so no run waits for it.

A scheduler starts a process that queries the GPU drivers, and one for each unknown interpreter. They write
their results to the engine's folder. A run stores what is known when it starts, and the rest when it ends; if
it ended earlier, the probing process stores it.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.fs.atomic import dump_json, read_json, write_atomic
from pyruns_jupyter.core.fs.temp_names import host_tag
from pyruns_jupyter.core.provenance import environments
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import ENGINE, SHELL_WORKSPACE, TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own_facts, read_task
from pyruns_jupyter.core.workspace.discovery import workspaces_in
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import scan_tasks
from pyruns_jupyter.engine.gpus.visibility import visible_words
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.processes.start_method import start_method, start_process
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.run_files import printable

from .command import RunCommand
from .interpreters import python_of

_MAX_AGE_SECONDS = 600.0  # after which the GPUs are queried again
_SETTLE_SECONDS = 0.5  # for a run that just ended without these facts to be in its task file
# For the driver, at the first start on a host; a new interpreter has to start first.
_MAX_WAIT_SECONDS = {"fork": 0.3, "spawn": 3.0}


class EnvironmentProbe:
    """Probes the GPUs of this host and the interpreters of tasks for a scheduler."""

    def __init__(self) -> None:
        self._probed_at: dict[Path, float] = {}
        self._batches: set[str] = set()
        self._gpus: dict[Path, dict[str, Any]] = {}

    def look(self, job: Job) -> dict[str, Any]:
        """Return the GPUs of this host as stored in `run_environments`; start to probe what is unknown.

        Never raises: a run does not depend on it.
        """
        root = job.root
        if job.batch not in self._batches:
            self._batches.add(job.batch)
            _start_interpreter_probe(job)
        now = time.monotonic()
        if now - self._probed_at.get(root, float("-inf")) < _MAX_AGE_SECONDS:
            if not self._gpus.get(root):
                self._gpus[root] = _read_gpus(root)
            return self._gpus[root]
        self._probed_at[root] = now
        found = _read_gpus(root)
        if not found or time.time() - found.get("taken", 0.0) > _MAX_AGE_SECONDS:
            try:
                start_process(_probe_gpus, root)
            except OSError:  # no room for a process
                return found
            while not found and time.monotonic() - now < _MAX_WAIT_SECONDS[start_method()]:
                time.sleep(0.005)
                found = _read_gpus(root)
        self._gpus[root] = found
        return found


def _start_interpreter_probe(job: Job) -> None:
    if job.workspace == SHELL_WORKSPACE:
        return
    try:
        settings = Settings.load(job.root)
        environment = {**job.environment, **settings.global_env}
        python = python_of(settings, job.python, environment, patient=False)
        if not environments.known(job.root, python):
            start_process(_probe_interpreter, job.root, python, environment)
    except (OSError, PyrunsError):
        return


def _probe_interpreter(root: Path, python: str, environment: dict[str, str]) -> int:
    name_process("pyruns-probe")
    began = time.time()
    if environments.probe(root, python, environment):
        time.sleep(_SETTLE_SECONDS)
        _add_to_ended(root, python, began - _SETTLE_SECONDS)
    return 0


def _add_to_ended(root: Path, python: str, since: float) -> None:
    """Store the facts of an interpreter in the runs that ended after `since` (epoch seconds) without them.

    Running ones store them at their end.
    """
    facts = environments.known(root, python)
    for workspace in workspaces_in(root) if facts else ():
        for _, path in scan_tasks(workspace.tasks):
            with suppress(OSError, PyrunsError):
                folder = Path(path)
                if (folder / TASK_INFO).stat().st_mtime >= since and _lacking(
                    read_task(folder), python, since
                ):
                    with edit_task(folder, durable=False) as info:
                        for index in _lacking(info, python, since):
                            runs.add_environment(info, index, facts)


def _lacking(info: TaskInfo, python: str, since: float) -> list[int]:
    """Return the indices of our ended runs of an interpreter that lack its facts."""
    times = own_facts(info).get("times")
    return [
        run.index
        for run in runs.runs(info)
        if run.status in runs.ENDED
        and run.environment.get("launcher") == python
        and "packages" not in run.environment
        and isinstance(times, dict)
        and str(run.index) in times
        and (run.finished_at or 0.0) >= since
    ]


def _probe_gpus(root: Path) -> int:
    name_process("pyruns-probe")
    from pyruns_jupyter.system.gpu import inventory

    found = inventory()
    gpus = [
        {
            "index": gpu["index"],
            "uuid": gpu["uuid"],
            "name": gpu["name"],
            "memory_total_mb": None if gpu["memory_total"] is None else gpu["memory_total"] / 2**20,
        }
        for gpu in found.gpus
    ]
    content = {
        "home": host_tag(),
        "taken": time.time(),
        "gpu_status": "ok" if found.state == "ok" else "unavailable",
        "gpu_message": found.message if found.state == "error" else None,
        "driver": found.driver,
        "gpus": gpus,
    }
    write_atomic(_gpu_file(root), dump_json(content), durable=False)
    return 0


def _read_gpus(root: Path) -> dict[str, Any]:
    try:
        found = read_json(_gpu_file(root))
    except (OSError, Unreadable):
        return {}
    is_ours = found.get("home") == host_tag() and isinstance(found.get("gpus"), list)
    return found if is_ours and isinstance(found.get("taken"), float) else {}


def _gpu_file(root: Path) -> Path:
    return root / ENGINE / "gpus.json"


def run_environment(command: RunCommand, gpus: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Return the environment of the run of a job, for its slot in `run_environments`."""
    facts = {
        "host": host_name(),
        "system": system_name(),
        "launcher": command.argv[0],
        "conda_env": command.environment.get("CONDA_DEFAULT_ENV", ""),
        "cuda_visible_devices": visible_words(command.environment),
        "assigned_gpu_ids": [int(one) if one.isdigit() else one for one in job.gpu_labels],
        **_gpu_facts(command, gpus),
    }
    if job.cluster_job:
        facts |= {"engine": job.options.engine, "cluster_job": job.cluster_job}
    facts = {key: printable(value) if isinstance(value, str) else value for key, value in facts.items()}
    return {**facts, **interpreter(command, job.root)}


def _gpu_facts(command: RunCommand, gpus: Mapping[str, Any]) -> dict[str, Any]:
    scope, shown = visible_gpus(gpus.get("gpus", []), visible_words(command.environment))
    facts = {"gpu_scope": scope, "gpu_status": gpus.get("gpu_status", "unavailable"), "gpus": shown}
    return facts | {
        key: printable(str(value)) for key in ("driver", "gpu_message") if (value := gpus.get(key))
    }


def late_facts(
    command: RunCommand, known: Mapping[str, Any], root: Path, *, gpus: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was not yet known when a run started with the environment `known` and these `gpus`."""
    facts = {} if "packages" in known else interpreter(command, root)
    if not gpus and (gpus := _read_gpus(root)):
        facts |= _gpu_facts(command, gpus)
    return facts


def interpreter(command: RunCommand, root: Path) -> dict[str, Any]:
    """Return what is known about the interpreter of a run: `python` and `packages`; empty for shell tasks."""
    if command.shell:
        return {}
    known = environments.known(root, command.argv[0])
    if not known and command.argv[0] == sys.executable:
        return {"python": platform.python_version()}
    return known


def visible_gpus(gpus: list[Any], visible: str | None) -> tuple[str, list[Any]]:
    """Return the scope (`detected`, `visible`, `disabled`) and the GPUs that a variable leaves."""
    if visible is None:
        return "detected", gpus
    words = [word.strip() for word in visible.split(",") if word.strip()]
    if not words or words[0] == "-1":
        return "disabled", []
    shown = []
    for word in words:
        found = [
            gpu
            for gpu in gpus
            if isinstance(gpu, dict) and (word == str(gpu.get("index")) or _is_uuid(word, gpu.get("uuid")))
        ]
        if word.startswith("MIG-"):
            return "visible", []  # MIG devices are not listed
        if not found:
            break  # the libraries ignore what follows an unknown device
        shown += found
    return ("visible", shown) if shown else ("detected", gpus)


def _is_uuid(word: str, uuid: Any) -> bool:
    return word.startswith("GPU-") and str(uuid).startswith(word)


@cache
def system_name() -> str:
    """Return the name of the operating system and the architecture, for users."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name or platform.system()} · {platform.machine()}"
