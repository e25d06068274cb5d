"""Notebook widgets that show the pages of JupyterLab in the output of a cell.

A notebook stores only the traits of a widget and a loader of a few kB. The views are loaded from the server
extension if it can access the same folder as the kernel, and otherwise over the comm of the widget.
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
from pyruns_jupyter.service.generator import TemplateRequest, template
from pyruns_jupyter.service.workspaces import folder_identity
from pyruns_jupyter.system.sampler import Sampler

from . import static_preview
from .comm_server import STATIC, VIEWS, CommServer
from .static_preview import Picture

LOADER = "widget-loader.js"
_NOT_BUILT = """\
export default { render({ el }) { el.textContent = "This widget was installed without being built."; } };
"""
MAX_COMPARED = 500  # tasks
# In an output with a widget and its preview: our JupyterLab extension chooses between the two.
SAVED = "application/vnd.pyruns.saved+json"

_sampler = Sampler()  # for previews; does nothing until a sample is requested


class View(anywidget.AnyWidget):
    """A live view of a workspace. All traits can be observed, and those that are not read-only can be set."""

    workspace = traitlets.Unicode(read_only=True, help="Name of the workspace").tag(sync=True)
    folder = traitlets.Unicode(read_only=True, help="Absolute path of the workspace's folder").tag(sync=True)
    identity = traitlets.Unicode(read_only=True, help="Device and inode of the folder").tag(sync=True)
    view = traitlets.Unicode(read_only=True, help="Name of the view").tag(sync=True)
    height = traitlets.Int(360, min=120, help="Height in pixels").tag(sync=True)
    _views_version = traitlets.Unicode(read_only=True).tag(sync=True)
    # The preview, for pages without a kernel.
    _picture_then = traitlets.Unicode().tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)

    _view: ClassVar[str]
    _height: ClassVar[int] = 360
    _comm_server: CommServer | None = None  # None if the constructor failed

    def __init__(self, workspace: Workspace | str | os.PathLike[str], **traits: Any) -> None:
        """Show a workspace.

        Args:
            workspace: a workspace, or the path of a script, notebook or folder.
            traits: the initial values of traits.

        Raises:
            NotFound: if the script or folder does not exist.
            InvalidInput: if the script cannot be read.
        """
        shown = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
        self._shown = shown
        folder = shown.folder
        self.set_trait("workspace", shown.name)
        self.set_trait("folder", str(folder.folder))
        self.set_trait("identity", folder_identity(folder))
        self.set_trait("view", self._view)
        self.set_trait("_views_version", _views_version())
        self._comm_server = CommServer(folder, self._send_to_views)
        super().__init__(**{"height": self._height, **traits})
        self.on_msg(self._on_message)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        try:
            return (STATIC / LOADER).read_text(encoding="utf-8")
        except OSError:
            return _NOT_BUILT

    def close(self) -> None:
        """Remove the widget from the page and stop watching its workspace."""
        if self._comm_server is not None:
            self._comm_server.close()
        super().close()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if self._comm_server is not None:
            self._comm_server.receive(content)

    def _send_to_views(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        self.send(content, list(buffers))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.workspace!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, and a static preview for saved notebooks."""
        live = super()._repr_mimebundle_(**kwargs)
        if live is None:
            return None
        data, metadata = live
        try:
            picture = self._picture()
        except (PyrunsError, OSError) as error:
            # For example, its tasks were deleted: the live view says more.
            picture = {"text/plain": f"{self!r}: {error}"}
        self._picture_then = picture.get("text/html") or picture.get("image/svg+xml", "")
        return {**data, **picture, SAVED: {}}, metadata

    def _picture(self) -> Picture:
        """Return the static preview."""
        raise NotImplementedError


class TaskTable(View):
    """A widget that shows the Tasks page, to filter, sort, select, run, stop and delete tasks.

    Attributes:
        selected: the names of the selected tasks.
        query: the query that filters the table.
    """

    selected: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the selected tasks"
    ).tag(sync=True)
    query = traitlets.Unicode(help="Query that filters the tasks, such as `status:failed`").tag(sync=True)
    _view = "manager"

    def _picture(self) -> Picture:
        found = self._shown.table(self.query)
        return static_preview.table(found.rows, f"Tasks of {self.workspace}", f"{self.workspace}: no tasks")


class Dashboard(View):
    """A widget that shows the utilization of the machine, and the running, queued and recent tasks."""

    _view = "dashboard"
    _height = 520

    def _picture(self) -> Picture:
        return static_preview.counts(
            self.workspace, self._shown.counts(), self._shown.table(sort="-started").rows
        )


class Gpus(View):
    """A widget that shows the utilization of CPU, memory and GPUs, and the processes on each GPU."""

    _view = "gpus"
    _height = 320

    def _picture(self) -> Picture:
        return static_preview.machine(_sampler.sample())


