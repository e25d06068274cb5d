"""Live views of a workspace as notebook widgets: the pages of JupyterLab, in a cell.

A widget saves little with the notebook: a loader of a few kB and its traits. Its views come from the server
extension of the page when that sees the same folder, and over the widget's comm otherwise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.plan import Plan
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.service.generator import template
from pyruns_jupyter.service.workspaces import folder_identity
from pyruns_jupyter.system.sampler import Sampler

from . import static_preview
from .comm_server import STATIC, VIEWS, Bridge
from .static_preview import Picture

LOADER = "widget-loader.js"
_NOT_BUILT = """\
export default { render({ el }) { el.textContent = "This widget was installed without being built."; } };
"""
MAX_COMPARED = 500  # tasks
# Stands in an output beside the widget and its picture: our part of JupyterLab chooses between them.
SAVED = "application/vnd.pyruns.saved+json"

_sampler = Sampler()  # for pictures; does nothing until a sample is requested


class View(anywidget.AnyWidget):
    """One live view of a workspace. All traits may be read and observed; what is not read-only, set."""

    workspace = traitlets.Unicode(read_only=True, help="Name of the workspace").tag(sync=True)
    folder = traitlets.Unicode(read_only=True, help="Folder of the workspace, absolute").tag(sync=True)
    identity = traitlets.Unicode(read_only=True, help="Device and inode of that folder").tag(sync=True)
    view = traitlets.Unicode(read_only=True, help="Which view is shown").tag(sync=True)
    height = traitlets.Int(360, min=120, help="Height in pixels").tag(sync=True)
    _views_version = traitlets.Unicode(read_only=True).tag(sync=True)
    # What it looked like, for pages in which nobody answers it any more.
    _picture_then = traitlets.Unicode().tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)

    _view: ClassVar[str]
    _height: ClassVar[int] = 360
    _bridge: Bridge | None = None  # of a widget that could be made

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
        self.set_trait("view", self._view)
        self.set_trait("_views_version", _views_version())
        self._bridge = Bridge(folder, self._send_to_views)
        super().__init__(**{"height": self._height, **traits})
        self.on_msg(self._on_message)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        try:
            return (STATIC / LOADER).read_text(encoding="utf-8")
        except OSError:
            return _NOT_BUILT

    def close(self) -> None:
        """Take the widget off the page; nothing is watched for it any more."""
        if self._bridge is not None:
            self._bridge.close()
        super().close()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if self._bridge is not None:
            self._bridge.receive(content)

    def _send_to_views(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        self.send(content, list(buffers))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.workspace!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, and a picture for where there is none, such as a saved notebook."""
        live = super()._repr_mimebundle_(**kwargs)
        if live is None:
            return None
        data, metadata = live
        try:
            picture = self._picture()
        except (PyrunsError, OSError) as error:  # its tasks are gone, say: the live view tells more
            picture = {"text/plain": f"{self!r}: {error}"}
        self._picture_then = picture.get("text/html") or picture.get("image/svg+xml", "")
        return {**data, **picture, SAVED: {}}, metadata

    def _picture(self) -> Picture:
        """Return what is shown where no widget can be."""
        raise NotImplementedError


class TaskTable(View):
    """The tasks of a workspace as in JupyterLab: live, to search, sort, select, run, stop and delete.

    `selected` holds the names of the selected tasks, `query` what is searched for.
    """

    selected: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the selected tasks"
    ).tag(sync=True)
    query = traitlets.Unicode(help="What is searched for, such as `status:failed`").tag(sync=True)
    _view = "manager"

    def _picture(self) -> Picture:
        found = self._shown.table(self.query)
        return static_preview.table(found.rows, f"Tasks of {self.workspace}", f"{self.workspace}: no tasks")


class Dashboard(View):
    """The machine, its GPUs, and a workspace: what runs, what waits and for what, what ended last."""

    _view = "dashboard"
    _height = 520

    def _picture(self) -> Picture:
        return static_preview.counts(
            self.workspace, self._shown.counts(), self._shown.table(sort="-started").rows
        )


class Gpus(View):
    """The loads of the machine and of its GPUs, with who uses them."""

    _view = "gpus"
    _height = 320

    def _picture(self) -> Picture:
        return static_preview.machine(_sampler.sample())


