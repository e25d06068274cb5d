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
    "terminal_rows": "the height that programs believe their terminal has",
    "gpu_scheduler_max_wait_seconds": "after how long a batch that waits for GPUs is given up",
    "gpu_scheduler_task_mode": "`single`: a GPU each; `multi`: `gpu_scheduler_gpus_per_task`",
    "gpu_scheduler_selection_mode": "how `gpu_scheduler_device_ids` is meant",
    "gpu_scheduler_gpus_per_task": "GPUs of each task, with `multi`",
    "gpu_scheduler_respect_cuda_visible_devices": "what `CUDA_VISIBLE_DEVICES` hides from who queues a task "
    "is not given to it",
    "gpu_scheduler_require_same_gpu_model": "all GPUs of a task are of one model",
    "engine": "where tasks run: `local` is this machine",
    "slurm": "what a job asks for, see below",
    "workspaces": "`engine`, `slurm` and `pass_defaults` of single workspaces, by name",
}
HIDDEN = {"conda_executable": "the program that tells where conda's environments are, by name or path"}

KINDS = {"engine": "`local` or `slurm`", "slurm": "a mapping", "workspaces": "a mapping"}

CLUSTER = {
    "partition": "in which it runs, several with commas between",
    "account": "on whose account",
    "gpus": "GPUs of each task",
    "cpus": "processors of each task",
    "memory": "of each task",
    "time": "after which the cluster ends it",
    "extra": "options of `sbatch`, which begin with a dash, and commands that run before the task",
}

GIVEN = {
    "PYRUNS_TASK_DIR": "the task's folder",
    "PYRUNS_RUN_INDEX": "the number of the run, from 1",
    "PYRUNS_RUN_ATTEMPT_ID": "names this try to run; processes that a dead supervisor left are known by it",
    "PYRUNS_ASSIGNED_GPUS": "the numbers of its GPUs as the driver counts, when it was given some",
    "__PYRUNS_CONFIG__": "of a script: the run's own copy of its configuration",
    "__PYRUNS_ROOT__": "of a script: the folder of its workspace",
}
READ = {
    "PYRUNS_GPU_LEDGER": "a folder for the reservations of GPUs that all users of the host may write to; by "
    "default each user has one ([GPUs](queue.md#gpus))",
    "PYRUNS_MEMORY_LEDGER": "the same for reservations of [memory](queue.md#memory)",
    "PYRUNS_GROUP_READS": "`1`: the group of a shared folder may read what is written ([On a hub](hub.md))",
    "PYRUNS_STATE_DIR": "a private folder that lasts, for the keys of your projects and what belongs to them "
    "but not into them; by default `pyruns` in `$XDG_STATE_HOME` or `~/.local/state` "
    "([Seals](disk-format.md#seals))",
    "PYRUNS_RUNTIME_DIR": "your folder for what counts on this host until it restarts: GPU reservations and "
    "the projects in which something runs; by default in `PYRUNS_STATE_DIR`, by the id of the boot. All your "
    "sessions on the host need the same one",
}
OTHERS = {
    "SHELL": "the shell of new shell tasks where none waits above the front end "
    "([Which shell](architecture.md#which-shell-runs-a-task))",
    "CUDA_VISIBLE_DEVICES": "what whoever queues a task may not see is not given away",
    "CONDA_EXE": "where conda's environments are looked for, with `MAMBA_ROOT_PREFIX`, `CONDA_ROOT`, "
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
    yield "Made from the program by `make generate`.\n"
    yield from _project()
    yield from _server()
    yield from _lab()
    yield from _variables()


def _project() -> Iterator[str]:
    yield "## Of a project\n"
    yield paragraph(
        "`_pyruns_/_pyruns_settings.yaml` holds them, for all workspaces of the project. Edit the file, or "
        "say `jupyter pyruns config KEY=VALUE`. A missing key has its default; a value of the wrong kind is "
        "told, and its default is used."
    )
    shown: set[str] = set()
    for title, lines in _sections():
        rows = []
        for line in lines:
            shown.add(line["key"])
            rows.append((f"`{line['key']}`", _default(line), _kind(line["key"]), _about(line)))
        yield f"### {title}\n"
        yield from table(("key", "default", "is", "what"), rows)
        if any(line["key"] == "slurm" for line in lines):
            yield from _cluster()
    left = (
        {one.name for one in fields(Settings)}
        - {"gpus", "cluster", "values", "problem", "pass_defaults_in"}
        - shown
    )
    _same("HIDDEN", HIDDEN, left)
    yield "### Not in the text of a new project\n"
    rows = [
        (f"`{key}`", _value(getattr(Settings(), key)), _kind(key), about) for key, about in HIDDEN.items()
    ]
    yield from table(("key", "default", "is", "what"), rows)


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
        ("`python`", "a path", "the interpreter on the nodes that has this package; by default the one here"),
        (
            "`poll_seconds`",
            "a number of seconds from 1 to 3600",
            f"the longest time between two questions to the cluster; {ClusterSettings().poll_seconds:g}",
        ),
    ]
    yield "Under `slurm` ([On a Slurm cluster](slurm.md)):\n"
    yield from table(("key", "is", "what"), rows)


