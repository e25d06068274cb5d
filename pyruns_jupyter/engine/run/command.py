"""The command of a run: command line, working folder, environment.

Source of the rules: `docs/disk-format.md`, "Command and environment".
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.fs.atomic import dump_json, write_atomic, write_new
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.text_files import read_source, read_text
from pyruns_jupyter.core.metrics.sources import mlflow, trackio
from pyruns_jupyter.core.provenance.git_state import script_hash
from pyruns_jupyter.core.taskfile.hydra_job import hydra_job_of
from pyruns_jupyter.core.taskfile.metadata import env_of
from pyruns_jupyter.core.taskfile.paths import (
    HYDRA_RUNNER,
    NOTEBOOK_RUNNER,
    NOTEBOOK_SUFFIX,
    SCRIPT_CONFIG,
    SHELL_CONFIG,
    TaskPaths,
    script_file,
)
from pyruns_jupyter.core.taskfile.task_file import OWN_KEY, TaskInfo
from pyruns_jupyter.core.trust.engine_key import trusted_engine
from pyruns_jupyter.core.workspace import shells
from pyruns_jupyter.core.workspace.relocation import task_script, task_workdir
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.gpus.visibility import hide_gpus, show_only
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.jobs import Job

from .checkpoints import continues_run
from .interpreters import interpreter_of

if TYPE_CHECKING:
    from pyruns_jupyter.core.provenance.snapshots import trees
    from pyruns_jupyter.core.scripts.argv import RunFiles

INPUT_PREFIX = ".pyruns-input-"
CHANGED_SCRIPT = "changed_script"  # folder among the artifacts of a run
_MODULE_RUNNER = "import runpy, sys; sys.path[0] = {!r}; runpy.run_module({!r}, None, '__main__', True)"


class RunCommand(NamedTuple):
    """How to start one run. `payload_copy` is its private copy of the configuration, removed at the end.

    So are `other_copies`, files with the values in other formats.
    """

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
    code_notes: tuple[str, ...] = ()  # sentences about other code that it starts from
    other_copies: tuple[Path, ...] = ()

    @property
    def text(self) -> str:
        """The command line as one line for users."""
        return " ".join(self.argv)


def _is_shell_task(info: TaskInfo, paths: TaskPaths) -> bool:
    """Return whether a task runs in a shell; in old and damaged task files `task_kind` may be missing."""
    kind = info.get("task_kind")
    return kind == "shell" or (kind is None and (paths.folder / SHELL_CONFIG).is_file())


def stored_code(job: Job, info: TaskInfo) -> AbstractContextManager[trees.Tree | None]:
    """Return a context that holds the tree of stored code that a job starts from.

    The tree is None for the project itself, which shell tasks always use as their working folder.

    Raises (on entering):
        PyrunsError: when the code is missing or damaged.
    """
    if not job.code or _is_shell_task(info, job.paths):
        return nullcontext(None)
    from pyruns_jupyter.core.provenance.snapshots import trees  # few projects store code

    return trees.use(job.root, job.code, trusted_engine(job.root), _say)


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def build_command(
    job: Job, info: TaskInfo, *, run: int, settings: Settings, tree: trees.Tree | None = None
) -> RunCommand:
    """Return the command of run `run` of a task, and create the private copy of its configuration. With a
    `tree`, it starts from that stored code.

    Raises:
        PyrunsError: when it cannot be started; no copy is left behind then.
    """
    paths = job.paths
    task_environment = env_of(info)
    environment = {**job.environment, **settings.global_env, **task_environment}
    if environment.get("TERM", "dumb") == "dumb":
        environment["TERM"] = "xterm-256color"
    trackio.set_folder(environment, paths.artifact_dir(run))
    environment.update(
        PYTHONUNBUFFERED="1",
        PYTHONIOENCODING="utf-8",
        PYTHONUTF8="1",
        PYRUNS_RUN_INDEX=str(run),
        PYRUNS_RUN_ATTEMPT_ID=job.attempt,
        PYRUNS_TASK_DIR=str(paths.folder),
        PYRUNS_CHECKPOINT_DIR=str(paths.checkpoints),
    )
    if continues_run(paths, info):
        environment["PYRUNS_RESUMED_FROM"] = str(run - 1)
    environment[mlflow.CONTEXT] = mlflow.context_of(environment, job.attempt)
    if job.gpus:
        show_only(environment, job.gpus)
        environment["PYRUNS_ASSIGNED_GPUS"] = ",".join(job.gpu_labels)
    elif job.options.gpus == 0:
        hide_gpus(environment)
    if _is_shell_task(info, paths):
        return _shell_command(job, info, settings, environment, task_environment)
    return _script_command(job, info, run, settings, environment, task_environment, tree)


def _script_command(
    job: Job,
    info: TaskInfo,
    run: int,
    settings: Settings,
    environment: dict[str, str],
    own_environment: dict[str, str],
    tree: trees.Tree | None,
) -> RunCommand:
    # The largest part of the program, which a scheduler with shell tasks only does not need.
    from pyruns_jupyter.core.create.asked import stored_answer, with_answer
    from pyruns_jupyter.core.scripts.argv import passes_words, run_files_of, run_words
    from pyruns_jupyter.core.scripts.reading import read_parameters
    from pyruns_jupyter.core.scripts.source.modules import module_of, project_folder

    hydra_job = hydra_job_of(info)
    script, source = _script(job, info, tree)
    python = interpreter_of(settings, job.python, environment)
    name, text = _payload(job.paths, info, SCRIPT_CONFIG)
    # Stored code may lack the files that mark the project's folder, such as `.git`.
    root = None if tree is None else tree.place_of(project_folder(script))
    parameters = read_parameters(
        read_source(source), filename=str(source), path=source, root=root, python=python
    )
    parameters = with_answer(parameters, stored_answer(job.root, source, project=root))
    words: list[str] = []
    files: RunFiles | None = None
    copies: dict[Path, bytes] = {}
    if hydra_job is not None:
        words = list(hydra_job.overrides)
    elif passes_words(parameters):
        passing = settings.passes_defaults(job.workspace)
        config = parse_config(text, name)
        files = run_files_of(parameters, config, name)
        for key, content in files.texts.items():
            file = job.paths.folder / f"{INPUT_PREFIX}{new_token()[:8]}{Path(key).suffix}"
            config[key], copies[file] = str(file), content.encode("utf-8")
        words = run_words(parameters, config, name, pass_defaults=passing)
    # A notebook is run by a module of ours, so the Python of the task needs this package.
    is_notebook = source.suffix.lower() == NOTEBOOK_SUFFIX
    start, workdir = [*(["-m", NOTEBOOK_RUNNER] if is_notebook else []), str(source)], script.parent
    packages = max(parameters.relative, 0 if hydra_job is None else hydra_job.packages)
    if not is_notebook and (packages or settings.as_module_in.get(job.workspace)):
        folder, module = module_of(script, packages)
        start, workdir = ["-m", module], folder
        if tree is not None:  # -m would import from the working folder first
            package = folder / module.partition(".")[0]
            place = tree.place_of(package if "." in module else script)
            if place is None:
                raise InvalidInput(
                    f"{package} is not part of the stored code. Put the project into a git repository, "
                    "or set snapshot_code: false."
                )
            start = ["-c", _MODULE_RUNNER.format(str(place.parent), module)]
    if hydra_job is not None:
        start = ["-m", HYDRA_RUNNER, *start]
    notes = () if tree is None else (f"Code snapshot {tree.digest[:12]}", *tree.notes)
    if files is not None and files.constants:
        if start[0] != str(source):
            raise InvalidInput("The constants of a script that is started as a module cannot be set.")
        start, changes = _start_changed(job, run, source, files.constants, environment)
        notes = (*changes, *notes)
    copy = _private_copy(job.paths, Path(name).suffix, text.encode("utf-8"))
    try:
        for file, data in copies.items():
            write_new(file, data, durable=False)
    except BaseException:
        remove_copies(job.paths, [copy.name, *(file.name for file in copies)])
        raise
    environment["__PYRUNS_CONFIG__"] = str(copy)
    environment["__PYRUNS_ROOT__"] = str(job.root / job.workspace)
    if tree is not None and "PYTHONPATH" in environment:
        environment["PYTHONPATH"] = _search_path(environment["PYTHONPATH"], workdir, tree)
    return RunCommand(
        argv=[python, *start, *words],
        workdir=str(workdir),
        environment=environment,
        task_environment=own_environment,
        kind="python",
        payload_file=name,
        payload_text=text,
        payload_copy=copy,
        script=script,
        shell=None,
        script_state=f"script {script_hash(source)}",
        code_notes=notes,
        other_copies=tuple(copies),
    )


def _start_changed(
    job: Job, run: int, source: Path, constants: Mapping[str, str], environment: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Write the copy of a script with other constants, and return how to start it, and notes for the log."""
    from pyruns_jupyter.core.scripts.script_constants import changed_script  # as in `_script_command`

    # In a folder of its own, since that comes first on the path of the run.
    place = job.paths.artifact_dir(run) / CHANGED_SCRIPT / source.name
    changed = changed_script(read_source(source), constants, str(source))
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(place, changed.source, durable=False)
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{source.parent}{os.pathsep}{known}" if known else str(source.parent)
    shown = ", ".join(f"{key} = {literal}" for key, literal in constants.items())
    notes = [f"A copy of the script with {shown}: {place}", changed.notice]
    return [str(place)], [one for one in notes if one]


