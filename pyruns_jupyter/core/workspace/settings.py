"""`_pyruns_settings.yaml`: the settings of a project, shared with the command-line program `pyruns`.

Source of the keys: `docs/disk-format.md`. Keys that nobody here knows are kept in `Settings.values`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable, shown
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .cluster_settings import ClusterSettings

MAX_BYTES = 1024 * 1024
MAX_SWEEP = 10_000
MAX_GPUS = 64  # of a task
MAX_SWEEP_LIMIT = 1_000_000  # a larger `sweep_limit` counts as this: its values are held in memory
_DEFAULTS = "Default settings are used."
_MAX_PARSED = 64  # files
_MAX_DIGITS = 1000  # of a number in `global_env`

DEFAULT_TEXT = """\
# Settings of this project, for all its workspaces. Edit freely; a key that is missing has its default.

# How Python tasks are started
python_executable:                # absolute path (or of an environment); empty = the Python that runs Pyruns
conda_env:                        # name or folder of a conda environment, used without python_executable
global_env: {}                    # environment variables of every task; a task's own ones win

# How shell tasks are started
shell_mode: follow                # follow = the shell you work in; custom = shell_executable
shell_executable:                 # absolute path, used with shell_mode: custom

# Limits and times of this program
# snapshot_code: false            # store the code when tasks are queued, and run that: edit on meanwhile
# pass_defaults: false            # true = tasks are also passed what equals the default of their script
# sweep_limit: 10000              # tasks that one sweep may make
# stop_grace_seconds: 10          # between asking a task to stop and killing it
# terminal: true                  # false = output goes straight into the log: faster, no colours, no bars
# terminal_columns: 120           # the size that programs believe their terminal has
# terminal_rows: 30
# log_limit_mb: 100               # of a log, beyond which only its last 256 KiB are kept; default: no limit
# max_jobs: auto                  # parallel tasks of the whole project; auto = one per usable CPU core
# stop_after_failures: 0          # give a batch up after so many equal failures in a row; 0 = never
# resume: false                   # queue again what a restart of the machine or container ended
# silent_after_minutes: 10        # without output and points until a running task is flagged; 0 = never
# scheduler_linger_seconds: 2     # how long the scheduler stays when nothing is left to do

# A cluster to run on (Slurm), from a machine that submits to it
# engine: slurm                   # default: local = on this machine; the next keys are what a job asks for
# slurm: {partition: gpu, account: lab, gpus: 1, cpus: 4, memory: 16G, time: 4h, extra: [--qos=high]}
# workspaces: {train: {engine: slurm, slurm: {memory: 64G}}}   # of single workspaces, also pass_defaults

# For the command-line program pyruns, which shares this file
header_refresh_interval: 3        # seconds between two measurements of the machine
monitor_chunk_size: 50000         # bytes of a log loaded at a time
monitor_scrollback: 100000        # lines of a log kept in view

