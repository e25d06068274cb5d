"""`docs/settings.md`: what can be set of a project, of the server, of JupyterLab, and by the environment."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from traitlets import Bool, Float, Int, List, TraitType, Unicode

from pyruns_jupyter.core.common.validation import describe
from pyruns_jupyter.core.metrics.journal import _RANKS
from pyruns_jupyter.core.workspace.cluster_settings import (
    _DASK_PLACES,
    _KEYS,
    _RULES,
    DASK,
    SLURM,
    ClusterAccess,
    ClusterSettings,
)
from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.policy import POLICY_NAME, GpuPolicy
from pyruns_jupyter.engine.queue.launch import RUN_VARIABLES
from pyruns_jupyter.server.app import PyrunsExtension
from tools.generated import ROOT, paragraph, table

SCHEMA = ROOT / "schema" / "plugin.json"

# What the text of a new project's settings does not say.
PLAIN = {
    "terminal": "whether tasks run in a terminal; without one, output is faster, but has no colors and "
    "progress bars",
    "gpu_scheduler_selection_mode": "`auto`: a task gets any of the GPUs in `gpu_scheduler_device_ids`; "
    "`specified`: it gets all of them",
    "gpu_scheduler_respect_cuda_visible_devices": "whether a task never gets GPUs that "
    "`CUDA_VISIBLE_DEVICES`, `ROCR_VISIBLE_DEVICES` or `HIP_VISIBLE_DEVICES` hides from the process that "
    "queues the task",
    "metrics": "goal of each metric: whether its best value is the lowest or the highest "
    "([goals](query.md#goals-of-metrics))",
    "slurm": "resources of each Slurm job, as listed below",
    "dask": "the Dask cluster and the resources of each task, as listed below",
    "workspaces": "values of `engine`, `slurm`, `dask`, `pass_defaults`, `as_module`, `alerts` and "
    "`log_metrics` for individual workspaces, by name",
    "resume": "whether to [requeue interrupted tasks](howto/checkpoints.md#when-a-task-is-requeued), as with "
    "`--requeue`: after a reboot, container restart, preemption or node failure, after a time limit with a "
    "checkpoint, or after exit code 75",
    "log_metrics": "patterns that find metrics in logs ([Metrics in the log](howto/existing-metrics.md"
    "#metrics-in-the-text-of-the-log))",
}
HIDDEN = {"conda_executable": "name or path of the conda program, which lists the environments"}

KINDS = {
    "engine": "`local`, `slurm` or `dask`",
    "slurm": "a mapping",
    "dask": "a mapping",
    "workspaces": "a mapping",
    "alerts": "a list of [rules](howto/alerts.md)",
    "metrics": "a mapping of names to `minimize` or `maximize`",
}

SLURM_NEED = {
    "partition": "name of the partition, or several names separated by commas",
    "account": "name of the account to charge",
    "gpus": "number of GPUs per task",
    "cpus": "number of CPU cores per task",
    "memory": "memory per task",
    "time": "time limit of the job",
    "extra": "options of `sbatch` (lines that begin with a dash), and commands to run before the task",
}
DASK_NEED = {
    "gpus": "amount of the worker resource `GPU` per task",
    "memory": "amount of the worker resource `MEMORY` per task, in bytes",
    "resources": "amounts of other worker resources per task",
}
DASK_PLACE = {
    "address": "address of the scheduler; default: `DASK_SCHEDULER_ADDRESS`",
    "cluster": "name of a cluster of Dask Gateway, in place of `address`",
}

POLICY = {
    "fair_share": "whether the user with less recent usage goes first when several users wait for a GPU",
    "half_life_days": "half-life of usage in days: after this time, a GPU-hour counts half",
    "max_gpus": "maximum number of GPUs that a user may reserve at the same time; default: no limit",
    "users": "other limits for single users, by login name or user ID",
}

GIVEN = {
    "PYRUNS_TASK_DIR": "path of the task folder",
    "PYRUNS_RUN_INDEX": "number of the run, starting at 1",
    "PYRUNS_RUN_ATTEMPT_ID": "unique ID of the run, used to find its processes if the supervisor was killed",
    "PYRUNS_CHECKPOINT_DIR": "path of the checkpoint folder of the task, which the script has to create",
    "PYRUNS_RESUMED_FROM": "number of the previous run, if that did not complete and there is a checkpoint",
    "PYRUNS_ASSIGNED_GPUS": "indices of the reserved GPUs, as in `nvidia-smi` or `amd-smi`; not set without "
    "reserved GPUs",
    "__PYRUNS_CONFIG__": "path of the configuration of this run; not set for shell tasks",
    "__PYRUNS_ROOT__": "path of the workspace folder; not set for shell tasks",
}
READ = {
    "PYRUNS_GPU_LEDGER": "folder for GPU reservations that several users of the host share, to which all "
    "of them must be able to write; default: a folder per user ([GPUs](queue.md#gpus))",
    "PYRUNS_MEMORY_LEDGER": "folder for memory reservations that several users of the host share "
    "([memory](queue.md#memory))",
    "PYRUNS_GROUP_READS": "`1`: new files in a shared folder are readable by its group "
    "([JupyterHub](hub.md))",
    "PYRUNS_STATE_DIR": "private, permanent folder for the keys of your projects and other state outside "
    "of project folders; default: `pyruns` in `$XDG_STATE_HOME` or `~/.local/state` "
    "([Seals](disk-format.md#seals))",
    "PYRUNS_START_METHOD": "how the scheduler starts supervisors: `fork` (default), or `spawn`, a new Python "
    "interpreter for each, which is slower; systems without fork always use the latter "
    "([Supervisor](architecture.md#supervisor))",
    "PYRUNS_DASK_JOB": "set by Pyruns for the process that a Dask worker starts: the name of the task in "
    "Dask, and its number of GPUs ([Dask](dask.md))",
    "PYRUNS_RUNTIME_DIR": "folder for state that is valid until the host restarts, such as GPU reservations; "
    "all your sessions on the host must use the same folder; default: a folder per boot in "
    "`PYRUNS_STATE_DIR`",
}
OTHERS = {
    "SHELL": "shell of new shell tasks, if the front end was not started from a shell "
    "([Which shell](architecture.md#which-shell-runs-a-task))",
    "CUDA_VISIBLE_DEVICES": "GPUs that the process that queues a task can see; the task gets no other GPUs",
    "ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES": "the same for [AMD GPUs](howto/gpus.md#use-amd-gpus)",
    "DASK_SCHEDULER_ADDRESS": "address of the Dask scheduler, if `dask.address` is not set ([Dask](dask.md))",
    "CONDA_EXE": "location of conda, with `MAMBA_ROOT_PREFIX`, `CONDA_ROOT`, `CONDA_ENVS_PATH` and "
    "`CONDA_ENVS_DIRS`, to find environments by name",
}
TRAITS = {
    Bool: "true or false",
    Int: "a whole number",
    Float: "a number",
    Unicode: "text",
    List: "a list of strings",
}
_NAME = re.compile(r"(__)?PYRUNS_[A-Z][A-Z0-9_]*")
_LINE = re.compile(r"(?P<off># )?(?P<key>[a-z_]+):(?P<value>(?: [^#\s].*?)?)(?:\s+# (?P<what>.*))?")
_WRONG = "{no: {setting: is a mapping of mappings}}"


def settings_page() -> Iterator[str]:
    """Yield the lines of `docs/settings.md`."""
    yield "# Settings\n"
    yield paragraph(
        "This page lists the settings of a project, of the server extension and of JupyterLab, and the "
        "environment variables that Pyruns sets and reads."
    )
    yield from _project()
    yield from _server()
    yield from _policy()
    yield from _lab()
    yield from _variables()


def _project() -> Iterator[str]:
    yield "## Project\n"
    yield paragraph(
        "The settings in `_pyruns_/_pyruns_settings.yaml` apply to all workspaces of the project. Edit the "
        "file, or use `jupyter pyruns config KEY=VALUE`. Missing keys have their default value. If a "
        "value is not valid, Pyruns reports it and uses the default."
    )
    shown: set[str] = set()
    for title, lines in _sections():
        rows = []
        for line in lines:
            shown.add(line["key"])
            rows.append((f"`{line['key']}`", _default(line), _kind(line["key"]), _about(line)))
        yield f"### {title}\n"
        yield from table(("key", "default", "type", "meaning"), rows)
        if any(line["key"] == "slurm" for line in lines):
            yield from _cluster()
    left = (
        {*Settings.__struct_fields__}
        - {"gpus", "cluster", "log_patterns", "values", "problem"}
        - {"pass_defaults_in", "as_module_in", "alerts_in"}
        - shown
    )
    _same("HIDDEN", HIDDEN, left)
    yield "### Keys that are not in the file of a new project\n"
    rows = [
        (f"`{key}`", _value(getattr(Settings(), key)), _kind(key), about) for key, about in HIDDEN.items()
    ]
    yield from table(("key", "default", "type", "meaning"), rows)


def _sections() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield each heading of the settings' text, with its lines: `key`, `value`, `what`, and `off` when it is
    commented out.
    """
    for block in DEFAULT_TEXT.split("\n\n"):
        title, *lines = block.strip().splitlines()
        found = [match.groupdict("") for line in lines if (match := _LINE.fullmatch(line))]
        if len(found) != len(lines):
            raise SystemExit(f"tools/settings_docs.py cannot read the lines below {title!r}")
        if found:
            yield title.removeprefix("# "), found


