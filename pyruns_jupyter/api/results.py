"""Results of a workspace as tables, data frames and archives."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.export.table import SUFFIXES, check_form, collected, format_of, write_table
from pyruns_jupyter.core.taskfile.output_file import output_file

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]  # optional, so its stubs are not required
    import polars

    from pyruns_jupyter.core.export.archive import Packed
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

    from .task_list import TaskList
    from .workspace import Tasks


class Results(ABC):
    """The methods of `Workspace` that export results."""

    _folder: WorkspaceFolder

    @abstractmethod
    def tasks(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TaskList:
        """Return the tasks that match a query."""

    @abstractmethod
    def _names(self, tasks: Tasks) -> list[str]:
        """Return the names of tasks that exist."""

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
    ) -> int:
        """Export the results of tasks to a file, with one row per run.

        Args:
            path: the path of the file. Devices and pipes are allowed. An existing file is replaced only if
                its name ends in `.csv`, `.json` or `.jsonl`, or if `force` is true.
            text: the query that selects the tasks; see `tasks`.
            form: the format: `csv`, `json` or `jsonl`. By default, it depends on the file extension.
            runs: `all` for all runs, or `latest` for only the latest run of each task.
            sort: the fields by which the tasks are sorted; see `tasks`.
            force: whether to replace any existing file.
            bom: whether to start the file with a byte order mark, which Excel needs to detect UTF-8.
            raw: whether to write text that a spreadsheet would run as a formula without escaping it.

        Returns:
            The number of rows.

        Raises:
            InvalidInput: if the query or an argument is not valid.
            Conflict: if the file exists and cannot be replaced.
        """
        target = Path(path).expanduser()
        form = format_of(target) if form is None else form
        with collected(self._folder, self.tasks(text, sort=sort).names, runs) as table:
            check_form(form)
            with output_file(target, force=force, replaceable=SUFFIXES) as stream:
                write_table(table, stream, form, bom=bom, raw=raw)
            return table.count

    @overload
    def frame(
        self, text: str = "", *, runs: str = "all", library: Literal["pandas"] = "pandas"
    ) -> pandas.DataFrame: ...

    @overload
    def frame(self, text: str = "", *, runs: str = "all", library: Literal["polars"]) -> polars.DataFrame: ...

    def frame(self, text: str = "", *, runs: str = "all", library: str = "pandas") -> Any:
        """Return the results of tasks as a data frame with one row per run.

        The columns are the same as those of `export`.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all` for all runs, or `latest` for only the latest run of each task.
            library: the data frame library: `pandas` or `polars`.

        Returns:
            A `pandas.DataFrame` or `polars.DataFrame`.

        Raises:
            InvalidInput: if the query or the library is not valid.
            ImportError: if the library is not installed.
        """
        with collected(self._folder, self.tasks(text).names, runs) as table:
            return frame(library, table.columns, list(table.rows()))

    def results(self, text: str = "", *, runs: str = "all") -> list[dict[str, Any]]:
        """Return the results of tasks as a list with one dictionary per run.

        The keys are the columns of `export`, which include parameters by their dotted configuration key and
        metrics by name (recorded values, and the last values of curves). If a parameter and a metric have the
        same name, the prefixes `config.` and `figure.` distinguish them. Points in time are seconds since the
        epoch, and durations are seconds.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all` for all runs, or `latest` for only the latest run of each task.

        Raises:
            InvalidInput: if the query is not valid.
        """
        with collected(self._folder, self.tasks(text).names, runs) as table:
            return list(table.rows())

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

        # A column of polars has a single type.
        columns = {title: _of_one_type([row.get(title) for row in rows]) for title in titles}
        return polars.DataFrame(columns, strict=False)
    raise InvalidInput(f"Unknown library {library!r}. Valid libraries: pandas, polars.", field="library")


def _of_one_type(values: list[Any]) -> list[Any]:
    """Return values of a single type: unchanged, as floats, or else as texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and not kinds & {list, dict}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else _float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
