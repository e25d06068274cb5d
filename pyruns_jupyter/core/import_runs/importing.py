"""Create tasks from the runs of other programs. Each task appears complete, with one run that has ended."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.config.flatten import flatten
from pyruns_jupyter.core.config.yamltext.values import identity, mapping_lines
from pyruns_jupyter.core.create.create import kind_of_tasks, new_task_info
from pyruns_jupyter.core.create.duplicate import copy_tree
from pyruns_jupyter.core.create.preview import free_among, taken_names
from pyruns_jupyter.core.create.staging import put_into_place, staging_folder
from pyruns_jupyter.core.fs.atomic import dump_json, write_new
from pyruns_jupyter.core.fs.locks import FILE_MODE
from pyruns_jupyter.core.fs.regular_files import open_regular, set_mode
from pyruns_jupyter.core.metrics.read import add_points, compact_journal
from pyruns_jupyter.core.metrics.sources.facts import MAX_FACTS, store_facts
from pyruns_jupyter.core.metrics.sources.metric_names import MAX_TIME
from pyruns_jupyter.core.metrics.statistics import CurveStatistics
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, mark_imported, own, own_facts, read_task
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder, scan_tasks

from .discover import find_runs
from .found_run import FoundRun, legal_name
from .points import RunPoints

_ORIGIN, _KEY = "imported_from", "key"  # in our part of a task file: {"program", "key", "path"}
_TOGETHER = 100  # tasks that are put into place at once
_MAX_LOG = 64 * 1024 * 1024  # bytes of a log that are copied
_MAX_SWEPT, _MAX_RECORDS, _MAX_TEXT = 200, 2000, 1000  # characters of one of their values
_MAX_COUNTED = 10_000  # artifacts


@dataclass(frozen=True)
class ImportedRun:
    """A run of another program, and the task that it became or would become.

    Attributes:
        task: the name of the task, empty if the run is skipped.
        name: the name of the run in the other program.
        program: `TensorBoard`, `MLflow`, `W&B`, `Hydra` or `Optuna`.
        path: the folder or file of the run.
        status: `completed`, `failed` or `cancelled`.
        parameters: the parameters by dotted key.
        metrics: the number of values of each metric.
        points: the number of points; values that were logged together are one point.
        started, finished: epoch seconds, None if unknown.
        skipped: why the run is not imported, empty if it is.
        notices: what is left out of it, as sentences.
    """

    task: str
    name: str
    program: str
    path: str
    status: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, int]
    points: int
    started: float | None
    finished: float | None
    skipped: str = ""
    notices: tuple[str, ...] = ()


@dataclass
class RunImport:
    """The runs of an import, and notices about the search for them. `created` are the names of new tasks."""

    runs: list[ImportedRun] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def created(self) -> list[str]:
        """The names of the tasks that were created, or would be with a dry run."""
        return [run.task for run in self.runs if not run.skipped]

    def left_out(self) -> dict[str, list[str]]:
        """Return why runs or parts of them are left out, with the names of the tasks or runs."""
        found: dict[str, list[str]] = {}
        for run in self.runs:
            for text in (run.skipped,) if run.skipped else run.notices:
                found.setdefault(text, []).append(run.task or f"{run.name} ({run.program})")
        return found


def import_runs(
    workspace: WorkspaceFolder,
    path: Path,
    *,
    dry_run: bool = False,
    artifacts: bool = False,
    max_tasks: int | None = None,
    check: Callable[[], object] | None = None,
) -> RunImport:
    """Create a task for each run of another program below a folder, unless it was imported already.

    With `dry_run`, everything is read, but nothing is written. `artifacts` also copies the artifacts of
    MLflow and the files of W&B. At most `max_tasks` tasks are created. `check` is called while runs are
    searched, and before each run is read; it may raise an error. Nothing below `path` is changed. If an error
    occurs, the tasks that were created until then are complete; the next import creates the others.

    Raises:
        NotFound: if `path` does not exist, or has no runs.
        InvalidInput: if it cannot contain runs, has too many, or the script of the workspace is missing.
        Conflict, Busy: if tasks cannot be created now.
    """
    found, notices = find_runs(path, check)
    kind = kind_of_tasks(workspace)
    result = RunImport(notices=notices)
    known = _origins(workspace)
    taken = taken_names(workspace)
    tasks = Path(os.path.realpath(workspace.tasks))
    chosen: list[tuple[str, FoundRun]] = []
    for run in found:
        if not run.skipped and run.key in known:
            run.skipped = f"It was imported as {known[run.key]}."
        if run.skipped:
            result.runs.append(_imported("", run, RunPoints(run)))
            continue
        if run.artifacts is not None and Path(os.path.realpath(run.artifacts)) in tasks.parents:
            run.artifacts = None  # copying it would copy the folder into itself
        name = free_among(taken, legal_name(run.name))
        taken.add(name)
        known[run.key] = name
        chosen.append((name, run))
    varying = None if workspace.kind == SHELL else _varying(run for _, run in chosen)
    if max_tasks is not None and len(chosen) > max_tasks:
        raise InvalidInput(
            f"This import would create {len(chosen):,} tasks, but the limit is {max_tasks:,}. Import a "
            "subfolder.",
            field="path",
        )
    writer = _Writer(kind, str(workspace.project), varying, artifacts, check)
    if dry_run:
        result.runs += [writer.count(name, run) for name, run in chosen]
        return result
    for first in range(0, len(chosen), _TOGETHER):
        with staging_folder(workspace) as staging:
            made = [writer.write(staging, name, run) for name, run in chosen[first : first + _TOGETHER]]
            put_into_place(workspace, staging, [one.task for one in made if not one.skipped])
        result.runs += made
    return result


def _origins(workspace: WorkspaceFolder) -> dict[str, str]:
    """Return the names of the tasks that were imported, by the key of their run."""
    found: dict[str, str] = {}
    for name, folder in scan_tasks(workspace.tasks):
        with suppress(NotFound, Unreadable):
            origin = own_facts(read_task(Path(folder))).get(_ORIGIN)
            if isinstance(origin, dict) and isinstance(origin.get(_KEY), str):
                found[origin[_KEY]] = name
    return found


def _varying(found: Iterable[FoundRun]) -> set[str]:
    """Return the parameters that differ between runs."""
    first: dict[str, object] = {}
    count, differing, having = 0, set[str](), dict[str, int]()
    for run in found:
        count += 1
        for key, value in flatten(run.parameters).items():
            having[key] = having.get(key, 0) + 1
            if first.setdefault(key, identity(value)) != identity(value):
                differing.add(key)
    return differing | {key for key, number in having.items() if number < count}


def _imported(task: str, run: FoundRun, points: RunPoints) -> ImportedRun:
    return ImportedRun(
        task="" if run.skipped else task,
        name=run.name,
        program=run.program,
        path=str(run.path),
        status=run.status,
        parameters=flatten(run.parameters),
        metrics=points.metrics,
        points=points.count,
        started=run.started,
        finished=run.finished,
        skipped=run.skipped,
        notices=tuple(run.notices),
    )


class _Writer:
    """Writes the folders of tasks for runs. `varying` are the parameters that are shown in lists, None for
    all.
    """

    def __init__(
        self,
        kind: tuple[str, str, dict[str, Any]],
        project: str,
        varying: set[str] | None,
        artifacts: bool,
        check: Callable[[], object] | None,
    ) -> None:
        self._kind, self._project, self._varying, self._artifacts = kind, project, varying, artifacts
        self._check = check or (lambda: None)

    def count(self, name: str, run: FoundRun) -> ImportedRun:
        """Read a run without writing anything."""
        self._check()
        points = RunPoints(run)
        points.read()
        self._complete(run, points)
        return _imported(name, run, points)

    def write(self, staging: Path, name: str, run: FoundRun) -> ImportedRun:
        """Write the folder of the task for a run, unless it turns out that it is to be skipped.

        Raises:
            OSError: when it cannot be written.
        """
        self._check()
        paths, points = TaskPaths(staging / name), RunPoints(run)
        paths.folder.mkdir()
        paths.run_logs.mkdir()
        points.write(paths.journal(1))
        self._complete(run, points)
        if run.skipped:
            shutil.rmtree(paths.folder)
            return _imported("", run, points)
        info = self._info(name, run)
        self._write_payload(paths.folder, run)
        _write_log(paths.log(1), run)
        if self._artifacts and run.artifacts is not None:
            paths.artifacts.mkdir()
            copy_tree(run.artifacts, paths.artifact_dir(1))
        statistics: dict[str, CurveStatistics] = {}
        records, tracks, whole = compact_journal(paths, 1, statistics, len(dump_json(info)))
        further = {key: value for key, value in run.records.items() if key not in tracks}
        kept = {key: value for key, value in further.items() if len(key) <= _MAX_TEXT and _is_value(value)}
        info["records"][0] = {**dict(islice(kept.items(), _MAX_RECORDS)), **records}
        if add_points(info, 1, tracks, whole=whole, statistics=statistics):
            paths.journal(1).unlink()
        store_facts(info, 1, points.facts[:MAX_FACTS])
        write_new(paths.info, dump_json(info), durable=False)
        return _imported(name, run, points)

    def _complete(self, run: FoundRun, points: RunPoints) -> None:
        """Add what is known of a run after its metrics were read."""
        run.complete(points.is_whole)
        run.started, run.finished = _valid(run.started), _valid(run.finished)
        if run.started is None:
            run.started = points.first if points.first is not None else run.finished
        if run.program in ("TensorBoard", "Hydra") and points.first is not None and points.last is not None:
            # The times of their files are only those of the last copy.
            run.started, run.finished = points.first, points.last
        if run.finished is None:
            run.finished = points.last if points.last is not None else run.started
        if run.artifacts is not None and not self._artifacts:
            count, size = _size_of(run.artifacts)
            if count:
                files = "1 file" if count == 1 else f"{count:,} files"
                run.add_notice(f"Its artifacts are not copied ({files}, {size / 2**20:.1f} MiB).")
        if not points.count and not run.records:
            run.add_notice("It has no metrics.")

    def _info(self, name: str, run: FoundRun) -> TaskInfo:
        kind, payload, more = self._kind
        now = time.time()
        created = now if run.started is None else run.started
        origin = {"program": run.program, _KEY: run.key, "path": str(run.path)}
        facts: dict[str, Any] = {"swept": self._swept(run), "created_at": created, _ORIGIN: origin}
        facts["imported_at"] = now
        if run.tags:
            facts["tags"] = run.tags
        if kind == "shell":
            facts["project"] = self._project
        info = new_task_info(name, created, kind, payload, more, facts)
        mark_imported(info)
        if run.notes:
            info["notes"] = run.notes
        attempt = uuid.uuid4().hex
        runs.add_ended(
            info,
            status=run.status,
            attempt=attempt,
            started_at=run.started,
            finished_at=run.finished,
            exit_code=run.exit_code,
        )
        info["_attempt_id"] = attempt
        message = run.message
        if not message and run.status != runs.COMPLETED:
            message = f"{run.program} recorded the status {run.status}."
        if message:
            own(info)["messages"] = {"1": message}
        return info

    def _swept(self, run: FoundRun) -> dict[str, Any]:
        known = flatten(run.parameters)
        found = {
            key: value
            for key, value in known.items()
            if (self._varying is None or key in self._varying) and len(key) + len(str(value)) <= _MAX_TEXT
        }
        return dict(islice(found.items(), _MAX_SWEPT))

    def _write_payload(self, folder: Path, run: FoundRun) -> None:
        text = "".join(mapping_lines(run.parameters))
        kind, payload, _ = self._kind
        if kind == "shell":
            lines = [f"Imported from {printable(str(run.path))}. Parameters:", *text.splitlines()]
            text = "".join(f"# {printable(line)}\n" for line in lines)
            text += "echo 'This task was imported. It has no command.' >&2\nexit 1\n"
        write_new(folder / payload, text.encode(), durable=False)


def _write_log(path: Path, run: FoundRun) -> None:
    """Write the log of a run: its own, else a line that says where the run is from."""
    if run.log is not None:
        try:
            with os.fdopen(open_regular(run.log), "rb") as source, path.open("xb") as target:
                set_mode(target.fileno(), FILE_MODE)
                left = _MAX_LOG
                while left > 0 and (data := source.read(min(left, 1024 * 1024))):
                    target.write(data)
                    left -= len(data)
                if source.read(1):
                    run.add_notice(f"Only the first {_MAX_LOG >> 20} MiB of its log are imported.")
            return
        except OSError:
            path.unlink(missing_ok=True)
    text = f"Imported from {printable(str(run.path))} ({run.program}) at {stamp()}.\n"
    write_new(path, text.encode(), durable=False)


def _valid(moment: float | None) -> float | None:
    """Return a time in epoch seconds if it is valid."""
    return moment if moment is not None and 0 <= moment < MAX_TIME else None


def _is_value(value: Any) -> bool:
    return value is None or (isinstance(value, (str, int, float, bool)) and len(str(value)) <= _MAX_TEXT)


def _size_of(folder: Path) -> tuple[int, int]:
    """Return the number and the bytes of the files below a folder, up to a limit."""
    count = size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = os.lstat(os.path.join(above, name))
                if S_ISREG(status.st_mode):
                    count, size = count + 1, size + status.st_size
            if count >= _MAX_COUNTED:
                return count, size
    return count, size
