"""Importing the runs of other programs as tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .request import Request

if TYPE_CHECKING:
    from pyruns_jupyter.core.import_runs.importing import ImportedRun

MAX_RUNS = 200  # that are described
_MAX_REASONS, _MAX_NAMES = 50, 3
_MAX_PARAMETERS, _MAX_METRICS, _MAX_TEXT = 50, 50, 200


class ImportRequest(Request, frozen=True):
    """A file or folder with runs. With `dry_run`, nothing is created. `artifacts`: also copy artifacts."""

    path: str
    dry_run: bool = False
    artifacts: bool = False

    @property
    def local_path(self) -> str:
        """The path as the client uses it, if it was given as the URL of a database.

        Raises:
            InvalidInput: if it is another URL.
        """
        from pyruns_jupyter.core.import_runs.discover import path_of_runs  # few requests need it

        return path_of_runs(self.path)


def import_runs(
    workspace: WorkspaceFolder, path: Path, wanted: ImportRequest, max_tasks: int, check: Callable[[], object]
) -> dict[str, Any]:
    """Create tasks from runs, at most `max_tasks`, and return an `ImportResult`; `check` is called between
    runs and may raise an error to end a dry run.

    Raises:
        NotFound: if `path` does not exist, or has no runs.
        InvalidInput: if it cannot contain runs, has too many, or the script of the workspace is missing.
        Conflict, Busy: if tasks cannot be created now.
    """
    from pyruns_jupyter.core.import_runs import importing  # few requests need it

    found = importing.import_runs(
        workspace,
        path,
        dry_run=wanted.dry_run,
        artifacts=wanted.artifacts,
        max_tasks=max_tasks,
        check=check if wanted.dry_run else None,
    )
    created = [run for run in found.runs if not run.skipped]
    left_out = found.left_out()
    return {
        "created": len(created),
        "skipped": len(found.runs) - len(created),
        "runs": [_run_model(run) for run in created[:MAX_RUNS]],
        "left_out": [
            {"reason": reason, "count": len(names), "names": names[:_MAX_NAMES]}
            for reason, names in list(left_out.items())[:_MAX_REASONS]
        ],
        "notices": found.notices[:_MAX_REASONS],
    }


def _run_model(run: ImportedRun) -> dict[str, Any]:
    return {
        "task": run.task,
        "name": run.name[:_MAX_TEXT],
        "program": run.program,
        "status": run.status,
        "parameters": {
            key[:_MAX_TEXT]: encode_nonfinite(_short(value))
            for key, value in list(run.parameters.items())[:_MAX_PARAMETERS]
        },
        "metrics": list(run.metrics)[:_MAX_METRICS],
        "points": run.points,
        "started_at": run.started,
        "finished_at": run.finished,
    }


def _short(value: Any) -> Any:
    """Return a value of a parameter as plain data that is not large."""
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)[:_MAX_TEXT]
