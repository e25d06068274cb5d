"""The tasks that a text with sweep syntax or a shell script would create. Nothing is written here."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, NotFound, Unreadable
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.sweep.naming import NameTaken, check_name, default_names, pattern_names
from pyruns_jupyter.core.config.sweep.overlay import overlaid
from pyruns_jupyter.core.config.sweep.pattern import is_pattern, missing_keys, parse_pattern
from pyruns_jupyter.core.config.sweep.plan import SweepPlan, TooManyTasks
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.fs.text_files import MAX_TEXT_BYTES, read_source
from pyruns_jupyter.core.taskfile.paths import (
    NOTEBOOK_RUNNER,
    NOTEBOOK_SUFFIX,
    check_task_name,
    is_task_name,
)
from pyruns_jupyter.core.taskfile.task_file import own_facts, read_task
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder

from .asked import stored_answer, with_answer
from .validate_argv import validate_argv

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.model import ScriptParameters


@dataclass(frozen=True)
class TaskPlan:
    """Tasks that could be created. `plan` is None for a shell script, which is one task."""

    workspace: WorkspaceFolder
    name: str
    names: list[str]
    plan: SweepPlan | None
    text: str
    name_notices: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of tasks."""
        return len(self.names)

    @property
    def duplicates(self) -> int:
        """The number of identical configurations that were left out."""
        return self.plan.duplicates if self.plan else 0

    def row(self, index: int) -> dict[str, object]:
        """Return the swept values of task `index` (from 0) by dotted key."""
        return self.plan.row(index) if self.plan else {}

    def rows(self, offset: int = 0, limit: int = 200) -> list[tuple[str, dict[str, object]]]:
        """Return the names and swept values of at most `limit` tasks, starting at `offset`."""
        indexes = range(max(0, offset), min(max(0, offset) + max(0, limit), self.count))
        found = []
        for index in indexes:
            check_time()
            found.append((self.names[index], self.row(index)))
        return found

    def config_text(self, index: int) -> str:
        """Return the configuration or shell script of task `index`."""
        return self.plan.config_text(index) if self.plan else self.text


def plan_tasks(
    workspace: WorkspaceFolder, text: str, name: str, settings: Settings | None = None
) -> TaskPlan:
    """Return the tasks that `text` would create in a workspace, without creating them.

    `name` is the name of a single task, the prefix of several names, or a pattern such as `{lr}-{seed}` (see
    `sweep.pattern`).

    Raises:
        InvalidInput: with the invalid field: `yaml` or a dotted key, `name`, `script`; several as
            InvalidInputs.
        Unreadable: when the script cannot be read.
    """
    errors: list[InvalidInput] = []
    plan: SweepPlan | None = None
    names = [name]
    if workspace.kind == SHELL:
        try:
            text = _shell_text(text)
        except InvalidInput as error:
            errors.append(error)
    else:
        plan = _examined(workspace, text, errors, settings)
    try:
        names = proposed_names(workspace, plan, name)
    except InvalidInput as error:
        if not errors or not isinstance(error, NameTaken):
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else InvalidInputs(errors)
    return TaskPlan(workspace, name, names, plan, text, _name_notices(plan, name))


def proposed_names(workspace: WorkspaceFolder, plan: SweepPlan | None, name: str) -> list[str]:
    """Return the names of a plan's tasks. For a plan with errors, check only `name`, and return it.

    Raises:
        InvalidInput: with field `name`.
        NameTaken: when a single task's name is taken.
    """
    if plan is not None and plan.errors:
        if not is_pattern(name):
            check_task_name(name)
        elif plan.template.readable:
            parse_pattern(name, plan)
        return [name]
    taken = taken_names(workspace)
    if plan is None:
        return [check_name(name, taken)]
    if is_pattern(name):
        return pattern_names(plan, name, workspace.name, taken)
    return default_names(plan, name, taken)


def _name_notices(plan: SweepPlan | None, name: str) -> list[str]:
    if plan is None or plan.count < 2 or not is_pattern(name):
        return []
    keys = missing_keys(name, plan)
    if not keys:
        return []
    missing = " or ".join("{" + key + "}" for key in [*keys[:3], "n"])
    return [
        (
            f"The name pattern gives several tasks the same name, so numbers are appended. Add {missing} to "
            "the pattern."
        )
    ]


