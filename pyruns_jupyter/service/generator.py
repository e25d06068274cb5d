"""The parameters of a workspace's script, and previews of configurations."""

from __future__ import annotations

import os
from typing import Annotated, Any

from msgspec import Meta

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, Unreadable
from pyruns_jupyter.core.common.time_limit import time_limit
from pyruns_jupyter.core.config.sweep.joined_sweep import joined_sweep
from pyruns_jupyter.core.config.sweep.plan import Axis
from pyruns_jupyter.core.create.preview import (
    TaskPlan,
    command_lines,
    plan_tasks,
    script_parameters,
    starting_text,
)
from pyruns_jupyter.core.scripts.model import Parameter
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder
from pyruns_jupyter.engine.client.default_gpus import default_gpus

from .request import Count, Request

MAX_ROWS, DEFAULT_ROWS = 1000, 200
PREVIEW_SECONDS = 5.0  # time limit of a preview, which is requested while the user types
CREATE_SECONDS = 30.0  # time limit for reading a configuration of new tasks
SHELL_STARTER = "# The workspace's shell runs this script.\necho hello\n"
MAX_JOINED = 1000  # configurations in one sweep
_VALUES_SHOWN = 50  # of an axis


class PreviewRequest(Request, frozen=True):
    """A configuration, and the rows of its preview to return."""

    text: str
    name: str = ""
    offset: Count = 0
    limit: Annotated[int, Meta(ge=0, le=MAX_ROWS)] = DEFAULT_ROWS
    commands: bool = False


def preview(workspace: WorkspaceFolder, wanted: PreviewRequest, max_tasks: int) -> dict[str, Any]:
    """Return the `Preview` of the tasks that a configuration would create, without creating them.

    Errors of the configuration are in the result, also that it would create more than `max_tasks` tasks.
    """
    try:
        with time_limit(PREVIEW_SECONDS):
            return _preview(workspace, wanted, max_tasks)
    except InvalidInput as error:
        nothing: dict[str, Any] = {"count": 0, "duplicates": 0, "axes": [], "rows": [], "notices": []}
        return {**nothing, "errors": error_models(error)}


def _preview(workspace: WorkspaceFolder, wanted: PreviewRequest, max_tasks: int) -> dict[str, Any]:
    name = wanted.name or starting_text(workspace)[1]
    proposal = propose(workspace, wanted.text, name, max_tasks)
    rows: list[dict[str, Any]] = [
        {"name": made, "values": {key: plain(value) for key, value in values.items()}}
        for made, values in proposal.rows(wanted.offset, wanted.limit)
    ]
    if wanted.commands and proposal.plan is not None:
        indexes = range(wanted.offset, wanted.offset + len(rows))
        for row, command in zip(rows, command_lines(workspace, proposal.plan, indexes), strict=True):
            row["command"] = command
    return {
        "count": proposal.count,
        "duplicates": proposal.duplicates,
        "axes": [] if proposal.plan is None else [_axis(axis) for axis in proposal.plan.axes],
        "rows": rows,
        "errors": [],
        "notices": _notices(proposal),
    }


def propose(
    workspace: WorkspaceFolder, text: str, name: str, max_tasks: int, settings: Settings | None = None
) -> TaskPlan:
    """Return the plan of the tasks that a configuration would create.

    Raises:
        InvalidInput: if the text or the name is not valid, or there would be more than `max_tasks` tasks.
    """
    proposal = plan_tasks(workspace, text, name, settings)
    if proposal.count > max_tasks:
        raise InvalidInput(
            f"This configuration would create {proposal.count:,} tasks, but the limit is {max_tasks:,}.",
            field="yaml",
        )
    return proposal


def parameters(workspace: WorkspaceFolder) -> dict[str, Any]:
    """Return the `Parameters` of a workspace."""
    usual = default_gpus(workspace, Settings.load(workspace.root), os.environ)
    answer: dict[str, Any] = {
        "kind": "none",
        "parameters": [],
        "problems": [],
        "incomplete": False,
        "error": None,
        "default_gpus": {"count": usual.count, "framework": usual.framework},
    }
    if workspace.kind == SHELL:
        return {**answer, "kind": "shell"}
    try:
        with time_limit(PREVIEW_SECONDS):
            found = script_parameters(workspace)
    except InvalidInput as error:
        return {**answer, "error": error_models(error)[0]}
    except Unreadable as error:
        return {**answer, "error": _message(error.code, error.message, "script")}
    return {
        **answer,
        "kind": found.kind,
        "incomplete": found.open or any(problem is not found.idle for problem in found.problems),
        "parameters": [_parameter(parameter) for parameter in found.parameters],
        "problems": [
            _message(
                "not_understood", problem.message, "script", None if problem.file else problem.line or None
            )
            for problem in found.problems
        ],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.type,
        "default": plain(parameter.default),
        "required": parameter.required,
        "help": parameter.help,
        "group": parameter.group,
        "choices": None if parameter.choices is None else [plain(choice) for choice in parameter.choices],
        "flags": list(parameter.flags),
        "line": parameter.line or None,
        "file": parameter.file or None,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {
        "key": axis.key,
        "kind": axis.kind,
        "count": len(axis.candidates),
        "values": [candidate.source for candidate in axis.candidates[:_VALUES_SHOWN]],
        "line": axis.line,
    }


def _notices(proposal: TaskPlan) -> list[dict[str, Any]]:
    found = [] if proposal.plan is None else proposal.plan.notices
    return [
        *(_message("notice", one.message, one.key, one.line, one.column) for one in found),
        *(_message("notice", message, "name") for message in proposal.name_notices),
    ]


def _message(
    code: str, message: str, field: str, line: int | None = None, column: int | None = None
) -> dict[str, Any]:
    """Return a `FieldError`, or a notice in the same form."""
    return {"code": code, "message": message, "field": field, "line": line, "column": column}


def plain(value: Any) -> Any:
    """Return a value of a script or configuration as JSON; types that JSON does not have become text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def error_models(error: InvalidInput) -> list[dict[str, Any]]:
    """Return each of the errors as a `FieldError`."""
    return [one.to_dict() for one in (error.errors if isinstance(error, InvalidInputs) else [error])]


class TemplateRequest(Request, frozen=True):
    """A request for the default configuration, or for the one of a task."""

    task: str = ""


def template(workspace: WorkspaceFolder, wanted: TemplateRequest) -> dict[str, Any]:
    """Return the `Template` of a new configuration: the default one, or the configuration of a task.

    Raises:
        NotFound, Unreadable: if there is no such task, or its configuration cannot be read.
    """
    text, name = starting_text(workspace, wanted.task or None)
    if not text and workspace.kind == SHELL:
        text = SHELL_STARTER
    return {"text": text, "name": name}


class JoinRequest(Request, frozen=True):
    """The tasks whose configurations to join into one sweep."""

    names: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_JOINED)]


def joined_template(workspace: WorkspaceFolder, wanted: JoinRequest) -> dict[str, Any]:
    """Return the `Template` of a sweep with exactly the configurations of some tasks.

    Raises:
        NotFound, Unreadable: if there is no such task, or its configuration cannot be read.
        InvalidInput: if the configurations do not have the same keys.
    """
    first, *others = names = list(dict.fromkeys(wanted.names))
    text, name = starting_text(workspace, first)
    if others and workspace.kind == SHELL:
        raise InvalidInput("Shell scripts cannot be joined into a sweep. Select one task.", field="names")
    if others:
        with time_limit(CREATE_SECONDS):
            text = joined_sweep([text, *(workspace.task_text(other) for other in others)], names)
    return {"text": text, "name": name}
