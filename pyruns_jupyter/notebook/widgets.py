"""Live views of a workspace as notebook widgets.

A widget saves little with the notebook: a loader of a few kB and the names of what it shows. Its views come
from the server extension of the page when that sees the same folder, and over the widget's comm otherwise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import anywidget
import traitlets

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.tables import html_table, task_columns, text_table
from pyruns_jupyter.core.index import TaskRow
from pyruns_jupyter.resources.workspaces import folder_identity

from .bridge import STATIC, VIEWS, Bridge

LOADER = "widget-loader.js"
_NOT_BUILT = """\
export default { render({ el }) { el.textContent = "This widget was installed without being built."; } };
"""


class TaskTable(anywidget.AnyWidget):
    """The tasks of a workspace as in JupyterLab: live, to search, sort, select, run, stop and delete.

    `selected` holds the names of the selected tasks; it may be set, and observed like every trait.
    """

    workspace = traitlets.Unicode(read_only=True, help="Name of the workspace").tag(sync=True)
    folder = traitlets.Unicode(read_only=True, help="Folder of the workspace, absolute").tag(sync=True)
    identity = traitlets.Unicode(read_only=True, help="Device and inode of that folder").tag(sync=True)
    view = traitlets.Unicode("manager", read_only=True, help="Which view is shown").tag(sync=True)
    selected: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the selected tasks"
    ).tag(sync=True)
    height = traitlets.Int(360, min=120, help="Height in pixels").tag(sync=True)
    _views_version = traitlets.Unicode(read_only=True).tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)

    def __init__(self, workspace: Workspace | str | os.PathLike[str], **traits: Any) -> None:
        """Show a workspace, or that of a script or folder.

        Raises:
            NotFound, InvalidInput: when the script or folder cannot be opened.
        """
        shown = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
        self._shown = shown
        folder = shown.folder
        self.set_trait("workspace", shown.name)
        self.set_trait("folder", str(folder.folder))
        self.set_trait("identity", folder_identity(folder))
        self.set_trait("_views_version", _views_version())
        self._bridge = Bridge(folder, self._send_to_views)
        super().__init__(**traits)
        self.on_msg(self._on_message)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        try:
            return (STATIC / LOADER).read_text(encoding="utf-8")
        except OSError:
            return _NOT_BUILT

    def close(self) -> None:
        """Take the widget off the page; nothing is watched for it any more."""
        self._bridge.close()
        super().close()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        self._bridge.receive(content)

    def _send_to_views(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        self.send(content, list(buffers))

    def __repr__(self) -> str:
        return f"TaskTable({self.workspace!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, and a table for where there is none: a saved notebook, GitHub, a terminal."""
        live = super()._repr_mimebundle_(**kwargs)
        if live is None:
            return None
        data, metadata = live
        header, cells = task_columns(self._rows())
        static = {
            "text/plain": text_table(header, cells) if cells else f"{self.workspace}: no tasks",
            "text/html": html_table(header, cells, f"Tasks of {self.workspace}"),
        }
        return {**data, **static}, metadata

    def _rows(self) -> list[TaskRow]:
        return [task.row for task in self._shown]


@cache
def _views_version() -> str:
    """Return what changes with the built views, so that no browser mixes two versions."""
    digest = hashlib.blake2b(digest_size=8)
    for name in VIEWS:
        try:
            digest.update((STATIC / name).read_bytes())
        except OSError:
            digest.update(b"missing")
    return digest.hexdigest()
