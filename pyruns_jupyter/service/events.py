"""What changes in a workspace, as `EventMessage`s."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.tasks.index import TaskIndex

ROWS_AT_ONCE = 2000  # more changes than this and listing again is cheaper


def greeting(index: TaskIndex, epoch: str, since: int | None) -> tuple[list[dict[str, Any]], int]:
    """Return what a client is told first, and the revision from which `message_since` goes on.

    `epoch` and `since` are what the client knows of an earlier connection; nothing when `since` is None.
    """
    now = {"epoch": index.epoch, "revision": index.revision, "counts": dict(index.counts)}
    if since is not None and index.epoch == epoch and since <= index.revision:
        return [{"type": "hello", **now, "revision": since}], since  # `changes` leads from there to now
    messages = [{"type": "hello", **now}]
    if since is not None:
        messages.append({"type": "reset", **now})
    return messages, index.revision


def message_since(index: TaskIndex, revision: int) -> dict[str, Any] | None:
    """Return the message that leads from `revision` to its own, None when nothing changed."""
    changes = index.changes_since(revision)
    if changes is not None and changes.revision == revision:
        return None
    message: dict[str, Any] = {"epoch": index.epoch, "counts": dict(index.counts)}
    if changes is None or len(changes.changed) + len(changes.removed) > ROWS_AT_ONCE:
        return message | {"type": "reset", "revision": index.revision}
    return message | {
        "type": "changes",
        "revision": changes.revision,
        "changed": [row.to_dict() for row in changes.changed],
        "removed": list(changes.removed),
    }