def check_template(workspace: WorkspaceFolder, text: str, settings: Settings | None = None) -> SweepPlan:
    """Return the sweep of a YAML text, checked against the script's parameters.

    Raises:
        InvalidInputs: all errors.
        Unreadable: when the script cannot be read.
    """
    errors: list[InvalidInput] = []
    plan = _examined(workspace, text, errors, settings)
    if errors:
        raise InvalidInputs(errors)
    return plan


def check_space(workspace: WorkspaceFolder, text: str) -> SearchSpace:
    """Return the search space of an adaptive study, checked against the script's parameters.

    Raises:
        InvalidInputs: all errors.
        InvalidInput: when the workspace has no script with parameters.
        Unreadable: when the script cannot be read.
    """
    if workspace.kind == SHELL:
        raise InvalidInput("A folder workspace has no parameters for a study. Open a script.", field="yaml")
    settings = Settings.load(workspace.root)
    space = SearchSpace(text, limit=settings.sweep_limit)
    errors = list(space.errors)
    if not errors:
        _examined(workspace, space.corners(), errors, settings)
        errors = [space.template.with_position(one) for one in errors if not isinstance(one, TooManyTasks)]
    if errors:
        raise InvalidInputs(sorted(errors, key=lambda error: (error.line or 0, error.column or 0)))
    return space


def _examined(
    workspace: WorkspaceFolder, text: str, errors: list[InvalidInput], settings: Settings | None
) -> SweepPlan:
    """Return a sweep as far as it can be read, and add its errors to `errors` in the order of the text."""
    settings = settings or Settings.load(workspace.root)
    plan = SweepPlan(text, limit=settings.sweep_limit)
    found = list(plan.errors)
    try:
        parameters = script_parameters(workspace, settings)
    except InvalidInput as error:
        errors.append(error)
    else:
        if plan.template.readable:
            from pyruns_jupyter.core.scripts.argv import passes_words, run_words  # as in `script_parameters`

            if passes_words(parameters):
                passing = settings.passes_defaults(workspace.name)
                words = partial(run_words, parameters, pass_defaults=passing)
                found += validate_argv(plan, parameters, words)
    errors += sorted(found, key=lambda error: (error.line or 0, error.column or 0))
    return plan


def complete_template(workspace: WorkspaceFolder, text: str, settings: Settings | None = None) -> str:
    """Return the workspace's default configuration with the values of `text` (YAML with sweep syntax), see
    `sweep.overlay`.

    Raises:
        InvalidInput: when `text` or the default is not valid, or the workspace has no script.
        Unreadable: when the default is not text.
    """
    if workspace.kind == SHELL:
        raise InvalidInput("A folder workspace has no configuration to sweep. Open a script.", field="yaml")
    try:
        aliases = script_parameters(workspace, settings).aliases
    except (InvalidInput, Unreadable):  # reported when the sweep is checked
        aliases = {}
    return overlaid(workspace.template_text(), text, aliases)


def command_lines(workspace: WorkspaceFolder, plan: SweepPlan, indexes: Iterable[int]) -> list[str]:
    """Return the command line of the tasks with these indexes in a plan; "" for one that has none.

    Raises:
        InvalidInput: the script cannot be started as a module, or see `script_parameters`.
        Unreadable: see `script_parameters`.
    """
    from pyruns_jupyter.core.scripts.argv import passes_words, run_files_of, run_words
    from pyruns_jupyter.core.scripts.source.modules import module_of

    settings = Settings.load(workspace.root)
    parameters, script = script_parameters(workspace, settings), workspace.script
    assert script is not None
    start = ["python", script.name]
    if parameters.kind == "notebook":
        start = ["python", "-m", NOTEBOOK_RUNNER, script.name]
    elif parameters.relative or settings.as_module_in.get(workspace.name):
        start = ["python", "-m", module_of(script, parameters.relative)[1]]
    lines = []
    for index in indexes:
        check_time()
        try:
            words, constants = [], ""
            if passes_words(parameters):
                passing = settings.passes_defaults(workspace.name)
                words = run_words(parameters, plan.config(index), pass_defaults=passing)
                changed = run_files_of(parameters, plan.config(index)).constants
                constants = ", ".join(f"{key} = {literal}" for key, literal in changed.items())
            lines.append(shlex.join([*start, *words]) + (f"  # {constants}" if constants else ""))
        except InvalidInput:  # such as a variable that is only set where the task runs
            lines.append("")
    return lines


