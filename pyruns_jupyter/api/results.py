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
    """The part of `Workspace` that exports results."""

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
        """Export the results of tasks as a table with one row for each run.

        Args:
            path: the file to write. An existing file is replaced if its name ends in `.csv`, `.json` or
                `.jsonl`, or with `force`. Devices and pipes are written to, never replaced.
            text: the query that selects the tasks; see `tasks`.
            form: `csv`, `json` or `jsonl`; by default from the name of the file.
            runs: `all`, or `latest` for one row per task.
            sort: the order of the tasks; see `tasks`.
            force: whether any existing file may be replaced.
            bom: whether to start the file with a byte order mark, which Excel needs for UTF-8.
            raw: whether to keep texts that a spreadsheet would run as formulas; by default they are escaped.

        Returns:
            The number of rows.

        Raises:
            InvalidInput: if the query or an option is not valid; nothing is written.
            Conflict: if the file exists and may not be replaced.
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
        """Return the results of tasks as a data frame with one row for each run and the columns of `export`.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all`, or `latest` for one row per task.
            library: `pandas` or `polars`.

        Returns:
            A `DataFrame` of the library.

        Raises:
            InvalidInput: if the query or the library is not valid.
            ImportError: if the library is not installed.
        """
        with collected(self._folder, self.tasks(text).names, runs) as table:
            return frame(library, table.columns, list(table.rows()))

    def results(self, text: str = "", *, runs: str = "all") -> list[dict[str, Any]]:
        """Return the results of tasks as one dictionary for each run, with the columns of `export`.

        Times are epoch seconds, durations seconds. Parameters (dotted keys) and metrics (recorded values and
        the last values of curves) have their own names as keys; a name of both gets the prefix `config.` or
        `figure.`.

        Args:
            text: the query that selects the tasks; see `tasks`.
            runs: `all`, or `latest` for one dictionary per task.

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
        """Export tasks with all their files and the script as a zip file, which `unpack` imports.

        Args:
            tasks: the tasks.
            path: the file to write. An existing file is replaced if its name ends in `.zip`, or with `force`.
            artifacts: whether to include artifacts, which may be large.
            secrets: whether to include the values of environment variables whose names look like secrets.
            force: whether any existing file may be replaced.

        Returns:
            What the archive contains and warnings.

        Raises:
            NotFound, Unreadable: if a task does not exist or its file is damaged; nothing is written.
            Conflict: if the file exists and may not be replaced.
        """
        from pyruns_jupyter.core.export.archive import pack  # rarely needed and slow to import

        with output_file(Path(path).expanduser(), force=force, replaceable={".zip"}) as stream:
            return pack(self._folder, self._names(tasks), stream, artifacts=artifacts, secrets=secrets)


def frame(library: str, titles: Sequence[str], rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a `DataFrame` with the columns `titles`, in this order.

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
