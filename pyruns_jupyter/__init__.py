"""Run parameter sweeps of scripts, which continue when the notebook or the server stops.

Scripts use `load`, `track`, `record`, `alert`, `artifact_dir` and `checkpoint_dir`. Notebooks use
`Workspace`, `Executor`, the widgets, and the magics of `%load_ext pyruns_jupyter`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it as true; importing `typing` would take longer than this module
if TYPE_CHECKING:
    from typing import Any

    from ._version import __version__
    from .api import Executor, Workspace
    from .notebook.widgets import Comparison, Dashboard, Generator, Gpus, Log, Plot, TaskTable
    from .script import (
        Config,
        MissingKeyError,
        alert,
        artifact_dir,
        checkpoint_dir,
        get_artifact_dir,
        get_run_index,
        get_task_dir,
        load,
        read,
        record,
        resumed_from,
        should_stop,
        track,
        track_many,
    )

__all__ = [
    "Comparison",
    "Config",
    "Dashboard",
    "Executor",
    "Generator",
    "Gpus",
    "Log",
    "MissingKeyError",
    "Plot",
    "TaskTable",
    "Workspace",
    "__version__",
    "alert",
    "artifact_dir",
    "checkpoint_dir",
    "get_artifact_dir",
    "get_run_index",
    "get_task_dir",
    "load",
    "read",
    "record",
    "resumed_from",
    "should_stop",
    "track",
    "track_many",
]

_WIDGETS = ("Comparison", "Dashboard", "Generator", "Gpus", "Log", "Plot", "TaskTable")
_MODULES = {  # of the public names; all others are in `script`
    **dict.fromkeys(("Executor", "Workspace"), ".api"),
    "__version__": "._version",
    **dict.fromkeys(_WIDGETS, ".notebook.widgets"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_MODULES.get(name, ".script"), __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Return the folder of the built JupyterLab extension."""
    return [{"src": "labextension", "dest": "pyruns-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return the server extension, which is imported only here."""
    from .server.app import PyrunsExtension

    return [{"module": "pyruns_jupyter.server.app", "app": PyrunsExtension}]


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics (`%load_ext pyruns_jupyter`)."""
    from .notebook import magics

    magics.load(ipython)
