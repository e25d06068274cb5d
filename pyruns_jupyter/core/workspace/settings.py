"""`_pyruns_settings.yaml`: the settings of a project, shared with the command-line program `pyruns`.

Source of the keys: `docs/disk-format.md`. Unknown keys are kept in `Settings.values`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, Unreadable, shown
from pyruns_jupyter.core.common.validation import describe
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.expressions import Direction
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .cluster_settings import ClusterSettings
from .default_settings import DEFAULT_TEXT, default_values
from .metric_settings import MetricSettings

MAX_BYTES = 1024 * 1024
MAX_SWEEP = 10_000
MAX_GPUS = 64  # of a task
MAX_SWEEP_LIMIT = 1_000_000  # the maximum of `sweep_limit`: the values of a sweep are held in memory
_DEFAULTS = "Default settings are used."
_LOCK_SECONDS = 5.0
_MAX_DIGITS = 1000  # of a number in `global_env`
_ENVIRONMENT = "a mapping of names (without =) to texts, numbers or booleans"
_AUTO = ("max_jobs", "default_gpus")  # keys whose value may be `auto`, which is their default
_OTHERS = (
    "global_env",
    "pass_defaults_in",
    "as_module_in",
    "metrics",
    "alerts",
    "alerts_in",
    "gpus",
    "cluster",
    "log_patterns",
    "values",
    "problem",
)  # not read by `_known`


_Text = Annotated[str, Meta(pattern=r"^[^\0]*$", description="text")]
_Seconds = Annotated[float, Meta(ge=0, lt=1e9, description="a number of seconds, 0 or more")]
_Positive = Annotated[float, Meta(gt=0, lt=1e9, description="a positive number of seconds")]
_Count = Annotated[int, Meta(ge=1, le=10**9, description="a positive whole number")]
_Size = Annotated[int, Meta(ge=1, le=10_000)]


class GpuSettings(Struct, frozen=True):
    """How tasks get GPUs: the keys `gpu_scheduler_*`, which the program `pyruns` has too.

    `count` GPUs per task if `enabled`; `devices` are indices or UUIDs to choose from.
    """

    enabled: bool = False
    count: _Count = 1
    devices: tuple[str, ...] = ()
    min_free_memory_gb: Annotated[float, Meta(ge=0, lt=1e9, description="a number of GiB, 0 or more")] = 8.0
    min_idle_pct: Annotated[float, Meta(ge=0, le=100, description="a percentage from 0 to 100")] = 70.0
    stable_seconds: _Seconds = 15.0
    max_wait_seconds: _Positive = 172_800.0
    respect_visible: bool = True
    same_model: bool = False


# Types of values in the file that differ from those of the fields.
_GPU_KINDS: dict[str, Any] = {
    "task_mode": Annotated[Literal["single", "multi"], Meta(description="single or multi")],
    "selection_mode": Annotated[Literal["auto", "specified"], Meta(description="auto or specified")],
    "devices": Annotated[
        list[str | Annotated[int, Meta(ge=0, lt=10**6)]], Meta(description="a list of indices or UUIDs")
    ],
}
_GPU_KEYS = {
    "count": "gpus_per_task",
    "devices": "device_ids",
    "respect_visible": "respect_cuda_visible_devices",
    "same_model": "require_same_gpu_model",
}


class Settings(Struct, frozen=True):
    """The settings of one project. `values` contains all keys of the file, unchanged.

    `problem` says in sentences why the file cannot be read (then all settings have their defaults), or which
    values are invalid (these have their defaults).
    """

    python_executable: _Text = ""
    conda_env: _Text = ""
    conda_executable: _Text = "conda"
    global_env: Mapping[str, str] = field(default_factory=dict)
    shell_mode: Annotated[Literal["follow", "custom"], Meta(description="follow or custom")] = "follow"
    shell_executable: _Text = ""
    header_refresh_interval: _Positive = 3.0
    monitor_chunk_size: _Count = 50_000
    monitor_scrollback: _Count = 100_000
    sweep_limit: _Count = MAX_SWEEP
    snapshot_code: bool = False
    pass_defaults: bool = False
    pass_defaults_in: Mapping[str, bool] = field(default_factory=dict)  # single workspaces, by name
    as_module_in: Mapping[str, bool] = field(default_factory=dict)
    metrics: Mapping[str, Direction] = field(default_factory=dict)  # their goals
    alerts: tuple[str, ...] = ()
    alerts_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stop_grace_seconds: _Seconds = 10.0
    terminal: bool = True
    terminal_columns: _Size = 120
    terminal_rows: _Size = 30
    log_limit_mb: (
        Annotated[float, Meta(gt=0, lt=1e9, description="a positive number of megabytes")] | None
    ) = None
    gpus: GpuSettings = field(default_factory=GpuSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    log_patterns: MetricSettings = field(default_factory=MetricSettings)
    max_jobs: Annotated[int, Meta(ge=1, le=10**9, description="auto or a positive whole number")] | None = (
        None  # None: auto
    )
    default_gpus: (
        Annotated[int, Meta(ge=0, le=MAX_GPUS, description=f"auto or a whole number from 0 to {MAX_GPUS}")]
        | None
    ) = None  # None: auto
    system_metrics: bool = True
    stop_after_failures: Annotated[int, Meta(ge=0, le=10**9, description="a whole number, 0 or more")] = 0
    resume: bool = False
    silent_after_minutes: Annotated[
        float, Meta(ge=0, lt=1e9, description="a number of minutes, 0 or more")
    ] = 10.0
    scheduler_linger_seconds: _Seconds = 2.0
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Read the settings in `root` (the `_pyruns_` folder); a missing file means defaults.

        An unchanged file is not parsed again, not even in forks of a process that did.
        """
        path = root / SETTINGS_NAME
        try:
            return _parse(read_whole(path, most=MAX_BYTES)[0], path)
        except FileNotFoundError:
            return cls()
        except Unreadable as error:
            return cls(problem=f"{error.message} {_DEFAULTS}")
        except OSError as error:
            return cls(problem=f"{path} cannot be read: {error.strerror or error}. {_DEFAULTS}")

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Settings:
        """Return the settings in `data`, which came from `path`."""
        if data == DEFAULT_TEXT.encode():  # most projects never change it
            return cls(values=default_values())
        import yaml

        from pyruns_jupyter.core.config.yamltext.depth import check_depth

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            text = data.decode("utf-8-sig")
            check_depth(text)
            values = yaml.load(text, Loader=loader)  # a safe loader in both cases
        except Exception as error:  # noqa: BLE001  # PyYAML raises others too, as for `!!int ""` or `!!bool x`
            return cls(problem=f"{path} {_yaml_problem(error)}. {_DEFAULTS}")
        if values is None:
            values = {}
        if not isinstance(values, dict):
            return cls(problem=f"{path} must consist of `key: value` lines. {_DEFAULTS}")
        try:
            return _typed(values, path)
        except ImportError:  # of a package that was removed: the settings are not wrong
            raise
        except Exception:  # noqa: BLE001  # the project must open anyway, so that the file can be corrected
            return cls(problem=f"{path} contains an invalid value. {_DEFAULTS}")

    @property
    def python(self) -> str:
        """The interpreter of Python tasks: `python_executable`, else the one of this process."""
        return self.python_executable or sys.executable

    @property
    def known_python(self) -> str:
        """The interpreter or environment of Python tasks, which conda may know by name only."""
        return self.python if self.python_executable else self.conda_env or self.python

    @property
    def log_limit(self) -> int | None:
        """The maximum size of a log in bytes, None without a limit."""
        return None if self.log_limit_mb is None else int(self.log_limit_mb * 1_000_000)

    def passes_defaults(self, workspace: str) -> bool:
        """Return whether tasks of a workspace are also passed values that equal the script's defaults."""
        return self.pass_defaults_in.get(workspace, self.pass_defaults)

    def alert_rules(self, workspace: str) -> tuple[str, ...]:
        """Return the alert rules for the runs of a workspace."""
        return (*self.alerts, *self.alerts_in.get(workspace, ()))

    def shell(self) -> str | None:
        """Return the shell of new shell tasks: the custom one, else the one that the user works in; None if
        there is none.
        """
        from .shells import working_shell

        if self.shell_mode == "custom" and self.shell_executable:
            from shutil import which  # slow to import

            return which(self.shell_executable)
        return working_shell()

    def interpreter_problem(self) -> str | None:
        """Return a sentence if the interpreter of Python tasks is missing, else None.

        A conda environment is checked only when a run starts, since that takes time.
        """
        if self.conda_env and not self.python_executable:
            return None
        python = os.path.expanduser(self.python)
        if os.path.isdir(python) or (os.path.isabs(python) and os.access(python, os.X_OK)):
            return None
        from shutil import which  # slow to import

        if which(python):
            return None
        return (
            f"The Python interpreter {self.python} does not exist or cannot be executed. "
            f"Change python_executable in {SETTINGS_NAME}."
        )

    def shell_problem(self) -> str | None:
        """Return a sentence if the shell of shell tasks is missing, else None."""
        if self.shell():
            return None
        if self.shell_mode == "custom":
            return (
                f"The shell {self.shell_executable or '(none)'} does not exist or cannot be executed. "
                f"Change shell_executable in {SETTINGS_NAME}."
            )
        return f"No shell was found. Set shell_mode: custom and shell_executable in {SETTINGS_NAME}."