class Generator(View):
    """A widget that shows the New tasks page, with a form, its YAML and a preview of the tasks.

    Attributes:
        text: the configuration as YAML with sweep syntax.
        name: the name, name prefix or name pattern of the tasks.
        created: the names of the tasks that were created last.
        plan: the `Plan` of `text` and `name`, or None if there is an error. Set it to show another plan.
        error: the error message, which is empty if there is a plan.
    """

    text = traitlets.Unicode(help="YAML with sweep syntax").tag(sync=True)
    name = traitlets.Unicode(help="Name, or name pattern, of the tasks").tag(sync=True)
    created: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the tasks created last"
    ).tag(sync=True)
    plan = traitlets.Instance(Plan, allow_none=True, help="Plan of the tasks; None if there is an error")
    error = traitlets.Unicode(help="Error message if there is no plan")
    _view = "generator"
    _height = 480

    _following = False  # while text and plan are made equal, changes are not handled

    def __init__(self, workspace: Workspace | str | os.PathLike[str], **traits: Any) -> None:
        """Show the form for new tasks.

        Args:
            workspace: a workspace, or the path of a script, notebook or folder.
            traits: the initial values of traits. By default, `text` is the script's default configuration.

        Raises:
            NotFound: if the script or folder does not exist.
            InvalidInput: if the script cannot be read.
        """
        shown = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
        if "plan" not in traits:
            given = template(shown.folder, TemplateRequest())
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
    """A widget that shows the live log of a task.

    Attributes:
        task: the name of the task.
        curves: whether to show the curves of the run next to the log.
    """

    task = traitlets.Unicode(help="Name of the task").tag(sync=True)
    curves = traitlets.Bool(False, help="Whether to show the curves at first").tag(sync=True)
    _view = "log"

    def __init__(self, task: Task, **traits: Any) -> None:
        """Show the log of the latest run of a task. When a new run starts, its log is shown.

        Args:
            task: the task whose log to show.
            traits: the initial values of traits.
        """
        super().__init__(task.workspace, task=task.name, **traits)

    def _picture(self) -> Picture:
        return static_preview.log(self._shown[self.task])


class _Compared(View):
    names: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), maxlen=MAX_COMPARED, help="Names of the tasks"
    ).tag(sync=True)

    def __init__(self, tasks: Workspace | Task | Iterable[Task], **traits: Any) -> None:
        """Show tasks of one workspace.

        Args:
            tasks: the tasks (at most 500), or a workspace to show all its tasks.
            traits: the initial values of traits.

        Raises:
            InvalidInput: if no tasks or more than 500 tasks are given, or if they belong to several
                workspaces.
        """
        workspace, names = _one_workspace(tasks)
        super().__init__(workspace, names=names, **traits)


class Comparison(_Compared):
    """A widget that shows the Compare page.

    Attributes:
        names: the names of the tasks.
        tab: the selected tab: `table`, `curves`, `parallel`, `scatter`, `heatmap`, `importance`,
            `media` or `failures`.
    """

    tab = traitlets.Enum(
        ["table", "curves", "parallel", "scatter", "heatmap", "importance", "media", "failures"], "table"
    ).tag(sync=True)
    _view = "comparison"
    _height = 480

    def _picture(self) -> Picture:
        rows = [self._shown[name].row for name in self.names]
        return static_preview.table(rows, f"Tasks of {self.workspace}", "no tasks")


class Plot(_Compared):
    """A widget that shows the curves of several tasks in one chart.

    Attributes:
        names: the names of the tasks.
        figures: the names of the metrics to plot. If it is empty, the first metrics are plotted.
        x: the x axis: `point` (number of the tracked value), `time`, or a step metric such as `epoch`.
        smoothing: the weight of the exponential moving average, from 0 (no smoothing) to 0.99.
        log_x: whether the x axis is logarithmic.
        log_y: whether the y axis is logarithmic.
    """

    # Not named `keys`, which ipywidgets uses for the traits to synchronize.
    figures: traitlets.List[str] = traitlets.List(
        traitlets.Unicode(), help="Names of the metrics to plot. If empty, the first metrics are plotted"
    ).tag(sync=True)
    x = traitlets.Unicode(help="Horizontal axis: a step metric, `point` or `time`").tag(sync=True)
    smoothing = traitlets.Float(
        0.0, min=0.0, max=0.99, help="Smoothing factor (exponential moving average)"
    ).tag(sync=True)
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
            raise InvalidInput(
                "The tasks belong to different workspaces. Specify tasks of one workspace."
                if folders
                else "No tasks were given. Specify at least one task."
            )
        workspace = found[0].workspace
    if len(found) > MAX_COMPARED:
        raise InvalidInput(f"At most {MAX_COMPARED} tasks can be compared, not {len(found)}.")
    return workspace, [task.name for task in found]


@cache
def _views_version() -> str:
    """Return a hash of the built views, so that no browser mixes files of two versions."""
    digest = hashlib.blake2b(digest_size=8)
    for name in VIEWS:
        try:
            digest.update((STATIC / name).read_bytes())
        except OSError:
            digest.update(b"missing")
    return digest.hexdigest()
