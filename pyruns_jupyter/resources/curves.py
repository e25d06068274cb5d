"""One curve of several tasks, as small pictures in a table show it."""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.errors import PyrunsError
from pyruns_jupyter.core.workspace import WorkspaceFolder

from .tasks import tracks

MOST = 200  # tasks


def curves(workspace: WorkspaceFolder, names: list[str], key: str, points: int) -> dict[str, Any]:
    """Return the `Curves` of the latest runs of some tasks; those that have none are left out."""
    items = []
    for name in names[:MOST]:
        try:
            found = tracks(workspace, name, None, points)
        except PyrunsError:
            continue  # gone since it was listed, or damaged
        values = found["tracks"].get(key)
        if values:
            places = found["places"][key]
            items.append({"name": name, "run": found["run"], "values": values, "places": places})
    return {"key": key, "items": items}
