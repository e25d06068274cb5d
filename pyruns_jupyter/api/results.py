"""What a workspace gives away: tables of its results, frames, archives."""

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

    from .task import TaskList
    from .workspace import Tasks


class Results(ABC):
    """The part of a workspace that writes and returns what its tasks gave."""

    _folder: WorkspaceFolder

    @abstractmethod
    def tasks(
        self, text: str = "", *, sort: str = "created", order: str = "asc", partial: bool = False
    ) -> TaskList:
        """Return the tasks that match a query."""

    @abstractmethod
    def _names(self, tasks: Tasks) -> list[str]:
        """Return the names of tasks, which exist."""

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
        """Write the results of tasks as a table into a file, a row a run; return how many rows.

        Args:
            path: a file. One that is there already is replaced when it is a table by its name (`.csv`,
                `.json`, `.jsonl`), or with `force`; devices and pipes are written into, never replaced.
            text: which tasks, as in `tasks`.
            form: `csv`, `json` or `jsonl`, by default what the file's name says.
            runs: `all`, or `latest` for one row a task.
            sort: as in `tasks`.
            force: whether another file may be replaced.
            bom: whether the mark stands in front by which Excel knows UTF-8.
            raw: whether texts stay as they are that a spreadsheet would take for formulas.

        Raises:
            InvalidInput: when the query or an option cannot be understood; nothing is written.
            Conflict: when a file is there that may not be replaced.
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
        """Return one row a run, the columns of `export`, as a table of pandas or polars.

        Args:
            text: which tasks, as in `tasks`.
            runs: `all`, or `latest` for one row a task.
            library: `pandas` or `polars`, which must be installed.

        Raises:
            InvalidInput: if the query or the library is not valid.
            ImportError: when the library is not installed.
        """
        with collected(self._folder, self.tasks(text).names, runs) as table:
            return frame(library, table.columns, list(table.rows()))

    def results(self, text: str = "", *, runs: str = "all") -> list[dict[str, Any]]:
        """Return one dictionary a run, with the columns of `export`; times are epoch seconds.

        Configuration (dotted keys) and figures (records and last values of curves) stand under their own
        names; a name that both have gets the prefix `config.` or `figure.`.
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
        """Write tasks with all their files and the script into a zip file that opens anywhere.

        Args:
            tasks: which ones.
            path: the file; one that is there already is replaced when it ends in `.zip`, or with `force`.
            artifacts: whether artifacts, which may be large, go in.
            secrets: whether values of environment variables go in that are secrets by their names.
            force: whether another file may be replaced.

        Raises:
            NotFound, Unreadable: when a task is not there, or its file is damaged; nothing is written.
            Conflict: when a file is there that may not be replaced.
        """
        from pyruns_jupyter.core.export.archive import pack  # rarely needed, and slow to import

        with output_file(Path(path).expanduser(), force=force, replaceable={".zip"}) as stream:
            return pack(self._folder, self._names(tasks), stream, artifacts=artifacts, secrets=secrets)


def frame(library: str, titles: Sequence[str], rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a `DataFrame` with the columns `titles`, in their order.

    Raises:
        InvalidInput: for another library.
        ImportError: when the library is not installed.
    """
    if library == "pandas":
        import pandas

        return pandas.DataFrame(rows, columns=list(titles))
    if library == "polars":
        import polars

        # Of a column that holds numbers and texts, or whole numbers and others, polars wants to be told.
        columns = {title: _alike([row.get(title) for row in rows]) for title in titles}
        return polars.DataFrame(columns, strict=False)
    raise InvalidInput(f"{library!r} is no library for tables: pandas or polars.", field="library")


def _alike(values: list[Any]) -> list[Any]:
    """Return values of one kind: as they are, as floats, or else as texts."""
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