@lru_cache(maxsize=64)
def _parse(data: bytes, path: Path) -> Settings:
    return Settings.parse(data, path)


def _yaml_problem(error: Exception) -> str:
    import yaml

    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark
        return f"is not valid YAML{f' in line {mark.line + 1}' if mark else ''}: {error.problem}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"is not valid YAML: character {error.position + 1} is not allowed"
    if isinstance(error, (ValueError, RecursionError)):
        return f"is not valid YAML: {error}"
    return "is not valid YAML, because a value does not match its type"


def settings_text(root: Path) -> str:
    """Return the text of the settings in `root` (the `_pyruns_` folder), by default that of a new project.

    Raises:
        Unreadable: if the file is not text, or cannot be read.
    """
    try:
        return read_text(root / SETTINGS_NAME, follow=False)
    except FileNotFoundError:
        return DEFAULT_TEXT


def change_settings(root: Path, text: str, *, expected: str) -> None:
    """Replace the settings by `text`, if they still are `expected`.

    Raises:
        InvalidInput: if `text` contains an invalid value.
        Conflict: if another process has changed the settings.
        Unreadable: if the settings cannot be read.
        Busy: if another process is changing them.
        OSError: if they cannot be written.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "The settings contain characters that are not valid Unicode. Remove them.", field="text"
        ) from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(
            f"The settings may have at most {MAX_BYTES >> 20} MiB. Shorten them.", field="text"
        )
    path = root / SETTINGS_NAME
    problem = Settings.parse(data, path).problem
    if problem is not None:
        raise InvalidInput(problem, field="text")
    with locked(root / f".{SETTINGS_NAME}.lock", timeout=_LOCK_SECONDS):
        if settings_text(root) != expected:
            raise Conflict(f"{SETTINGS_NAME} was changed by another process. Reload it and try again.")
        write_atomic(path, data)


def _typed(values: dict[Any, Any], path: Path) -> Settings:
    problems: list[str] = []
    wanted = {key: value for key, value in values.items() if key not in _AUTO or value != "auto"}
    known = _known(_kinds(Settings), {}, wanted, path, problems)
    known["gpus"] = _gpu_settings(values, path, problems)
    if "sweep_limit" in known:
        known["sweep_limit"] = min(known["sweep_limit"], MAX_SWEEP_LIMIT)
    if (given := values.get("global_env")) is not None:
        environment = _environment(given)
        if environment is None:
            problems.append(_problem("global_env", _ENVIRONMENT, given, path))
        else:
            known["global_env"] = environment
    known["cluster"], wrong = ClusterSettings.parse(values)
    wrong_goals: list[str] = []
    if (goals := values.get("metrics")) is not None:
        from pyruns_jupyter.core.metrics.goals import parse_goals  # few projects have goals

        known["metrics"], wrong_goals = parse_goals(goals)
    known["log_patterns"], wrong_patterns = MetricSettings.parse(values)
    wrong = [*wrong, *wrong_goals, *wrong_patterns]
    problems += [f"{path}: {one} This setting is ignored." for one in wrong]
    known["pass_defaults_in"] = _flags_in(values.get("workspaces"), "pass_defaults", path, problems)
    known["as_module_in"] = _flags_in(values.get("workspaces"), "as_module", path, problems)
    known["alerts"], known["alerts_in"] = _alert_rules(values, path, problems)
    kept = {key: value for key, value in values.items() if isinstance(key, str)}
    return Settings(**known, values=kept, problem=" ".join(problems) or None)


def _known(
    kinds: Mapping[str, Any],
    keys: Mapping[str, str],
    values: Mapping[Any, Any],
    path: Path,
    problems: list[str],
) -> dict[str, Any]:
    """Return the values of fields of these `kinds`; `keys` has the names in the file that differ."""
    known: dict[str, Any] = {}
    for name, kind in kinds.items():
        key = keys.get(name, name)
        value = values.get(key)
        if value is None:
            continue
        try:
            found = msgspec.convert(value, kind)
        except (msgspec.ValidationError, UnicodeEncodeError):
            problems.append(_problem(key, describe(kind), value, path))
        else:
            known[name] = found.strip() if isinstance(found, str) else found
    return known


def _problem(key: str, expected: str, value: object, path: Path) -> str:
    return f"{key} in {path} must be {expected}, not {shown(value)}. The default is used."


@cache
def _kinds(owner: type) -> dict[str, Any]:
    """Return the types of the values of fields in the file."""
    hints = get_type_hints(owner, include_extras=True)
    return {key: kind for key, kind in hints.items() if key not in _OTHERS}


def _flags_in(workspaces: Any, key: str, path: Path, problems: list[str]) -> dict[str, bool]:
    """Return `key` of single workspaces, whose other keys belong to the cluster settings."""
    found: dict[str, bool] = {}
    for name, one in workspaces.items() if isinstance(workspaces, dict) else ():
        value = one.get(key) if isinstance(one, dict) and isinstance(name, str) else None
        if isinstance(value, bool):
            found[name] = value
        elif value is not None:
            problems.append(
                f"workspaces.{name[:80]}.{key} in {path} must be true or false, not "
                f"{shown(value)}. This setting is ignored."
            )
    return found


def _alert_rules(
    values: Mapping[Any, Any], path: Path, problems: list[str]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the alert rules of all workspaces, and those of single ones."""
    given, workspaces = values.get("alerts"), values.get("workspaces")
    single = {
        name: one["alerts"]
        for name, one in (workspaces.items() if isinstance(workspaces, dict) else ())
        if isinstance(name, str) and isinstance(one, dict) and one.get("alerts") is not None
    }
    if given is None and not single:
        return (), {}
    from pyruns_jupyter.core.alerts.rules import valid_rules  # few projects have rules

    def rules(key: str, listed: Any) -> tuple[str, ...]:
        found, wrong = valid_rules(listed)
        problems.extend(f"{key} in {path}: {one} This rule is ignored." for one in wrong)
        return found

    shared = () if given is None else rules("alerts", given)
    return shared, {name: rules(f"workspaces.{name[:80]}.alerts", one) for name, one in single.items()}


def _gpu_settings(values: Mapping[Any, Any], path: Path, problems: list[str]) -> GpuSettings:
    kinds = {**_kinds(GpuSettings), **_GPU_KINDS}
    keys = {name: f"gpu_scheduler_{_GPU_KEYS.get(name, name)}" for name in kinds}
    found = _known(kinds, keys, values, path, problems)
    found["devices"] = tuple(dict.fromkeys(str(one).strip() for one in found.get("devices", ())))
    mode, selection = found.pop("task_mode", "single"), found.pop("selection_mode", "auto")
    if selection == "specified" and found["devices"]:
        found["count"] = len(found["devices"])  # exactly these
    elif mode == "single":
        found["count"] = 1
    return GpuSettings(**found)


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
