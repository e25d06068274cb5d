"""The changes of a workspace as `EventMessage`s."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.tasks.index import TaskIndex

MAX_CHANGES = 2000  # of one message; with more, the client lists the tasks again


def greeting(index: TaskIndex, epoch: str, since: int | None) -> tuple[list[dict[str, Any]], int]:
    """Return the first messages to a client, and the revision from which `message_since` continues.

    `epoch` and `since` are the epoch and revision of the client's earlier connection, if any.
    """
    now = {"epoch": index.epoch, "revision": index.revision, "counts": dict(index.counts)}
    if since is not None and index.epoch == epoch and since <= index.revision:
        return [{"type": "hello", **now, "revision": since}], since  # `changes` follows
    messages = [{"type": "hello", **now}]
    if since is not None:
        messages.append({"type": "reset", **now})
    return messages, index.revision


def message_since(index: TaskIndex, revision: int) -> dict[str, Any] | None:
    """Return the message with the changes after `revision`, None if there are none."""
    changes = index.changes_since(revision)
    if changes is not None and changes.revision == revision:
        return None
    message: dict[str, Any] = {"epoch": index.epoch, "counts": dict(index.counts)}
    if changes is None or len(changes.changed) + len(changes.removed) > MAX_CHANGES:
        return message | {"type": "reset", "revision": index.revision}
    return message | {
        "type": "changes",
        "revision": changes.revision,
        "changed": [row.to_dict() for row in changes.changed],
        "removed": list(changes.removed),
    }