def _server() -> Iterator[str]:
    yield "## Of the server extension\n"
    yield paragraph(
        "Options `c.PyrunsExtension.NAME` in `jupyter_server_config.py`, or `--PyrunsExtension.NAME=VALUE` "
        "of `jupyter lab`. [The server extension](server.md) tells more."
    )
    traits: dict[str, TraitType[Any, Any]] = PyrunsExtension.class_own_traits(config=True)
    rows = [
        (f"`{name}`", _value(_plain_default(traits[name])), _trait_kind(traits[name]), str(traits[name].help))
        for name in vars(PyrunsExtension)  # in the order of the source
        if name in traits
    ]
    yield from table(("name", "default", "is", "what"), rows)


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
    yield "## Of JupyterLab\n"
    yield "_Settings_ → _Settings Editor_ → _Pyruns_. [JupyterLab](jupyterlab.md) tells more.\n"
    rows = []
    for key, told in schema["properties"].items():
        what = f"_{told['title']}_: {told['description']}"
        if choices := told.get("oneOf"):
            what += " " + "; ".join(f"`{one['const']}`: {one['title']}" for one in choices) + "."
        kind = {"boolean": "true or false", "integer": "a whole number", "string": "text"}[told["type"]]
        kind = "one of them" if choices else kind + _range(told.get("minimum"), told.get("maximum"))
        rows.append((f"`{key}`", _value(told["default"]), kind, what))
    yield from table(("key", "default", "is", "what"), rows)
    yield "### Shortcuts\n"
    yield "They can be changed in the same editor, under _Keyboard Shortcuts_.\n"
    shortcuts = [
        (" then ".join(f"`{keys.replace(' ', '+')}`" for keys in one["keys"]), f"`{one['command']}`")
        for one in schema["jupyter.lab.shortcuts"]
    ]
    yield from table(("keys", "command"), shortcuts)


def _variables() -> Iterator[str]:
    _same("GIVEN", GIVEN, RUN_VARIABLES)
    _same("GIVEN and READ", [*GIVEN, *READ], _variables_in_source())
    head = ("variable", "what")
    yield "## Environment variables\n"
    yield "### That a task gets\n"
    yield paragraph(
        "The environment of who queued it, `global_env`, and its own variables (`jupyter pyruns env`), each "
        "over the ones before; then these, and what activating a virtual or conda environment sets "
        "([more](disk-format.md#what-it-is-started-with))."
    )
    yield from table(head, ((f"`{name}`", about) for name, about in GIVEN.items()))
    yield paragraph(
        "`PYTHONUNBUFFERED`, `PYTHONIOENCODING` and `PYTHONUTF8` are set so that logs are live and UTF-8. "
        "`CUDA_VISIBLE_DEVICES` names the GPUs that a task was given."
    )
    yield "### That Pyruns reads\n"
    yield "They have to be set for the server, its kernels and terminals alike.\n"
    ranks = {
        ", ".join(
            _RANKS
        ): "in a script: which of several processes of a task this is; the first one set counts"
    }
    told = {**READ, **OTHERS, **ranks}
    yield from table(head, ((_names(names), about) for names, about in told.items()))
    yield "Variables that only the tests know are in `CONTRIBUTING.md`.\n"


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