# GPUs (NVIDIA)
# default_gpus: auto              # of each task; auto = 1 where the script imports a GPU framework
gpu_scheduler_enabled: false              # tasks wait until GPUs are free
gpu_scheduler_task_mode: single           # single | multi
gpu_scheduler_selection_mode: auto        # auto | specified
gpu_scheduler_gpus_per_task: 1            # with task_mode multi
gpu_scheduler_device_ids: []              # auto: the GPUs to choose from; specified: exactly these
gpu_scheduler_min_free_memory_gb: 8.0     # GiB that must be free on a GPU
gpu_scheduler_min_idle_pct: 70            # percent of a GPU that must be idle
gpu_scheduler_stable_seconds: 15          # for how long both must hold
gpu_scheduler_max_wait_seconds: 172800
gpu_scheduler_respect_cuda_visible_devices: true
gpu_scheduler_require_same_gpu_model: false
"""


_parsed: dict[Path, tuple[bytes, Settings]] = {}


@dataclass(frozen=True)
class GpuSettings:
    """How tasks get GPUs: the keys `gpu_scheduler_*`, which the program `pyruns` has too.

    `count` GPUs a task when `enabled`; `devices` are indices or UUIDs to choose from.
    """

    enabled: bool = False
    count: int = 1
    devices: tuple[str, ...] = ()
    min_free_memory_gb: float = 8.0
    min_idle_pct: float = 70.0
    stable_seconds: float = 15.0
    max_wait_seconds: float = 172_800.0
    respect_visible: bool = True
    same_model: bool = False


@dataclass(frozen=True)
class Settings:
    """The settings of one project. `values` holds every key of the file as it was read.

    `problem` says in sentences that the file could not be understood (all settings are defaults then), or
    which values have the wrong type (these have their defaults).
    """

    python_executable: str = ""
    conda_env: str = ""
    conda_executable: str = "conda"
    global_env: Mapping[str, str] = field(default_factory=dict)
    shell_mode: str = "follow"
    shell_executable: str = ""
    header_refresh_interval: float = 3.0
    monitor_chunk_size: int = 50_000
    monitor_scrollback: int = 100_000
    sweep_limit: int = MAX_SWEEP
    snapshot_code: bool = False
    pass_defaults: bool = False
    pass_defaults_in: Mapping[str, bool] = field(default_factory=dict)  # single workspaces, by name
    stop_grace_seconds: float = 10.0
    terminal: bool = True
    terminal_columns: int = 120
    terminal_rows: int = 30
    log_limit_mb: float | None = None
    gpus: GpuSettings = field(default_factory=GpuSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    max_jobs: int | None = None  # None: auto
    default_gpus: int | None = None  # None: auto
    stop_after_failures: int = 0
    resume: bool = False
    silent_after_minutes: float = 10.0
    scheduler_linger_seconds: float = 2.0
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Read the settings in `root` (the `_pyruns_` folder); a missing file means defaults.

        A file that did not change is not parsed again, also in forks of a process that did.
        """
        path = root / SETTINGS_NAME
        try:
            data = read_whole(path, most=MAX_BYTES)[0]
            known = _parsed.get(path)
            if known is not None and known[0] == data:
                return known[1]
            settings = cls.parse(data, path)
            if len(_parsed) >= _MAX_PARSED:
                _parsed.clear()
            _parsed[path] = data, settings
            return settings
        except FileNotFoundError:
            return cls()
        except Unreadable as error:
            return cls(problem=f"{error.message} {_DEFAULTS}")
        except OSError as error:
            return cls(problem=f"{path} cannot be read: {error.strerror or error}. {_DEFAULTS}")

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Settings:
        """Return the settings in `data`, which came from `path`."""
        import yaml

        from pyruns_jupyter.core.config.yamltext.values import check_depth

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            text = data.decode("utf-8-sig")
            check_depth(text)
            values = yaml.load(text, Loader=loader)  # a safe loader in both cases
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            place = f" in line {mark.line + 1}" if mark else ""
            return cls(problem=f"{path} is not valid YAML{place}: {error.problem}. {_DEFAULTS}")
        except UnicodeDecodeError as error:
            return cls(problem=f"{path} is not UTF-8 text (byte {error.start}). {_DEFAULTS}")
        except yaml.reader.ReaderError as error:
            return cls(
                problem=f"{path} is not valid YAML: character {error.position + 1} is none that YAML allows. "
                f"{_DEFAULTS}"
            )
        except (ValueError, RecursionError) as error:
            return cls(problem=f"{path} is not valid YAML: {error}. {_DEFAULTS}")
        except Exception:  # noqa: BLE001  # what that reader raises for `!!int ""`, `!!bool x`, `!!timestamp x`
            return cls(problem=f"{path} is not valid YAML: a value does not fit its type. {_DEFAULTS}")
        if values is None:
            values = {}
        if not isinstance(values, dict):
            return cls(problem=f"{path} should hold `key: value` lines. {_DEFAULTS}")
        try:
            return _typed(values, path)
        except Exception:  # noqa: BLE001  # the project has to stay reachable, so that this can be mended
            return cls(problem=f"{path} holds a value that cannot be used. {_DEFAULTS}")

    @property
    def python(self) -> str:
        """The interpreter of Python tasks: the one set, else the one that runs us."""
        return self.python_executable or sys.executable

    @property
    def log_limit(self) -> int | None:
        """The most bytes of output that a log holds, None without a limit."""
        return None if self.log_limit_mb is None else int(self.log_limit_mb * 1_000_000)

    def passes_defaults(self, workspace: str) -> bool:
        """Tell whether the tasks of a workspace are also passed what equals the default of their script."""
        return self.pass_defaults_in.get(workspace, self.pass_defaults)

    def shell(self) -> str | None:
        """Return the shell of new shell tasks: the custom one, else the one that people work in here; None
        without any.
        """
        from .shells import working_shell

        if self.shell_mode == "custom" and self.shell_executable:
            return shutil.which(self.shell_executable)
        return working_shell()

    def interpreter_problem(self) -> str | None:
        """Return a sentence when Python tasks cannot be started for lack of an interpreter, else None.

        Whether a conda environment is there is seen when a run starts: looking for it takes time.
        """
        if self.conda_env and not self.python_executable:
            return None
        python = os.path.expanduser(self.python)
        if shutil.which(python) or os.path.isdir(python):
            return None
        return (
            f"The Python interpreter {self.python} does not exist or cannot be executed. "
            f"Change python_executable in {SETTINGS_NAME}."
        )

    def shell_problem(self) -> str | None:
        """Return a sentence when shell tasks cannot be started, else None."""
        if self.shell():
            return None
        if self.shell_mode == "custom":
            return (
                f"The shell {self.shell_executable or '(none)'} does not exist or cannot be executed. "
                f"Change shell_executable in {SETTINGS_NAME}."
            )
        return f"No shell was found. Set shell_mode: custom and shell_executable in {SETTINGS_NAME}."


