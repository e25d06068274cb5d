"""Performing an action on many tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.create.duplicate import duplicate
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.tasks import bulk, trash
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks.bulk import Outcome
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.order import move_tasks
from pyruns_jupyter.core.tasks.row import TaskRow
from pyruns_jupyter.core.tasks.trash import purge_all
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import BatchRequest, cancel
from pyruns_jupyter.engine.queue.options import OPTIONS

from .request import Request, check_keys, given_options

Rows = Mapping[str, TaskRow]

RUN, MOVE, PURGE = "run", "move", "purge"
Action = Literal[
    "run", "cancel", "delete", "restore", "purge", "pin", "unpin", "tag", "untag", "duplicate", "move"
]
_IN_TRASH = ("restore", PURGE)  # actions on deleted tasks, which queries do not find
MAX_NAMES = 100_000  # in one request
MAX_SECONDS = 1_000_000 * 86400


class ActionRequest(Request, frozen=True):
    """An action on the tasks `names`, or on all tasks that match a query.

    The other fields are for some actions only: `run` (run options) and `skip_done` for run, `tags` for tag
    and untag, `before` and `after` for move, `as_name` for restore and duplicate, `runs` and `artifacts` for
    duplicate, `older_than` (seconds) for purge.
    """

    action: Action
    names: tuple[str, ...] | None = None
    query: str | None = None
    run: dict[str, Any] | None = None
    skip_done: bool | None = None
    tags: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    as_name: str | None = None
    runs: bool = False
    artifacts: bool = False
    older_than: Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None = None

    def __post_init__(self) -> None:
        action, names = self.action, self.names
        if names is not None and len(names) > MAX_NAMES:
            raise InvalidInput(
                f"At most {MAX_NAMES:,} names are allowed, not {len(names):,}. Use a query instead.",
                field="names",
            )
        if action in _IN_TRASH and self.query is not None:
            raise InvalidInput(
                f"The action {action!r} requires 'names', because queries do not find deleted tasks.",
                field="query",
            )
        is_by_age = action == PURGE and self.older_than is not None
        if not is_by_age and (names is None) == (self.query is None):
            raise InvalidInput("Specify either 'names' or 'query', not both.", field="names")
        for key in ("run", "skip_done"):
            if action != RUN and getattr(self, key) is not None:
                raise InvalidInput(
                    f"{key!r} is only allowed with the action {RUN!r}, not {action!r}.", field=key
                )
        check_keys(self.run or {}, OPTIONS, "run.")
        if self.as_name is not None and (names is None or len(names) != 1):
            raise InvalidInput("'as_name' is only allowed with a single task.", field="as_name")
        if self.tags:
            metadata.check_tags(self.tags)
        elif action in ("tag", "untag"):
            raise InvalidInput("Missing field 'tags'.", field="tags")
        if action == MOVE and (self.before is None) == (self.after is None):
            raise InvalidInput("Specify either 'before' or 'after', not both.", field="before")

    @property
    def executes(self) -> bool:
        """Whether the action starts or stops tasks."""
        return self.action in (RUN, "cancel")

    def matching(self, index: TaskIndex) -> Callable[[], list[str]]:
        """Return a slow function that finds the names of the tasks in the present index.

        It raises InvalidInput if the query is not valid, or may match other tasks than the user expects: it
        uses an unknown or ambiguous field, or some logs could not be read completely.
        """
        if self.action == PURGE:
            return list  # the index has no deleted tasks
        from pyruns_jupyter.core import query  # the command line starts faster without

        rows, sources, text = index.rows.values(), query.Sources.of(index), self.query or ""

        def find() -> list[str]:
            found = query.select(rows, text, order="asc", limit=None, sources=sources, strict=True)
            return [row.name for row in found.items]

        return find


def act(
    workspace: WorkspaceFolder, wanted: ActionRequest, names: list[str], rows: Rows | None = None
) -> dict[str, Any]:
    """Perform an action on tasks and return its `ActionResult`; see `perform`."""
    outcome = perform(workspace, wanted, names, rows)
    refused = [{"name": name, "message": why} for name, why in outcome.refused.items()]
    return {"done": outcome.done, "refused": refused, "made": outcome.made}


def perform(
    workspace: WorkspaceFolder, wanted: ActionRequest, names: list[str], rows: Rows | None = None
) -> Outcome:
    """Perform an action on tasks and return which tasks were done and which were refused.

    `rows` are all tasks of the workspace; only `move` needs them.

    Raises:
        InvalidInput, NotFound: if the tasks cannot be moved, for example before a task that does not exist.
    """
    if wanted.action == RUN:
        return _run(workspace, names, wanted)
    if wanted.action == PURGE:
        chosen = None if wanted.names is None else names
        return purge_all(workspace, chosen, older_than=wanted.older_than)
    if wanted.action == MOVE:
        move_tasks(workspace, rows or {}, names, before=wanted.before, after=wanted.after)
        return Outcome(names)
    return bulk.for_each_task(
        workspace, names, lambda name, durable: _one(wanted, workspace, name, durable=durable)
    )


def _one(wanted: ActionRequest, workspace: WorkspaceFolder, name: str, *, durable: bool) -> str | None:
    """Perform an action on one task and return the name of a new task, or its name in the trash."""
    match wanted.action:
        case "cancel":
            cancel(workspace, name)
        case "delete":
            return trash.trash(workspace, name, durable=durable)
        case "restore":
            return trash.restore(workspace, name, wanted.as_name, durable=durable)
        case "duplicate":
            with_runs = wanted.runs or wanted.artifacts
            return duplicate(
                workspace, name, wanted.as_name, with_runs=with_runs, with_artifacts=wanted.artifacts
            )
        case "tag":
            tasks.add_tags(workspace, name, wanted.tags, durable=durable)
        case "untag":
            tasks.remove_tags(workspace, name, wanted.tags, durable=durable)
        case _:
            tasks.change(workspace, name, metadata.TaskPatch(pinned=wanted.action == "pin"), durable=durable)
    return None


def _run(workspace: WorkspaceFolder, names: list[str], wanted: ActionRequest) -> Outcome:
    request = BatchRequest.parse(workspace, given_options(wanted.run))
    if not names:
        return Outcome()
    preview.check_runnable(workspace, request.settings)
    submission = request.submit(names, skip_done=bool(wanted.skip_done))
    return Outcome(list(submission.queued), {**submission.refused, **submission.skipped})
