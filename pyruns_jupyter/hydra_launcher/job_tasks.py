"""Create the tasks of jobs: named by their swept values, with the parameters of their script."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.config.sweep.naming import NameTaken, numbered_names
from pyruns_jupyter.core.config.sweep.overlay import overlaid
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.values import string_text, value_text
from pyruns_jupyter.core.create.create import NewTask, write_tasks
from pyruns_jupyter.core.create.preview import taken_names
from pyruns_jupyter.core.taskfile.hydra_job import HydraJob
from pyruns_jupyter.core.taskfile.paths import HYDRA_JOB
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

_MAX_RETRIES = 100  # while other processes create tasks with the same names


@dataclass(frozen=True)
class JobTask:
    """The task of a job before it is created.

    Attributes:
        values: the values of its overrides, by key with its prefix (`+x`, `~y`).
        swept: those that the sweeper chose.
        job: its entry in the task file.
        stored: the content of its file.
    """

    values: Mapping[str, Any]
    swept: Mapping[str, Any]
    job: HydraJob
    stored: bytes


def create_job_tasks(workspace: WorkspaceFolder, prefix: str, jobs: Sequence[JobTask]) -> list[str]:
    """Create the tasks of jobs in the workspace of their script, all or none, and return their names.

    Raises:
        InvalidInput: if `prefix` is not a valid name.
        Conflict, Busy: if tasks cannot be created now.
    """
    template = workspace.template_text()
    known = {leaf.key for leaf in Template.examine(template).leaves}
    sweeps = [_with_known_keys(job.swept, known) for job in jobs]
    labels = [{key: _label(value) for key, value in swept.items()} for swept in sweeps]
    texts = [_config_text(template, _with_known_keys(job.values, known)) for job in jobs]

    def create() -> list[str]:
        names = numbered_names(prefix, labels, taken_names(workspace))
        tasks = [
            NewTask(name, text, swept, job.job.to_facts(), {HYDRA_JOB: job.stored})
            for name, text, swept, job in zip(names, texts, sweeps, jobs, strict=True)
        ]
        return write_tasks(workspace, prefix, tasks)

    for _ in range(_MAX_RETRIES):
        with suppress(NameTaken):  # by another process, a moment ago
            return create()
    return create()


def _label(value: object) -> str:
    return value if isinstance(value, str) else value_text(value)


def _with_known_keys(values: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
    """Return values with the keys that the script's parameters have: `x` for `+x` and `++x`."""
    return {key.lstrip("+") if key.lstrip("+") in known else key: value for key, value in values.items()}


def _config_text(template: str, values: Mapping[str, Any]) -> str:
    """Return the configuration of a job: the default configuration of the script with these values.

    The job runs with the configuration that Hydra has composed; this one is for users, queries and copies of
    the task. If they cannot be combined, it contains only the values.
    """
    text = "".join(f"{string_text(key)}: {value_text(value)}\n" for key, value in values.items())
    with suppress(PyrunsError):
        return overlaid(template, text)
    return text