def _typed(values: dict[Any, Any], path: Path) -> Settings:
    known: dict[str, Any] = {}
    problems: list[str] = []

    def take(key: str, expected: str, convert: Any) -> None:
        value = values.get(key)
        if value is None:
            return
        converted = convert(value)
        if converted is None:
            problems.append(
                f"{key} in {path} should be {expected}, but is {shown(value)}. Its default is used."
            )
        else:
            known[key] = converted

    for key in ("python_executable", "conda_env", "conda_executable", "shell_executable"):
        take(key, "text", _text)
    take("shell_mode", "follow or custom", lambda value: value if value in ("follow", "custom") else None)
    for key in ("snapshot_code", "pass_defaults", "resume", "terminal"):
        take(key, "true or false", _flag)
    take("global_env", "a mapping of names (without =) to texts, numbers, true or false", _environment)
    take("header_refresh_interval", "a positive number of seconds", _positive)
    take("log_limit_mb", "a positive number of megabytes", _positive)
    for key in ("terminal_columns", "terminal_rows"):
        take(key, "a whole number from 1 to 10000", _size)
    for key in ("stop_grace_seconds", "scheduler_linger_seconds"):
        take(key, "a number of seconds, 0 or more", _seconds)
    take("silent_after_minutes", "a number of minutes, 0 or more", _seconds)
    take("sweep_limit", "a positive whole number", _sweep_limit)
    for key in ("monitor_chunk_size", "monitor_scrollback"):
        take(key, "a positive whole number", _count)
    if values.get("max_jobs") != "auto":
        take("max_jobs", "auto or a positive whole number", _count)
    if values.get("default_gpus") != "auto":
        take("default_gpus", f"auto or a whole number from 0 to {MAX_GPUS}", _gpus)
    take("stop_after_failures", "a whole number, 0 or more", _count_or_none)
    _take_gpus(take, known)
    known["cluster"], wrong = ClusterSettings.parse(values)
    problems += [f"{path}: {one} It is not used." for one in wrong]
    known["pass_defaults_in"] = _passing(values.get("workspaces"), path, problems)
    kept = {key: value for key, value in values.items() if isinstance(key, str)}
    return Settings(**known, values=kept, problem=" ".join(problems) or None)


