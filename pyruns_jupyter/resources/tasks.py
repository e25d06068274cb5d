"""Tasks: a page of them, creating, changing, and one in detail."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core import generate, query, tasks
from pyruns_jupyter.core.errors import Conflict, InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.figures import figures_of_run
from pyruns_jupyter.core.index import TaskIndex
from pyruns_jupyter.core.layout import TaskPaths, check_task_name
from pyruns_jupyter.core.logs import log_size
from pyruns_jupyter.core.rows import PYTHON, damaged_row, row_from
from pyruns_jupyter.core.runs import RUNNING, STATUSES, Run, runs
from pyruns_jupyter.core.taskfile import read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.submit import submit

from .answers import os_sentence
from .body import Body
from .generator import propose
from .inside import check_inside

MOST, USUAL = 1000, 200  # tasks on a page
MOST_JOBS = 1000


def page_reader(
    *,
    query: str = "",
    status: str = "",
    sort: str = "",
    order: str = "",
    offset: int | None = None,
    limit: int | None = None,
) -> Callable[[TaskIndex], dict[str, Any]]:
    """Return what reads a `TaskPage` from an index; `status` holds statuses between commas.

    Raises:
        InvalidInput: when an option is not understood. A query is looked at only when the page is read.
    """
    order = order or "desc"
    if order not in ("asc", "desc"):
        raise InvalidInput("'order' should be 'asc' or 'desc'.", field="order")
    options = {
        "query": query,
        "statuses": _statuses(status),
        "sort": sort or "created",
        "order": order,
        "offset": offset or 0,
        "limit": USUAL if limit is None else limit,
    }
    return lambda index: _page(index, options)


def _page(index: TaskIndex, options: dict[str, Any]) -> dict[str, Any]:
    items, total = query.select(index.rows.values(), **options)
    swept: dict[str, None] = {}
    figures: dict[str, None] = {}
    for row in index.rows.values():
        swept.update(dict.fromkeys(row.swept))
        figures.update(dict.fromkeys(row.figures))
    return {
        "items": [row.to_dict() for row in items],
        "total": total,
        "counts": dict(index.counts),
        "revision": index.revision,
        "epoch": index.epoch,
        "columns": {"swept": [*swept], "figures": [*figures]},
    }


def _statuses(text: str) -> list[str] | None:
    chosen = [word.strip() for word in text.split(",") if word.strip()]
    for word in chosen:
        if word not in STATUSES:
            raise InvalidInput(f"{word!r} is no status; there are {', '.join(STATUSES)}.", field="status")
    return chosen or None


@dataclass(frozen=True)
class Creation:
    """A `CreateRequest`; `jobs` is None when the tasks are not to be queued."""

    text: str
    name: str
    jobs: int | None

    KEYS = ("text", "name", "run")

    @classmethod
    def read(cls, body: Body) -> Creation:
        """Read a request.

        Raises:
            InvalidInput: when it is none.
        """
        jobs = None
        if body.has("run"):
            jobs = body.inner("run", ("jobs",)).integer("jobs", 1, low=1, high=MOST_JOBS)
        return cls(body.text("text"), body.text("name"), jobs)


def create(workspace: WorkspaceFolder, wanted: Creation, most: int) -> dict[str, Any]:
    """Create one task or all tasks of a sweep, at most `most`, and return a `Created`.

    Raises:
        InvalidInput: when something is wrong; nothing is created.
    """
    proposal = propose(workspace, wanted.text, wanted.name, most)
    if wanted.jobs is not None:
        generate.check_runnable(workspace)
    names = generate.create(proposal)
    created: dict[str, Any] = {"names": names, "queued": False, "message": None}
    if wanted.jobs is not None:
        try:
            refused = submit(workspace, names, jobs=wanted.jobs).refused
        except PyrunsError as error:  # the tasks are there all the same
            refused = {names[0]: error.message}
        except OSError as error:
            refused = {names[0]: os_sentence(error)}
        created["queued"] = not refused
        created["message"] = next(iter(refused.values()), None)
    return created


@dataclass(frozen=True)
class Change:
    """A `TaskPatch`; what is None stays."""

    name: str | None
    notes: str | None
    pinned: bool | None
    expected: dict[str, Any]

    KEYS = ("name", "notes", "pinned", "expected")

    @classmethod
    def read(cls, body: Body) -> Change:
        """Read a request.

        Raises:
            InvalidInput: when it is none.
        """
        return cls(
            name=body.text("name") if body.has("name") else None,
            notes=body.text("notes") if body.has("notes") else None,
            pinned=body.flag("pinned") if body.has("pinned") else None,
            expected=body.mapping("expected"),
        )


def change(workspace: WorkspaceFolder, name: str, wanted: Change) -> str:
    """Change what is given, the name last; return the task's name then.

    Raises:
        Conflict: when something is not as the client expected it; nothing is changed.
    """
    info = read_task(workspace.existing(name).folder)
    now = {"name": name, "notes": tasks.notes_of(info), "pinned": info.get("pinned") is True}
    for key, value in wanted.expected.items():
        if key not in now:
            raise InvalidInput(
                f"'expected' knows name, notes and pinned, not {key!r}.", field=f"expected.{key}"
            )
        if now[key] != value:
            raise Conflict(f"The {key} of {name!r} was changed meanwhile. Load it again.")
    if wanted.name is not None:
        check_task_name(wanted.name)
    if wanted.notes is not None:
        tasks.set_notes(workspace, name, wanted.notes, expected=wanted.expected.get("notes"))
    if wanted.pinned is not None:
        tasks.set_pinned(workspace, name, wanted.pinned)
    if wanted.name is not None and wanted.name != name:
        tasks.rename(workspace, name, wanted.name)
        return wanted.name
    return name


def detail(index: TaskIndex, name: str) -> dict[str, Any]:
    """Return the `TaskDetail` of a task.

    Raises:
        NotFound: when there is none.
    """
    workspace = index.workspace
    paths = workspace.existing(name)
    try:
        info = read_task(paths.folder)
        row = row_from(info, paths.folder)
    except Unreadable as error:
        info, row = {}, damaged_row(name, PYTHON, None, error.message)
    seen = index.rows.get(name)
    if seen is not None and seen.status == row.status == RUNNING and seen.run == row.run:
        row = seen  # the index knows more of a living run; in all else the file is newer
    return {
        "task": row.to_dict(),
        "config": _config_text(workspace, name),
        "notes": tasks.notes_of(info),
        "history": [_run_model(paths, run) for run in runs(info)],
    }


def _config_text(workspace: WorkspaceFolder, name: str) -> str:
    try:
        return generate.task_text(workspace, name)
    except (NotFound, Unreadable):
        return ""


def _run_model(paths: TaskPaths, run: Run) -> dict[str, Any]:
    return {
        "index": run.index,
        "status": run.status,
        "started_at": _finite(run.started_at),
        "finished_at": _finite(run.finished_at),
        "duration": _finite(run.duration),
        "exit_code": run.exit_code,
        "pid": run.pid,
        "records": run.records,
        "log_size": log_size(paths.log(run.index)),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def tracks(workspace: WorkspaceFolder, name: str, wanted: int | None) -> dict[str, Any]:
    """Return the `Tracks` of run `wanted`, by default the latest one.

    Raises:
        NotFound: when the task has no such run.
    """
    paths = workspace.existing(name)
    known = runs(read_task(paths.folder))
    if wanted is None and not known:
        return {"run": 0, "tracks": {}, "records": {}}
    number = len(known) if wanted is None else wanted
    if not 1 <= number <= len(known):
        raise NotFound(f"The task {name!r} has no run {number}.")
    records, points = figures_of_run(known[number - 1], check_inside(paths.journal(number), paths.folder))
    return {"run": number, "tracks": points, "records": records}
