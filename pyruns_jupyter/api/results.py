"""Results of a workspace as tables, data frames and archives."""

from __future__ import annotations

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, MINIMIZE, Direction
from pyruns_jupyter.core.workspace.define_metric import define_metric
from pyruns_jupyter.core.workspace.settings import Settings

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]  # optional, so its stubs are not required
    import polars

    from pyruns_jupyter.core.export.archive import Packed
    from pyruns_jupyter.core.metrics.expressions import Aggregate
    from pyruns_jupyter.core.tasks.failure_groups import FailureGroup
    from pyruns_jupyter.core.tasks.index import TaskIndex
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

    from .tables import TableView
    from .task_list import TaskList
    from .workspace import Tasks


class Results(ABC):
    """The methods of `Workspace` for metrics, and for exporting results."""

    _folder: WorkspaceFolder
    _index: TaskIndex

    @abstractmethod
    def tasks(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TaskList:
        """Return the tasks that match a query."""

    @abstractmethod
    def table(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TableView:
        """Return the tasks that match a query as a table."""

    @abstractmethod
    def _names(self, tasks: Tasks) -> list[str]:
        """Return the names of tasks that exist."""

    @property
    def metrics(self) -> dict[str, Direction]:
        """The goals of metrics that are defined in the settings: `minimize` or `maximize`."""
        return dict(Settings.load(self._folder.root).metrics)

    def define_metric(self, name: str, goal: Direction | None) -> None:
        """Define whether the best value of a metric is the lowest or the highest.

        The definition is stored in the settings of the project. It determines `best(...)` in queries, columns
        and exports, and which value is marked as the best one in the Tasks page. Without a definition, the
        direction of a study that optimizes the metric is used, or else a hint from its name.

        Args:
            name: the name of the metric.
            goal: `minimize` or `maximize`. With None, the definition is removed.

        Raises:
            InvalidInput: if an argument is not valid, or the settings are damaged.
            Conflict: if another process changed the settings at the same time.
        """
        if goal not in (MINIMIZE, MAXIMIZE, None):
            raise InvalidInput(f"The goal must be minimize or maximize, not {goal!r}.", field="goal")
        define_metric(self._folder.root, name, goal)

    def failures(self, text: str = "") -> list[FailureGroup]:
        """Return the failed tasks that match a query, grouped by their error.

        Args:
            text: the query. An empty query matches all tasks.

        Returns:
            The groups, the largest one first. Each has the attributes `message`, `names`, `shared` (values of
            parameters that all its tasks have), `others` (the number of tasks outside of it) and `advice`.

        Raises:
            InvalidInput: if the query is not valid.
        """
        from pyruns_jupyter.core.tasks.failure_groups import failure_groups

        rows = self.table(text).rows
        configs = self._index.configs()
        return failure_groups(self._folder, rows, [configs.get(row.name) or row.swept for row in rows])

    def export(
        self,
        path: str | os.PathLike[str],
        text: str = "",
        *,
        form: str | None = None,
        runs: str = "all",
        sort: str = "created",
        force: bool = False,
        bom: bool = False,
        raw: bool = False,
        metrics: Sequence[str] = (),
        curves: bool = False,
    ) -> int:
        """Export the results of tasks to a file with one row per run, or for another program.

        Args:
            path: the path of the file. Devices and pipes are allowed. An existing file is replaced only if
                its name ends in `.csv`, `.json`, `.jsonl` or `.parquet`, or if `force` is true. For
                `tensorboard` and `mlflow`, the path of a folder, which must be new or empty.
            text: the query that selects the tasks; see `tasks`.
            form: the format: `csv`, `json`, `jsonl`, `parquet`, `tensorboard` (event files) or `mlflow` (the
                file store `mlruns`). By default, it depends on the file extension. `parquet` needs pyarrow or
                polars.
            runs: `all` for all runs, or `latest` for only the latest run of each task.
            sort: the fields by which the tasks are sorted; see `tasks`.
            force: whether to replace any existing file.
            bom: whether to start the file with a byte order mark, which Excel needs to detect UTF-8.
            raw: whether to write text that a spreadsheet would run as a formula without escaping it.
            metrics: aggregates of metrics to add as columns, such as `min(loss)`, `best(acc)`,
                `mean(loss, 10)` or `at(loss, 100)`.
            curves: whether the table has one row per value of a curve, with the columns `task`, `run`,
                `metric`, `step`, `time` and `value`, instead of one row per run.

        Returns:
            The number of rows, or of runs for `tensorboard` and `mlflow`.

        Raises:
            InvalidInput: if the query or an argument is not valid, or no library for Parquet is installed.
            Conflict: if the file exists and cannot be replaced, or the folder is not empty.
        """
        from pyruns_jupyter.core.export.table import format_of  # most commands start faster without it
        from pyruns_jupyter.core.export.write import Export, export_to

        target = Path(path).expanduser()
        form = format_of(target) if form is None else form
        wanted = Export(form, runs, curves, self._aggregates(metrics), bom, raw)
        return export_to(self._folder, self.tasks(text, sort=sort).names, target, wanted, force=force)

    @overload
    def frame(
        self,
        text: str = "",
        *,
        runs: str = "all",
        metrics: Sequence[str] = (),
        library: Literal["pandas"] = "pandas",
    ) -> pandas.DataFrame: ...

    @overload
    def frame(
        self, text: str = "", *, runs: str = "all", metrics: Sequence[str] = (), library: Literal["polars"]
    ) -> polars.DataFrame: ...

    def frame(
        self, text: str = "", *, runs: str = "all", metrics: Sequence[str] = (), library: str = "pandas"
    ) -> Any:
        """Return the results of tasks as a data frame with one row per run.

        The columns are the same as those of `export`.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all` for all runs, or `latest` for only the latest run of each task.
            metrics: aggregates of metrics to add as columns, as in `export`.
            library: the data frame library: `pandas` or `polars`.

        Returns:
            A `pandas.DataFrame` or `polars.DataFrame`.

        Raises:
            InvalidInput: if the query, an aggregate or the library is not valid.
            ImportError: if the library is not installed.
        """
        from pyruns_jupyter.core.export.table import collected  # most commands start faster without it

        names = self.tasks(text).names
        with collected(self._folder, names, runs, self._aggregates(metrics)) as table:
            return frame(library, table.columns, list(table.rows()))

    def results(
        self, text: str = "", *, runs: str = "all", metrics: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return the results of tasks as a list with one dictionary per run.

        The keys are the columns of `export`, which include parameters by their dotted configuration key and
        metrics by name (recorded values, and the last values of curves). If a parameter and a metric have the
        same name, the prefixes `config.` and `figure.` distinguish them. Points in time are seconds since the
        epoch, and durations are seconds.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all` for all runs, or `latest` for only the latest run of each task.
            metrics: aggregates of metrics to add as keys, as in `export`.

        Raises:
            InvalidInput: if the query or an aggregate is not valid.
        """
        from pyruns_jupyter.core.export.table import collected  # most commands start faster without it

        names = self.tasks(text).names
        with collected(self._folder, names, runs, self._aggregates(metrics)) as table:
            return list(table.rows())

    def _aggregates(self, metrics: Sequence[str]) -> dict[str, Aggregate]:
        """Return the aggregates of metrics by title; warn about metrics that no task has."""
        from pyruns_jupyter.core.query.columns import aggregate_columns  # most commands start faster without

        found, notices = aggregate_columns(self._index, metrics) if metrics else ({}, [])
        for notice in notices:
            warnings.warn(notice, RuntimeWarning, stacklevel=3)
        return found

    def archive(
        self,
        tasks: Tasks,
        path: str | os.PathLike[str],
        *,
        artifacts: bool = True,
        secrets: bool = False,
        force: bool = False,
    ) -> Packed:
        """Export tasks with all their files and the script to a .zip file, which `unpack` imports.

        Args:
            tasks: the tasks to export.
            path: the path of the file. An existing file is replaced only if its name ends in `.zip`, or if
                `force` is true.
            artifacts: whether to include artifacts, which can be large.
            secrets: whether to include the values of environment variables that contain secrets, such as
                `API_KEY`.
            force: whether to replace any existing file.

        Returns:
            The names of the exported tasks, and warnings.

        Raises:
            NotFound: if a task does not exist.
            Unreadable: if a task file is damaged.
            Conflict: if the file exists and cannot be replaced.
        """
        from pyruns_jupyter.core.export.archive import pack  # rarely needed and slow to import
        from pyruns_jupyter.core.taskfile.output_file import output_file

        with output_file(Path(path).expanduser(), force=force, replaceable={".zip"}) as stream:
            return pack(self._folder, self._names(tasks), stream, artifacts=artifacts, secrets=secrets)


def frame(library: str, titles: Sequence[str], rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a data frame with the columns `titles`, in this order.

    Raises:
        InvalidInput: if `library` is neither `pandas` nor `polars`.
        ImportError: if the library is not installed.
    """
    if library == "pandas":
        import pandas

        return pandas.DataFrame(rows, columns=list(titles))
    if library == "polars":
        import polars

        from pyruns_jupyter.core.export.parquet import of_one_type

        # A column of polars has a single type.
        columns = {title: of_one_type([row.get(title) for row in rows]) for title in titles}
        return polars.DataFrame(columns, strict=False)
    raise InvalidInput(f"Unknown library {library!r}. Valid libraries: pandas, polars.", field="library")
