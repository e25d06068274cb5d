"""What a run is started with: command line, working folder, environment.

Source of the rules: `docs/disk-format.md`, "What a task is started with".
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.configfile import parse_config
from pyruns_jupyter.core.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.layout import SCRIPT_CONFIG, SETTINGS_NAME, SHELL_CONFIG, TaskPaths
from pyruns_jupyter.core.parameters.argv import build_argv
from pyruns_jupyter.core.parameters.reading import read_parameters
from pyruns_jupyter.core.settings import Settings
from pyruns_jupyter.core.taskfile import TaskInfo
from pyruns_jupyter.core.textfiles import read_text
from pyruns_jupyter.core.workspace import WorkspaceFolder

from .base import Job
from .shells import shell_argv, shell_of
from .sources import script_hash

INPUT_PREFIX = ".pyruns-input-"


@dataclass(frozen=True)
class Command:
    """How to start one run. `payload_copy` is its private copy of the configuration, removed at the end."""

    argv: list[str]
    workdir: str
    environment: dict[str, str]
    task_environment: dict[str, str]
    kind: str
    payload_file: str
    payload_text: str
    payload_copy: Path
    script: Path | None
    shell: str | None
    script_state: str

    @property
    def text(self) -> str:
        """The command line as one line for people."""
        return " ".join(self.argv)


def _is_shell_task(info: TaskInfo, paths: TaskPaths) -> bool:
    """Tell whether a task runs in a shell; old and damaged task files may not say so."""
    kind = info.get("task_kind")
    return kind == "shell" or (kind is None and (paths.folder / SHELL_CONFIG).is_file())


def build_command(job: Job, info: TaskInfo, *, run: int) -> Command:
    """Return how to start run `run` of a task; makes the private copy of its configuration.

    Raises:
        PyrunsError: with a sentence, when it cannot be started; no copy is left behind then.
    """
    paths = job.paths
    settings = Settings.load(job.root)
    task_environment = _texts(info.get("env"))
    environment = {**job.environment, **settings.global_env, **task_environment}
    if environment.get("TERM", "dumb") == "dumb":
        environment["TERM"] = "xterm-256color"
    environment.update(
        PYTHONUNBUFFERED="1",
        PYTHONIOENCODING="utf-8",
        PYTHONUTF8="1",
        PYRUNS_RUN_INDEX=str(run),
        PYRUNS_RUN_ATTEMPT_ID=job.attempt,
        PYRUNS_TASK_DIR=str(paths.folder),
    )
    if _is_shell_task(info, paths):
        return _shell_command(job, info, settings, environment, task_environment)
    return _script_command(job, info, settings, environment, task_environment)


def _script_command(
    job: Job, info: TaskInfo, settings: Settings, environment: dict[str, str], own_environment: dict[str, str]
) -> Command:
    script = _script(job, info)
    if problem := settings.conda_problem():
        raise InvalidInput(problem, field="conda_env")
    python = _python(settings.python_executable or job.python, environment.get("PATH"))
    name, text = _payload(job.paths, info, SCRIPT_CONFIG)
    parameters = read_parameters(_source(script), filename=str(script))
    words = build_argv(parameters, parse_config(text, name)) if parameters.kind == "argparse" else []
    copy = _private_copy(job.paths, name, text)
    environment["__PYRUNS_CONFIG__"] = str(copy)
    environment["__PYRUNS_ROOT__"] = str(job.root / job.workspace)
    return Command(
        argv=[python, str(script), *words],
        workdir=str(script.parent),
        environment=environment,
        task_environment=own_environment,
        kind="python",
        payload_file=name,
        payload_text=text,
        payload_copy=copy,
        script=script,
        shell=None,
        script_state=f"script {script_hash(script)}",
    )


def _shell_command(
    job: Job, info: TaskInfo, settings: Settings, environment: dict[str, str], own_environment: dict[str, str]
) -> Command:
    shell = shell_of(info, settings, environment.get("PATH"))
    workdir = _text(info.get("workdir")) or str(job.root.parent)
    if not Path(workdir).is_dir():
        raise NotFound(f"The working folder {workdir} of this task does not exist.")
    name, text = _payload(job.paths, info, SHELL_CONFIG)
    copy = _private_copy(job.paths, name, text)
    return Command(
        argv=shell_argv(shell, str(copy)),
        workdir=workdir,
        environment=environment,
        task_environment=own_environment,
        kind="shell",
        payload_file=name,
        payload_text=text,
        payload_copy=copy,
        script=None,
        shell=shell,
        script_state="script none",
    )


def _script(job: Job, info: TaskInfo) -> Path:
    stored = _text(info.get("script"))
    if stored and Path(stored).is_file():
        return Path(stored)
    moved = WorkspaceFolder(job.root / job.workspace).script
    if moved is not None:
        return moved
    raise NotFound(
        f"The script {stored or job.workspace + '.py'} does not exist, and there is none of its name beside "
        f"{job.root}."
    )


def _python(executable: str, search_path: str | None) -> str:
    found = shutil.which(executable, path=search_path)
    if found:
        return found
    raise NotFound(
        f"The Python interpreter {executable} does not exist or cannot be executed. "
        f"Change python_executable in {SETTINGS_NAME}."
    )


def _source(script: Path) -> bytes:
    try:
        return script.read_bytes()
    except OSError as error:
        raise Unreadable(f"The script {script} cannot be read: {error.strerror or error}.") from error


def _payload(paths: TaskPaths, info: TaskInfo, usual: str) -> tuple[str, str]:
    """Return the name and the text of a task's configuration."""
    name = _text(info.get("config_file")) or usual
    if name != os.path.basename(name) or name in (".", ".."):
        raise InvalidInput(
            f"The configuration {name!r} of this task lies outside its folder.", field="config_file"
        )
    try:
        return name, read_text(paths.folder / name)
    except FileNotFoundError:
        raise NotFound(f"The configuration {paths.folder / name} is missing.") from None


def _private_copy(paths: TaskPaths, name: str, text: str) -> Path:
    """Write the run's own copy, so that editing the configuration does not change what runs."""
    descriptor, copy = tempfile.mkstemp(prefix=INPUT_PREFIX, suffix=Path(name).suffix, dir=paths.folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except BaseException:
        os.unlink(copy)
        raise
    return Path(copy)


def private_copies(paths: TaskPaths) -> Iterator[Path]:
    """Yield the private copies in a task folder; of a task that does not run, all are left-overs."""
    return paths.folder.glob(f"{INPUT_PREFIX}*")


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    texts = {str(name): "" if item is None else str(item) for name, item in value.items()}
    return {
        name: text for name, text in texts.items() if name and "=" not in name and "\0" not in name + text
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""