def _passing(workspaces: Any, path: Path, problems: list[str]) -> dict[str, bool]:
    """Return `pass_defaults` of single workspaces; what else these may have is the cluster's."""
    found: dict[str, bool] = {}
    for name, one in workspaces.items() if isinstance(workspaces, dict) else ():
        value = one.get("pass_defaults") if isinstance(one, dict) and isinstance(name, str) else None
        if isinstance(value, bool):
            found[name] = value
        elif value is not None:
            problems.append(
                f"workspaces.{name[:80]}.pass_defaults in {path} should be true or false, but is "
                f"{shown(value)}. It is not used."
            )
    return found


def _take_gpus(take: Callable[..., None], known: dict[str, Any]) -> None:
    """Gather the keys of the GPUs under `gpus`."""
    prefix = "gpu_scheduler_"
    rules: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
        "enabled": ("enabled", "true or false", _flag),
        "task_mode": ("task_mode", "single or multi", lambda value: _one_of(value, "single", "multi")),
        "selection_mode": ("mode", "auto or specified", lambda value: _one_of(value, "auto", "specified")),
        "gpus_per_task": ("count", "a positive whole number", _count),
        "device_ids": ("devices", "a list of indices or UUIDs", _devices),
        "min_free_memory_gb": ("min_free_memory_gb", "a number of GiB, 0 or more", _seconds),
        "min_idle_pct": ("min_idle_pct", "a percentage from 0 to 100", _percentage),
        "stable_seconds": ("stable_seconds", "a number of seconds, 0 or more", _seconds),
        "max_wait_seconds": ("max_wait_seconds", "a positive number of seconds", _positive),
        "respect_cuda_visible_devices": ("respect_visible", "true or false", _flag),
        "require_same_gpu_model": ("same_model", "true or false", _flag),
    }
    for key, (_, expected, convert) in rules.items():
        take(f"{prefix}{key}", expected, convert)
    found = {name: known.pop(prefix + key) for key, (name, *_) in rules.items() if prefix + key in known}
    mode, selection = found.pop("task_mode", "single"), found.pop("mode", "auto")
    if selection == "specified" and found.get("devices"):
        found["count"] = len(found["devices"])  # exactly these
    elif mode == "single":
        found["count"] = 1
    known["gpus"] = GpuSettings(**found)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _one_of(value: Any, *words: str) -> str | None:
    return value if value in words else None


def _percentage(value: Any) -> float | None:
    number = _seconds(value)
    return number if number is not None and number <= 100 else None


def _devices(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    if not all(type(one) is str or (type(one) is int and 0 <= one < 10**6) for one in value):
        return None
    return tuple(dict.fromkeys(str(one).strip() for one in value))


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and "\0" not in value else None


def _positive(value: Any) -> float | None:
    return _seconds(value) or None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 1e9 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 10**9 else None


def _gpus(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_GPUS else None


def _size(value: Any) -> int | None:
    size = _count(value)
    return size if size is not None and size <= 10_000 else None


def _sweep_limit(value: Any) -> int | None:
    count = _count(value)
    return None if count is None else min(count, MAX_SWEEP_LIMIT)


def _count_or_none(value: Any) -> int | None:
    return 0 if type(value) is int and value == 0 else _count(value)


def _environment(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    result: dict[str, str] = {}
    for key, item in value.items():
        name, text = _environment_text(key), _environment_text(item)
        if text is None or not name or "=" in name or "\0" in name or "\0" in text:
            return None
        result[name] = text
    return result


def _environment_text(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**_MAX_DIGITS:
        return None
    return str(value) if isinstance(value, (str, int, float)) else None