def _shell_command(
    job: Job, info: TaskInfo, settings: Settings, environment: dict[str, str], own_environment: dict[str, str]
) -> RunCommand:
    shell = shells.shell_of_task(info, settings, environment.get("PATH"))
    workdir = str(task_workdir(WorkspaceFolder(job.root / job.workspace), info))
    try:
        is_folder = stat.S_ISDIR(os.stat(workdir).st_mode)  # `is_dir` ignores a disk that does not respond
    except (FileNotFoundError, NotADirectoryError):
        is_folder = False
    if not is_folder:
        raise NotFound(f"The working folder {workdir} of this task does not exist.")
    name, text = _payload(job.paths, info, SHELL_CONFIG)
    suffix = shells.script_suffix(shell) or Path(name).suffix
    copy = _private_copy(job.paths, suffix, shells.script_bytes(shell, text))
    return RunCommand(
        argv=shells.command_line(shell, str(copy)),
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


def _script(job: Job, info: TaskInfo, tree: trees.Tree | None) -> tuple[Path, Path]:
    """Return the script of a task, and the file to start, which differs if it starts from stored code."""
    stored = _text(info.get("script"))
    script = task_script(WorkspaceFolder(job.root / job.workspace), info)
    if tree is None:
        if script is not None:
            return script, script
    else:  # the script itself may have been removed
        default = job.root.parent / script_file(job.workspace)
        for candidate in (script, Path(stored) if stored else None, default):
            place = None if candidate is None else tree.place_of(candidate)
            if candidate is not None and place is not None:
                return candidate, place
        raise NotFound(
            f"The script {stored or default} is not part of the code snapshot that was created when "
            "the task was "
            f"queued ({tree.digest[:12]}). Queue the task again."
        )
    raise NotFound(
        f"The script {stored or script_file(job.workspace)} does not exist, and there is no file of this "
        f"name next to {job.root}."
    )


def _search_path(value: str, workdir: Path, tree: trees.Tree) -> str:
    """Return a PYTHONPATH with the folders of the project replaced by those of the stored code."""
    places = []
    for entry in value.split(os.pathsep):
        place = tree.place_of(Path(os.path.normpath(workdir / entry))) if entry else None
        places.append(str(place) if place is not None else entry)
    return os.pathsep.join(places)


def _payload(paths: TaskPaths, info: TaskInfo, usual: str) -> tuple[str, str]:
    """Return the name and the text of a task's configuration."""
    name = _text(info.get("config_file")) or usual
    if name != os.path.basename(name) or name in (".", ".."):
        raise InvalidInput(
            f"The configuration {name!r} of this task is outside its folder.", field="config_file"
        )
    try:
        return name, read_text(paths.folder / name)
    except FileNotFoundError:
        raise NotFound(f"The configuration {paths.folder / name} is missing.") from None


def _private_copy(paths: TaskPaths, suffix: str, data: bytes) -> Path:
    """Write the private copy of a run, so that edits of the configuration do not affect it."""
    copy = paths.folder / f"{INPUT_PREFIX}{new_token()[:8]}{suffix}"
    try:
        write_new(copy, data, durable=False)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def write_input(paths: TaskPaths, run: int, command: RunCommand, facts: Mapping[str, Any]) -> None:
    """Store the input of run `run`; `facts` are our own, for the key `pyruns_jupyter`.

    To be called under the task's lock, before the task file has this run: a file that exists already was left
    by a failed start.

    Raises:
        OSError: when it cannot be written.
    """
    content: dict[str, Any] = {
        "captured_at": stamp(),
        "task_kind": command.kind,
        "payload_file": command.payload_file,
        "payload_text": command.payload_text,
        "script": run_files.printable(str(command.script)) if command.script else None,
        "command": None,
        "workdir": run_files.printable(command.workdir),
        "shell_executable": command.shell,
        "environment": command.task_environment,
        "launch_argv": [run_files.printable(word) for word in command.argv],
        "schema_version": 1,
        "run_index": run,
    }
    if facts:
        content[OWN_KEY] = dict(facts)
    path, data = paths.input(run), dump_json(content)
    try:
        write_new(path, data, durable=False, mode=PRIVATE_MODE)
    except FileExistsError:
        path.unlink(missing_ok=True)
        write_new(path, data, durable=False, mode=PRIVATE_MODE)


def remove_copies(paths: TaskPaths, names: Iterable[str]) -> None:
    """Remove the private copies among the `names` in the folder of a task that does not run.

    Errors are ignored: they must not prevent a run from starting or ending.
    """
    for name in names:
        if name.startswith(INPUT_PREFIX):
            with suppress(OSError):
                (paths.folder / name).unlink()


def _text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""