def _default(line: Mapping[str, str]) -> str:
    key = line["key"]
    if line["value"].strip() == "auto":
        return "`auto`"
    if hasattr(Settings(), key):
        return _value(getattr(Settings(), key))
    if key == "engine":
        return _value(ClusterSettings().engine)
    value = yaml.safe_load(line["value"])
    return "none" if line["off"] and isinstance(value, dict) else _value(value)


def _value(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _about(line: Mapping[str, str]) -> str:
    text = PLAIN.get(line["key"], line["what"])
    if not text:
        raise SystemExit(f"PLAIN in tools/settings_docs.py must describe {line['key']}")
    return text


def _kind(key: str) -> str:
    """Return what a value has to be, as the program says it of one that is not."""
    if key in KINDS:
        return KINDS[key]
    told = Settings.parse(f"{key}: {_WRONG}\n".encode(), Path("FILE")).problem or ""
    found = re.search(rf"{key}(?: in FILE)? must be (.*?), not ", told)
    if found is None:
        raise SystemExit(f"KINDS in tools/settings_docs.py must describe the values of {key}")
    return found[1]


def _cluster() -> Iterator[str]:
    for name, told, engine in (("SLURM_NEED", SLURM_NEED, SLURM), ("DASK_NEED", DASK_NEED, DASK)):
        _same(name, told, _KEYS[engine])
    _same("DASK_PLACE", DASK_PLACE, _DASK_PLACES)
    yield "Under `slurm` ([Slurm](slurm.md)):\n"
    yield from table(("key", "type", "meaning"), _cluster_rows(SLURM_NEED, "calls of `squeue`", "nodes"))
    yield "Under `dask` ([Dask](dask.md)):\n"
    places = [(f"`{key}`", _DASK_PLACES[key][0], about) for key, about in DASK_PLACE.items()]
    rows = _cluster_rows(DASK_NEED, "queries to the scheduler", "workers")
    yield from table(("key", "type", "meaning"), [*places, *rows])


def _cluster_rows(need: Mapping[str, str], calls: str, nodes: str) -> list[tuple[str, str, str]]:
    python = (
        f"path of a Python interpreter on the {nodes}, with this package installed; default: the current one"
    )
    poll = f"maximum number of seconds between two {calls}; default: {ClusterAccess().poll_seconds:g}"
    return [
        *((f"`{key}`", _RULES[key][0], about) for key, about in need.items()),
        ("`python`", "a path", python),
        ("`poll_seconds`", "a number of seconds from 1 to 3600", poll),
    ]


def _server() -> Iterator[str]:
    yield "## Server extension\n"
    yield paragraph(
        "Set these options as `c.PyrunsExtension.NAME` in `jupyter_server_config.py`, or with "
        "`jupyter lab --PyrunsExtension.NAME=VALUE`. See [JupyterHub](hub.md) for examples."
    )
    traits: dict[str, TraitType[Any, Any]] = PyrunsExtension.class_own_traits(config=True)
    rows = [
        (f"`{name}`", _value(_plain_default(traits[name])), _trait_kind(traits[name]), str(traits[name].help))
        for name in vars(PyrunsExtension)  # in the order of the source
        if name in traits
    ]
    yield from table(("name", "default", "type", "meaning"), rows)


def _policy() -> Iterator[str]:
    _same("POLICY", POLICY, GpuPolicy.__struct_fields__)
    hints = get_type_hints(GpuPolicy, include_extras=True)
    yield "## GPU policy of a host\n"
    yield paragraph(
        f"An administrator can set these keys in `{POLICY_NAME}` in the folder `PYRUNS_GPU_LEDGER`. See "
        "[Quotas and fair share](hub.md#gpu-quotas-and-fair-share)."
    )
    rows = [
        (f"`{key}`", _value(getattr(GpuPolicy(), key)), describe(hints[key]), about)
        for key, about in POLICY.items()
    ]
    yield from table(("key", "default", "type", "meaning"), rows)


def _plain_default(trait: TraitType[Any, Any]) -> object:
    value = trait.default()
    return value if value != [] else None


def _trait_kind(trait: TraitType[Any, Any]) -> str:
    kind = next(word for kind, word in TRAITS.items() if isinstance(trait, kind))
    return kind + _range(getattr(trait, "min", None), getattr(trait, "max", None))


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return ""
    return f", {least:g} or more" if most in (None, math.inf) else f" from {least:g} to {most:g}"


def _lab() -> Iterator[str]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    yield "## JupyterLab\n"
    yield "_Settings_ → _Settings Editor_ → _Pyruns_. See [JupyterLab](jupyterlab.md).\n"
    rows = []
    for key, told in schema["properties"].items():
        what = f"_{told['title']}_: {told['description']}"
        if choices := told.get("oneOf"):
            what += " " + "; ".join(f"`{one['const']}`: {one['title']}" for one in choices) + "."
        kind = {"boolean": "true or false", "integer": "a whole number", "string": "text"}[told["type"]]
        kind = "one of them" if choices else kind + _range(told.get("minimum"), told.get("maximum"))
        rows.append((f"`{key}`", _value(told["default"]), kind, what))
    yield from table(("key", "default", "type", "meaning"), rows)
    yield "### Shortcuts\n"
    yield "Change the shortcuts in the Settings Editor under _Keyboard Shortcuts_.\n"
    shortcuts = [
        (" then ".join(f"`{keys.replace(' ', '+')}`" for keys in one["keys"]), f"`{one['command']}`")
        for one in schema["jupyter.lab.shortcuts"]
    ]
    yield from table(("keys", "command"), shortcuts)


def _variables() -> Iterator[str]:
    _same("GIVEN", GIVEN, RUN_VARIABLES)
    _same("GIVEN and READ", [*GIVEN, *READ], _variables_in_source())
    head = ("variable", "meaning")
    yield "## Environment variables\n"
    yield "### Task environment\n"
    yield paragraph(
        "A task inherits the environment of the process that queued it, except `COLUMNS`, `LINES`, "
        "`JPY_PARENT_PID`, `JPY_SESSION_NAME`, `JPY_API_TOKEN`, an `MPLBACKEND` that draws into a notebook, "
        "and the variables of a run that queues tasks. `global_env` overrides it, and the variables of the "
        "task (`jupyter pyruns env`) override both. Pyruns then sets the following variables and those of an "
        "activated environment ([details](disk-format.md#command-and-environment))."
    )
    yield from table(head, ((f"`{name}`", about) for name, about in GIVEN.items()))
    yield paragraph(
        "Pyruns also sets `PYTHONUNBUFFERED`, `PYTHONIOENCODING` and `PYTHONUTF8`, so that logs are written "
        "immediately and in UTF-8, and `CUDA_VISIBLE_DEVICES`, or `ROCR_VISIBLE_DEVICES` for AMD GPUs, which "
        "contains the reserved GPUs. If they are not set, it sets `MLFLOW_RUN_CONTEXT` and `TRACKIO_DIR`, to "
        "find [metrics of these packages](howto/existing-metrics.md#which-files-belong-to-a-task). A missing "
        "`TERM`, or `dumb`, becomes `xterm-256color`."
    )
    yield "### Read by Pyruns\n"
    yield "Set these variables in the environment of the server, its kernels and its terminals.\n"
    ranks = {
        ", ".join(_RANKS): "rank of a process in a distributed task; the first variable that is set is used"
    }
    told = {**READ, **OTHERS, **ranks}
    yield from table(head, ((_names(names), about) for names, about in told.items()))
    yield "`CONTRIBUTING.md` lists variables for the tests.\n"


def _names(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _variables_in_source() -> set[str]:
    """Return our variables that stand in the program as text."""
    found: set[str] = set()
    for path in (ROOT / "pyruns_jupyter").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
                found.add(node.value)
    return found


def _same(name: str, told: Iterable[str], there: Iterable[str]) -> None:
    """End with a sentence when what is told here is not what is there."""
    if wrong := sorted({*told} ^ {*there}):
        raise SystemExit(f"{name} in tools/settings_docs.py: unexpected or missing: {', '.join(wrong)}")
