"""What a text with batch syntax, or a shell script, would make of a workspace. Nothing is written here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .errors import Conflict, InvalidInput, InvalidInputs, NotFound, Unreadable
from .layout import SCRIPT_CONFIG, SHELL_CONFIG, check_task_name, is_task_name
from .parameters.argv import build_argv
from .parameters.reading import ScriptParameters, read_parameters
from .settings import Settings
from .sweep.naming import default_names
from .sweep.plan import SweepPlan
from .taskfile import own_facts, read_task
from .textfiles import MAX_TEXT_BYTES, read_source, read_text
from .workspace import SHELL, WorkspaceFolder
from .yamltext.template import Template
from .yamltext.values import string_text, value_text

_MAX_ERRORS = 20  # that are told at once


class NameTaken(InvalidInput, Conflict):
    """A task of that name exists already; `field` is `name`."""

    code = "conflict"

    def __init__(self, name: str) -> None:
        super().__init__(f"A task named {name!r} exists already; choose another name.", field="name")
        self.name = name


@dataclass(frozen=True)
class Proposal:
    """What would be created; nothing is written yet. `plan` is None for a shell script: that is one task."""

    workspace: WorkspaceFolder
    name: str
    names: list[str]
    plan: SweepPlan | None
    text: str

    @property
    def count(self) -> int:
        """How many tasks."""
        return len(self.names)

    @property
    def duplicates(self) -> int:
        """How many identical configurations were folded."""
        return self.plan.duplicates if self.plan else 0

    def row(self, index: int) -> dict[str, object]:
        """Return the swept values of task `index` (from 0) by dotted key."""
        return self.plan.row(index) if self.plan else {}

    def rows(self, offset: int = 0, limit: int = 200) -> list[tuple[str, dict[str, object]]]:
        """Return name and swept values of at most `limit` tasks from `offset` on."""
        indexes = range(max(0, offset), min(max(0, offset) + max(0, limit), self.count))
        return [(self.names[index], self.row(index)) for index in indexes]

    def config_text(self, index: int) -> str:
        """Return what is written as configuration or shell script of task `index`."""
        return self.plan.config_text(index) if self.plan else self.text


def plan_tasks(workspace: WorkspaceFolder, text: str, name: str) -> Proposal:
    """Return what `text` would make of a workspace, with `name` or names that begin with it; writes nothing.

    Raises:
        InvalidInput: with the field that is wrong: `yaml` or a dotted key, `name`, `script`.
        Unreadable: when the script cannot be read.
    """
    check_task_name(name)
    taken = _taken(workspace)
    if workspace.kind == SHELL:
        script = _shell_text(text)
        if name in taken:
            raise NameTaken(name)
        return Proposal(workspace, name, [name], None, script)
    plan = check_template(workspace, text)
    if plan.count == 1 and name in taken:
        raise NameTaken(name)
    return Proposal(workspace, name, default_names(plan, name, taken), plan, text)


def check_template(workspace: WorkspaceFolder, text: str) -> SweepPlan:
    """Return the sweep that a YAML text describes, checked against the script's parameters.

    Raises:
        InvalidInput: with the place that is wrong.
        Unreadable: when the script cannot be read.
    """
    plan = SweepPlan.parse(text, limit=Settings.load(workspace.root).sweep_limit)
    _check_argv(script_parameters(workspace), plan)
    return plan


def complete_template(workspace: WorkspaceFolder, text: str) -> str:
    """Return the workspace's default configuration with the values of `text` (YAML with batch syntax) in it.

    What `text` does not name keeps its default; the default's comments and order stay.

    Raises:
        InvalidInput: when `text` or the default cannot be read, or the workspace has no script.
        Unreadable: when the default is no text.
    """
    if workspace.kind == SHELL:
        raise InvalidInput("A shell workspace has no configuration to sweep. Open a script.", field="yaml")
    given, default = Template.parse(text), Template.parse(workspace.template_text())
    known = {leaf.key for leaf in default.leaves}
    changes = {leaf.key: leaf.source for leaf in given.leaves if leaf.key in known}
    added = [leaf for leaf in given.leaves if leaf.key not in known]
    if all(len(leaf.path) == 1 and leaf.path[0] not in default.base for leaf in added) and not any(
        "\n" in source for source in changes.values()
    ):
        complete = default.replaced(changes)
        parts = [complete, "" if complete.endswith("\n") or not complete else "\n"]
        parts += [f"{string_text(leaf.key)}: {leaf.source}\n" for leaf in added]
        return "".join(parts)
    # Shaped otherwise than the default: `text` as it is, and the default's other keys after it.
    named = {leaf.path[0] for leaf in given.leaves} | set(given.base)
    missing = [(key, value) for key, value in default.base.items() if key not in named]
    lines = [f"{string_text(key)}: {value_text(value)}\n" for key, value in missing]
    return "".join([text, "" if text.endswith("\n") or not text else "\n", *lines])


def script_parameters(workspace: WorkspaceFolder) -> ScriptParameters:
    """Return what the workspace's script takes; for a script that calls `load()`, what its template holds.

    Raises:
        InvalidInput: with `field` "script" when the script is missing or not Python.
        Unreadable: when it cannot be read.
    """
    script = workspace.script
    if script is None:
        problem = workspace.problem() or f"The script of {workspace.folder} is missing."
        raise InvalidInput(problem, field="script")
    try:
        source = read_source(script)
    except NotFound as error:
        raise InvalidInput(error.message, field="script") from None
    try:
        template = workspace.template_text()
    except Unreadable:
        template = ""
    try:
        return read_parameters(source, template=template, filename=script.name)
    except InvalidInput as error:
        if error.field == "script":
            raise
        # The template is damaged; what the script takes can still be told.
        return read_parameters(source, filename=script.name)


def check_runnable(workspace: WorkspaceFolder) -> None:
    """Check that tasks of the workspace can be started as things are.

    Raises:
        InvalidInput: with `field` "python_executable", "shell_executable" or "script".
    """
    settings = Settings.load(workspace.root)
    if workspace.kind == SHELL:
        problem, field = settings.shell_problem(), "shell_executable"
    else:
        problem, field = settings.interpreter_problem(), "python_executable"
        if workspace.script is None:
            problem, field = workspace.problem(), "script"
    if problem:
        raise InvalidInput(problem, field=field)


def starting_text(workspace: WorkspaceFolder, task: str | None = None) -> tuple[str, str]:
    """Return a text to start from, the default's or a task's, and a task name that is free.

    Raises:
        NotFound, Unreadable: when there is no such task, or its configuration cannot be read.
    """
    if task is None:
        base = "shell" if workspace.kind == SHELL else workspace.name
        return workspace.template_text(), free_name(workspace, base)
    text = task_text(workspace, task)
    try:
        batch: object = own_facts(read_task(workspace.paths(task).folder)).get("batch_name")
    except Unreadable:
        batch = None
    return text, free_name(workspace, batch if isinstance(batch, str) and is_task_name(batch) else task)


def task_text(workspace: WorkspaceFolder, task: str) -> str:
    """Return the configuration or shell script of a task.

    Raises:
        NotFound, Unreadable: when there is none, or it cannot be read.
    """
    folder = workspace.existing(task).folder
    try:
        file_name = read_task(folder).get("config_file")
    except Unreadable:
        file_name = None
    default = SHELL_CONFIG if workspace.kind == SHELL else SCRIPT_CONFIG
    # The name comes from a file that others write: it must not lead out of the task.
    if (
        not isinstance(file_name, str)
        or os.path.basename(file_name) != file_name
        or file_name in ("", ".", "..")
    ):
        file_name = default
    path = folder / file_name
    try:
        if path.is_symlink():
            raise Unreadable(f"{path} is a symbolic link and is not read.")
        return read_text(path)
    except (FileNotFoundError, ValueError):
        raise NotFound(f"The task {task!r} has no {file_name!r}.") from None


def free_name(workspace: WorkspaceFolder, base: str) -> str:
    """Return a name near `base` that no task has; the tasks of a sweep go on counting behind any name."""
    taken = _taken(workspace)
    stem = re.sub(r"_\d+$", "", base)
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}_{number}"
    return candidate


def _taken(workspace: WorkspaceFolder) -> set[str]:
    try:
        return {name for name in os.listdir(workspace.tasks) if not name.startswith(".")}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _shell_text(text: str) -> str:
    if not text.strip():
        raise InvalidInput("The shell script is empty.", field="yaml", line=1, column=1)
    if "\0" in text:
        raise InvalidInput("The shell script holds a NUL character.", field="yaml")
    if len(text) > MAX_TEXT_BYTES:
        raise InvalidInput(f"The shell script is larger than {MAX_TEXT_BYTES >> 20} MiB.", field="yaml")
    return text.replace("\r\n", "\n")  # a shell takes a carriage return for a part of the command


def _check_argv(parameters: ScriptParameters, plan: SweepPlan) -> None:
    """Check that every configuration can become a command line; each mistake is told once."""
    if parameters.kind != "argparse":
        return
    found: dict[tuple[str | None, str], InvalidInput] = {}
    for index in range(plan.count):
        try:
            build_argv(parameters, plan.config(index))
        except InvalidInput as error:
            for one in error.errors if isinstance(error, InvalidInputs) else [error]:
                found.setdefault((one.field, one.message), _placed(one, plan))
            if len(found) >= _MAX_ERRORS:
                break
    if found:
        raise InvalidInputs(list(found.values()))


def _placed(error: InvalidInput, plan: SweepPlan) -> InvalidInput:
    """Add line and column of the key that an error is about."""
    leaf = plan.template.leaf(error.field) if error.field and error.line is None else None
    if leaf is None:
        return error
    return InvalidInput(error.message, field=error.field, line=leaf.line, column=leaf.column)
