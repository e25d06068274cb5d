"""One action on many tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core import generate, query, tasks
from pyruns_jupyter.core.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.index import TaskIndex
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.submit import cancel, submit

from .answers import os_sentence
from .body import Body
from .tasks import MOST_JOBS

Act = Callable[[WorkspaceFolder, str], object]

RUN = "run"
_EACH: dict[str, Act] = {
    "cancel": cancel,
    "delete": tasks.trash,
    "restore": tasks.restore,
    "pin": lambda workspace, name: tasks.set_pinned(workspace, name, True),
    "unpin": lambda workspace, name: tasks.set_pinned(workspace, name, False),
}


@dataclass(frozen=True)
class Action:
    """An `ActionRequest`; `names` is None when a query says which tasks are meant."""

    action: str
    names: list[str] | None
    query: str
    jobs: int

    KEYS = ("action", "names", "query", "jobs")

    @classmethod
    def read(cls, body: Body) -> Action:
        """Read a request.

        Raises:
            InvalidInput: when it is none.
        """
        action = body.text("action")
        if action != RUN and action not in _EACH:
            raise InvalidInput(
                f"There is no action {action!r}; there are {RUN}, {', '.join(_EACH)}.", field="action"
            )
        jobs = body.integer("jobs", 1, low=1, high=MOST_JOBS)
        if body.has("names") == body.has("query"):
            raise InvalidInput("Give either 'names' or 'query'.", field="names")
        if body.has("names"):
            return cls(action, body.texts("names"), "", jobs)
        if action == "restore":
            raise InvalidInput("'restore' takes 'names'; the trash is not searched.", field="query")
        return cls(action, None, body.text("query"), jobs)

    @property
    def executes(self) -> bool:
        """Whether tasks are started or stopped by it."""
        return self.action in (RUN, "cancel")

    def matching(self, index: TaskIndex) -> list[str]:
        """Return the names of the tasks that the query means.

        Raises:
            InvalidInput: when it is not understood.
        """
        rows, _ = query.select(
            index.rows.values(), query=self.query, sort="created", order="asc", limit=len(index.rows)
        )
        return [row.name for row in rows]


def act(workspace: WorkspaceFolder, wanted: Action, names: list[str]) -> dict[str, Any]:
    """Do something to tasks and return an `ActionResult`; some may be refused."""
    if wanted.action == RUN:
        done, refused = _run(workspace, names, wanted.jobs)
    else:
        done, refused = _each(_EACH[wanted.action], workspace, names)
    return {"done": done, "refused": [{"name": name, "message": why} for name, why in refused.items()]}


def _run(workspace: WorkspaceFolder, names: list[str], jobs: int) -> tuple[list[str], dict[str, str]]:
    if not names:
        return [], {}
    generate.check_runnable(workspace)
    submission = submit(workspace, names, jobs=jobs)
    return list(submission.queued), dict(submission.refused)


def _each(do: Act, workspace: WorkspaceFolder, names: list[str]) -> tuple[list[str], dict[str, str]]:
    done: list[str] = []
    refused: dict[str, str] = {}
    for name in names:
        try:
            do(workspace, name)
            done.append(name)
        except PyrunsError as error:
            refused[name] = error.message
        except OSError as error:  # of this one's folder: the others are not concerned
            refused[name] = os_sentence(error)
    return done, refused
