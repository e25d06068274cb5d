"""Changing one task, as a `TaskPatch` asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .request import Body


@dataclass(frozen=True)
class Patch:
    """A `TaskPatch`: another name (None: the same), and the rest of the change."""

    name: str | None
    expected_name: str | None
    change: metadata.TaskPatch

    KEYS = ("name", "notes", "pinned", "tags", "env", "order", "expected")

    @classmethod
    def read(cls, body: Body) -> Patch:
        """Read a request.

        Raises:
            InvalidInput: when it is none.
        """
        expected = dict(body.mapping("expected"))
        expected_name = expected.pop("name", None)
        if expected_name is not None and not isinstance(expected_name, str):
            raise InvalidInput("'expected.name' should be a text.", field="expected.name")
        change = metadata.TaskPatch(
            notes=body.text("notes") if body.has("notes") else None,
            pinned=body.flag("pinned") if body.has("pinned") else None,
            tags=tuple(body.texts("tags")) if body.has("tags") else None,
            env=_variables(body.mapping("env")),
            order=body.number("order") if body.has("order") else None,
            expected=expected,
        )
        change.check()
        return cls(body.text("name") if body.has("name") else None, expected_name, change)


def _variables(given: dict[str, Any]) -> dict[str, str | None]:
    for name, text in given.items():
        if text is not None and not isinstance(text, str):
            raise InvalidInput(f"The value of {name!r} should be a text, or null to unset it.", field="env")
    return given


def change(workspace: WorkspaceFolder, name: str, wanted: Patch) -> str:
    """Change what is given, all of it or nothing; return the task's name then.

    Raises:
        Conflict: when something is not as the client expected it, or the task cannot get the name.
        InvalidInput, NotFound, Unreadable, Busy: when it cannot be changed.
    """
    return tasks.change(
        workspace, name, wanted.change, new_name=wanted.name, expected_name=wanted.expected_name
    )