class Generator(View):
    """A configuration in the making: a form, its YAML, and what it would create.

    `text` is the YAML with batch syntax, `name` what the tasks are to be called, `plan` the plan of both,
    which may be set too. `created` holds the names of what was created last.
    """

    text = traitlets.Unicode(help="YAML with batch syntax").tag(sync=True)
    name = traitlets.Unicode(help="Name, or name pattern, of the tasks").tag(sync=True)
    created: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the tasks that were created last"
    ).tag(sync=True)
    plan = traitlets.Instance(
        Plan, allow_none=True, help="What would be created; None when there is an error"
    )
    error = traitlets.Unicode(help="Why there is no plan")
    _view = "generator"
    _height = 480

    _following = False  # one of text and plan follows the other: that is no change of its own

    def __init__(self, workspace: Workspace | str | os.PathLike[str], **traits: Any) -> None:
        """Begin with the script's defaults, or with `text` or `plan`.

        Raises:
            NotFound, InvalidInput: when the script or folder cannot be opened.
        """
        shown = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
        if "plan" not in traits:
            given = template(shown.folder, "")
            traits = {"text": given["text"], "name": given["name"], **traits}
        super().__init__(shown, **traits)

    @traitlets.observe("text", "name")
    def _on_text(self, _change: Any) -> None:
        if self._following:
            return
        self._following = True
        try:
            self.plan, self.error = self._shown.sweep(self.text, self.name), ""
        except InvalidInput as found:
            self.plan, self.error = None, found.message
        finally:
            self._following = False

    @traitlets.observe("plan")
    def _on_plan(self, change: Any) -> None:
        plan = change["new"]
        if self._following or plan is None:
            return
        self._following = True
        try:
            self.text, self.name, self.error = plan.text, plan.name or self.name, ""
        finally:
            self._following = False

    def _picture(self) -> Picture:
        return static_preview.plan(self.plan, self.text)


class Log(View):
    """The log of one task, live: `task` is its name. With `curves` those of the run stand beside it."""

    task = traitlets.Unicode(help="Name of the task").tag(sync=True)
    curves = traitlets.Bool(False, help="Whether its curves are shown at first").tag(sync=True)
    _view = "log"

    def __init__(self, task: Task, **traits: Any) -> None:
        """Show the log of a task's latest run, and of each that follows."""
        super().__init__(task.workspace, task=task.name, **traits)

    def _picture(self) -> Picture:
        return static_preview.log(self._shown[self.task])


class _Compared(View):
    names: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), maxlen=MAX_COMPARED, help="Names of the tasks"
    ).tag(sync=True)

    def __init__(self, tasks: Workspace | Task | Iterable[Task], **traits: Any) -> None:
        """Show tasks of one workspace, at most 500: the tasks, or a workspace for all of them.

        Raises:
            InvalidInput: for no tasks, too many, or those of several workspaces.
        """
        workspace, names = _one_workspace(tasks)
        super().__init__(workspace, names=names, **traits)


class Comparison(_Compared):
    """Tasks beside each other: table, curves, plots, importance of parameters, failures.

    `names` are the tasks, `tab` is what is looked at: `table`, `curves`, `parallel`, `scatter`, `heatmap`,
    `importance` or `failures`.
    """

    tab = traitlets.Enum(
        ["table", "curves", "parallel", "scatter", "heatmap", "importance", "failures"], "table"
    ).tag(sync=True)
    _view = "comparison"
    _height = 480

    def _picture(self) -> Picture:
        rows = [self._shown[name].row for name in self.names]
        return static_preview.table(rows, f"Tasks of {self.workspace}", "no tasks")


class Plot(_Compared):
    """Curves of tasks over each other, live.

    `names` are the tasks, `figures` what is shown (none: the first ones), `x` what they are shown over: a
    step that the script counts, `point`, or `time`.
    """

    # Not `keys`: by that name ipywidgets knows which traits it has to sync.
    figures: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Figures whose curves are shown; none: the first ones"
    ).tag(sync=True)
    x = traitlets.Unicode(help="Over what: a step, `point` or `time`").tag(sync=True)
    smoothing = traitlets.Float(0.0, min=0.0, max=0.99, help="Weight of what came before").tag(sync=True)
    log_x = traitlets.Bool(False).tag(sync=True)
    log_y = traitlets.Bool(False).tag(sync=True)
    _view = "plot"
    _height = 420

    def _picture(self) -> Picture:
        return static_preview.curves(self._shown.folder, self.names, self.figures)


def _one_workspace(tasks: Workspace | Task | Iterable[Task]) -> tuple[Workspace, list[str]]:
    if isinstance(tasks, Workspace):
        workspace, found = tasks, list(tasks)
    else:
        found = [tasks] if isinstance(tasks, Task) else list(tasks)
        folders: set[Path] = {task.folder.parent for task in found}
        if len(folders) != 1:
            raise InvalidInput("Give tasks of one workspace." if folders else "Give at least one task.")
        workspace = found[0].workspace
    if len(found) > MAX_COMPARED:
        raise InvalidInput(f"At most {MAX_COMPARED} tasks can be compared, not {len(found)}.")
    return workspace, [task.name for task in found]


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
