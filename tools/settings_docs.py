"""`docs/settings.md`: what can be set of a project, of the server, of JupyterLab, and by the environment."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from traitlets import Bool, Float, Int, List, TraitType, Unicode

from pyruns_jupyter.core.metrics.journal import _RANKS
from pyruns_jupyter.core.workspace.cluster_settings import _RULES, ClusterSettings
from pyruns_jupyter.core.workspace.settings import DEFAULT_TEXT, Settings
from pyruns_jupyter.engine.queue.launch import RUN_VARIABLES
from pyruns_jupyter.server.app import PyrunsExtension
from tools.generated import ROOT, paragraph, table

SCHEMA = ROOT / "schema" / "plugin.json"

# What the text of a new project's settings does not say.
PLAIN = {
    "terminal_rows": "number of rows of the terminal that programs see",
    "gpu_scheduler_max_wait_seconds": "after this time, a batch that waits for GPUs is cancelled",
    "gpu_scheduler_task_mode": "`single`: one GPU per task; `multi`: `gpu_scheduler_gpus_per_task`",
    "gpu_scheduler_selection_mode": "how `gpu_scheduler_device_ids` is interpreted",
    "gpu_scheduler_gpus_per_task": "GPUs per task, with `multi`",
    "gpu_scheduler_respect_cuda_visible_devices": "GPUs that `CUDA_VISIBLE_DEVICES` hides from "
    "the process that queues a task are not assigned to it",
    "gpu_scheduler_require_same_gpu_model": "all GPUs of a task have the same model",
    "engine": "executor: where tasks run; `local` is this machine",
    "slurm": "resources of a job, see below",
    "workspaces": "`engine`, `slurm`, `pass_defaults` and `as_module` for single workspaces, by name",
}
HIDDEN = {"conda_executable": "name or path of the program that lists conda environments"}

KINDS = {"engine": "`local` or `slurm`", "slurm": "a mapping", "workspaces": "a mapping"}

CLUSTER = {
    "partition": "partitions, separated by commas",
    "account": "account to charge",
    "gpus": "GPUs per task",
    "cpus": "CPU cores per task",
    "memory": "memory per task",
    "time": "time limit of the job",
    "extra": "options of `sbatch` (lines that begin with a dash), and commands that run before the task",
}

GIVEN = {
    "PYRUNS_TASK_DIR": "the task's folder",
    "PYRUNS_RUN_INDEX": "number of the run, starting at 1",
    "PYRUNS_RUN_ATTEMPT_ID": "ID of this attempt; identifies processes of a supervisor that was killed",
    "PYRUNS_ASSIGNED_GPUS": "indices of its GPUs as in `nvidia-smi`, if it has reserved any",
    "__PYRUNS_CONFIG__": "for scripts: the copy of the configuration for this run",
    "__PYRUNS_ROOT__": "for scripts: the folder of the workspace",
}
READ = {
    "PYRUNS_GPU_LEDGER": "folder for GPU reservations that all users of the host can write to; "
    "default: one per user ([GPUs](queue.md#gpus))",
    "PYRUNS_MEMORY_LEDGER": "the same for [memory](queue.md#memory) reservations",
    "PYRUNS_GROUP_READS": "`1`: the group of a shared folder can read new files ([JupyterHub](hub.md))",
    "PYRUNS_STATE_DIR": "private, persistent folder for the keys of your projects and other state outside "
    "of them; default: `pyruns` in `$XDG_STATE_HOME` or `~/.local/state` "
    "([Seals](disk-format.md#seals))",
    "PYRUNS_RUNTIME_DIR": "folder for state of this host until it restarts: GPU reservations, projects "
    "with a scheduler; default: in `PYRUNS_STATE_DIR`, one per boot. All your sessions on the host need the "
    "same one",
}
OTHERS = {
    "SHELL": "shell of new shell tasks, if there is none above the front end "
    "([Which shell](architecture.md#which-shell-runs-a-task))",
    "CUDA_VISIBLE_DEVICES": "GPUs hidden from the process that queues a task are not assigned to it",
    "CONDA_EXE": "where conda environments are searched, with `MAMBA_ROOT_PREFIX`, `CONDA_ROOT`, "
    "`CONDA_ENVS_PATH` and `CONDA_ENVS_DIRS`",
}
TRAITS = {
    Bool: "true or false",
    Int: "a whole number",
    Float: "a number",
    Unicode: "text",
    List: "a list of texts",
}
_NAME = re.compile(r"(__)?PYRUNS_[A-Z][A-Z0-9_]*")
_LINE = re.compile(r"(?P<off># )?(?P<key>[a-z_]+):(?P<value>(?: [^#\s].*?)?)(?:\s+# (?P<what>.*))?")
_WRONG = "{no: {setting: is a mapping of mappings}}"


def settings_page() -> Iterator[str]:
    """Yield the lines of `docs/settings.md`."""
    yield "# Settings\n"
    yield "Generated from the program by `make generate`.\n"
    yield from _project()
    yield from _server()
    yield from _lab()
    yield from _variables()


def _project() -> Iterator[str]:
    yield "## Project\n"
    yield paragraph(
        "`_pyruns_/_pyruns_settings.yaml` applies to all workspaces of the project. Edit the file, or use "
        "`jupyter pyruns config KEY=VALUE`. Missing keys have their default; an invalid value is reported, "
        "and the default is used."
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
        {one.name for one in fields(Settings)}
        - {"gpus", "cluster", "values", "problem", "pass_defaults_in", "as_module_in"}
        - shown
    )
    _same("HIDDEN", HIDDEN, left)
    yield "### Not in the file of a new project\n"
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
            raise SystemExit(f"tools/settings_docs.py does not understand what stands below {title!r}")
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
    return "none" if line["off"] else _value(yaml.safe_load(line["value"]))


def _value(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _about(line: Mapping[str, str]) -> str:
    text = PLAIN.get(line["key"], line["what"])
    if not text:
        raise SystemExit(f"PLAIN in tools/settings_docs.py should say what {line['key']} is")
    return text


def _kind(key: str) -> str:
    """Return what a value has to be, as the program says it of one that is not."""
    if key in KINDS:
        return KINDS[key]
    told = Settings.parse(f"{key}: {_WRONG}\n".encode(), Path("FILE")).problem or ""
    found = re.search(rf"{key} in FILE should be (.*?), but is ", told)
    if found is None:
        raise SystemExit(f"KINDS in tools/settings_docs.py should say what {key} has to be")
    return found[1]


def _cluster() -> Iterator[str]:
    _same("CLUSTER", CLUSTER, _RULES)
    rows = [(f"`{key}`", _RULES[key][0], about) for key, about in CLUSTER.items()]
    rows += [
        ("`python`", "a path", "interpreter on the nodes that has this package; default: the current one"),
        (
            "`poll_seconds`",
            "a number of seconds from 1 to 3600",
            f"longest time between two calls of `squeue`; default: {ClusterSettings().poll_seconds:g}",
        ),
    ]
    yield "Under `slurm` ([Slurm](slurm.md)):\n"
    yield from table(("key", "type", "meaning"), rows)


def _server() -> Iterator[str]:
    yield "## Server extension\n"
    yield paragraph(
        "Options `c.PyrunsExtension.NAME` in `jupyter_server_config.py`, or `--PyrunsExtension.NAME=VALUE` "
        "of `jupyter lab`. See [Server extension](server.md)."
    )
    traits: dict[str, TraitType[Any, Any]] = PyrunsExtension.class_own_traits(config=True)
    rows = [
        (f"`{name}`", _value(_plain_default(traits[name])), _trait_kind(traits[name]), str(traits[name].help))
        for name in vars(PyrunsExtension)  # in the order of the source
        if name in traits
    ]
    yield from table(("name", "default", "type", "meaning"), rows)


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
    yield "Change them in the same editor, under _Keyboard Shortcuts_.\n"
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
        "A task has the environment of the process that queued it, `global_env`, and its own variables "
        "(`jupyter pyruns env`), in increasing precedence; then these, and those of an activated "
        "environment ([more](disk-format.md#how-it-is-started))."
    )
    yield from table(head, ((f"`{name}`", about) for name, about in GIVEN.items()))
    yield paragraph(
        "`PYTHONUNBUFFERED`, `PYTHONIOENCODING` and `PYTHONUTF8` are set so that logs are live and UTF-8. "
        "`CUDA_VISIBLE_DEVICES` contains the GPUs that a task has reserved."
    )
    yield "### Read by Pyruns\n"
    yield "Set them for the server, its kernels and terminals.\n"
    ranks = {
        ", ".join(_RANKS): "in a script: rank of the process in the task; the first one that is set counts"
    }
    told = {**READ, **OTHERS, **ranks}
    yield from table(head, ((_names(names), about) for names, about in told.items()))
    yield "Variables for the tests are in `CONTRIBUTING.md`.\n"


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
        raise SystemExit(f"{name} in tools/settings_docs.py: too much or missing: {', '.join(wrong)}")