def script_parameters(workspace: WorkspaceFolder, settings: Settings | None = None) -> ScriptParameters:
    """Return the parameters of the workspace's script; if it calls `load()`, those of its template.

    If the user asked the script, they are those of its own parser; see `asked`.

    Raises:
        InvalidInput: with `field` "script" when the script is missing or not Python.
        Unreadable: when it cannot be read.
    """
    # Most commands read no script, and without this import they start in half the time.
    from pyruns_jupyter.core.scripts.reading import read_parameters

    script = workspace.script
    if script is None:
        problem = (
            workspace.problem()
            or f"The script of the workspace {workspace.folder} is missing. Restore it, or open another "
            "script."
        )
        raise InvalidInput(problem, field="script")
    try:
        source = read_source(script)
    except NotFound as error:
        raise InvalidInput(error.message, field="script") from None
    try:
        template = workspace.template_text()
    except Unreadable:
        template = ""
    python = (settings or Settings.load(workspace.root)).known_python
    read = partial(
        read_parameters, source, filename=script.name, path=script, within=workspace.within, python=python
    )
    try:
        found = read(template=template)
    except InvalidInput as error:
        if error.field == "script":
            raise
        # The template is not valid, but the script itself can be read.
        found = read()
    return with_answer(found, stored_answer(workspace.root, script))


def check_runnable(workspace: WorkspaceFolder, settings: Settings | None = None) -> None:
    """Check that tasks of the workspace can be started at present.

    Raises:
        InvalidInput: with `field` "python_executable", "shell_executable" or "script".
    """
    settings = settings or Settings.load(workspace.root)
    if workspace.kind == SHELL:
        problem, field = settings.shell_problem(), "shell_executable"
    else:
        problem, field = settings.interpreter_problem(), "python_executable"
        if workspace.script is None:
            problem, field = workspace.problem(), "script"
    if problem:
        raise InvalidInput(problem, field=field)


def starting_text(workspace: WorkspaceFolder, task: str | None = None) -> tuple[str, str]:
    """Return the default configuration or that of a task, and a free name for a new task.

    Raises:
        NotFound, Unreadable: when the task does not exist, or its configuration cannot be read.
    """
    if task is None:
        base = "shell" if workspace.kind == SHELL else workspace.name.removesuffix(NOTEBOOK_SUFFIX)
        return workspace.template_text(), free_name(workspace, base)
    text = workspace.task_text(task)
    try:
        batch: object = own_facts(read_task(workspace.paths(task).folder)).get("batch_name")
    except Unreadable:
        batch = None
    return text, free_name(workspace, batch if isinstance(batch, str) and is_task_name(batch) else task)


def free_name(workspace: WorkspaceFolder, base: str) -> str:
    """Return `base`, with another number at its end if a task has this name. Sweeps append numbers anyway."""
    return free_among(taken_names(workspace), base)


def free_among(taken: Container[str], base: str) -> str:
    """Return `base`, with another number at its end if it is one of the names `taken`."""
    stem = re.sub(r"_\d+$", "", base)
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}_{number}"
    return candidate


def taken_names(workspace: WorkspaceFolder) -> set[str]:
    """Return the names of all tasks of a workspace."""
    try:
        return {name for name in os.listdir(workspace.tasks) if not name.startswith(".")}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _shell_text(text: str) -> str:
    if not text.strip():
        raise InvalidInput(
            "The shell script is empty. Enter at least one command.", field="yaml", line=1, column=1
        )
    if "\0" in text:
        raise InvalidInput("The shell script contains a NUL character. Remove it.", field="yaml")
    if len(text) > MAX_TEXT_BYTES:
        raise InvalidInput(f"The shell script is larger than {MAX_TEXT_BYTES >> 20} MiB.", field="yaml")
    return text.replace("\r\n", "\n")  # to a shell, a carriage return is a part of the command
