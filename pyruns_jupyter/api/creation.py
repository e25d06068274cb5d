"""Create tasks, and ask a script for its parameters.

The methods import slow modules when they need them, because most commands create no tasks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, PyrunsError
from pyruns_jupyter.core.fs.text_files import read_text

from .task import Task, raise_refused
from .task_list import TaskList

if TYPE_CHECKING:
    from pyruns_jupyter.core.import_runs.importing import RunImport
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
    from pyruns_jupyter.engine.client.submit import BatchRequest

    from .plan import Plan


class AskedParser(NamedTuple):
    """The description of a script's parser.

    Attributes:
        library: the library or class that parses the command line.
        parameters: the names of the parameters.
        interpreter: the path of the Python interpreter that ran the script.
        notices: the modules that were replaced by stubs, and the files that the script tried to write.
    """

    library: str
    parameters: list[str]
    interpreter: str
    notices: list[str]


class Creation:
    """The methods of `Workspace` that create tasks, and the one that asks a script for its parameters."""

    _folder: WorkspaceFolder

    def ask(self, *, stub_missing: bool = False, timeout: float = 60.0) -> AskedParser:
        """Ask the script for its parameters: run it up to its command-line parser, and read the parser.

        The script runs in the interpreter of its tasks, without GPUs and without input. The workspace uses
        the parameters of the parser until the script, a file that it imports, or the interpreter changes. The
        parameters of other scripts are read from the source code, without running it.

        Args:
            stub_missing: whether to replace missing modules with stubs. Values that the script
                takes from them, such as choices, may be wrong.
            timeout: the time limit in seconds, at most 600.

        Returns:
            The description of the parser.

        Raises:
            InvalidInput: if the workspace has no script, or the script does not reach a parser.
        """
        from pyruns_jupyter.core.create.preview import script_parameters
        from pyruns_jupyter.engine.run.ask_script import ask_script

        asked = ask_script(self._folder, stub_missing=stub_missing, seconds=timeout)
        if asked.problem:
            raise InvalidInput(asked.problem, field="script")
        answer = asked.answer
        notices = []
        if answer.stubbed:
            stubbed = ", ".join(answer.stubbed)
            notices.append(
                f"These modules are not installed and were replaced by stubs: {stubbed}. Values that the "
                "script takes from them may be wrong."
            )
        if answer.written:
            written = ", ".join(answer.written)
            notices.append(f"The script tried to write these files, which were not changed: {written}.")
        names = [one.name for one in script_parameters(self._folder).parameters]
        return AskedParser(answer.library or answer.framework, names, asked.interpreter, notices)

    def sweep(self, text: str, name: str = "") -> Plan:
        """Return the plan of a sweep without creating tasks.

        Args:
            text: YAML with sweep syntax. Missing keys get the default values of the script.
            name: the name, name prefix or name pattern of the tasks, as in `create`.

        Raises:
            InvalidInput: if the text or name is not valid. The error contains key, line and column.
        """
        from .plan import plan_overlay

        return plan_overlay(self._folder, text, name)

    def plan(self, path: str | os.PathLike[str]) -> Plan:
        """Load a plan from a file and validate it for this workspace.

        Args:
            path: a file that `Plan.save` wrote, or any YAML file with sweep syntax.

        Returns:
            The plan.

        Raises:
            NotFound: if the file does not exist.
            Unreadable: if the file is not UTF-8 text.
            InvalidInput: if the plan is not valid. The error contains key, line and column in the file.
        """
        from .plan import plan_overlay

        try:
            return plan_overlay(self._folder, read_text(Path(path).expanduser()))
        except FileNotFoundError:
            raise NotFound(f"The file {os.fspath(path)} does not exist.") from None

    def create(self, plan: Plan | str, name: str | None = None) -> TaskList:
        """Create the tasks of a plan. If an error occurs, no task is created.

        Args:
            plan: a plan, YAML with sweep syntax, or a shell script in a folder workspace.
            name: the name of a single task, the prefix of the names of several tasks, or a pattern such as
                `{lr}-{seed}`. A pattern can contain configuration keys, `{n}` for the number of the task,
                `{name}` for the name of the workspace, and formats such as `{lr:.0e}`. By default, the name
                of the plan, or `task` if the plan has no name.

        Returns:
            The new tasks.

        Raises:
            InvalidInput: if the plan or the name is not valid.
            Conflict: if a name is in use.
        """
        from pyruns_jupyter.core.create.create import create_tasks

        from .plan import Plan, plan_overlay

        if isinstance(plan, Plan):
            names = create_tasks(self._folder, plan.text, name or plan.name or "task")
        elif self._folder.kind == "script":
            names = plan_overlay(self._folder, plan, name or "").create(self._folder, name)
        else:
            names = create_tasks(self._folder, plan, name or "task")
        return TaskList(Task(self._folder, made) for made in names)

    def import_runs(
        self, path: str | os.PathLike[str], *, dry_run: bool = False, artifacts: bool = False
    ) -> RunImport:
        """Create a completed, failed or cancelled task for each run of another program.

        The runs can be in folders with TensorBoard event files, folders of MLflow (`mlruns` or `mlflow.db`),
        W&B (`wandb`) or Hydra (`outputs` or `multirun`), or SQLite databases and journal files of Optuna.
        These files are not changed. A run that was already imported is skipped.

        Args:
            path: a folder, whose runs are all imported, an MLflow or Optuna database, or an Optuna journal
                file. `sqlite:///PATH` is the same as `PATH`.
            dry_run: whether to return the result without creating tasks.
            artifacts: whether to copy the artifacts of MLflow, and the files of W&B.

        Returns:
            An object with these attributes: `runs` contains for each run the name of its `task`, its `name`,
            `program`, `path`, `status`, `parameters`, `metrics` (number of values by name), `points`,
            `started`, `finished`, `skipped` (why it is not imported) and `notices` (what is omitted).
            `created` contains the names of the new tasks, and `notices` messages about the search.

        Raises:
            NotFound: if `path` does not exist, or has no runs.
            InvalidInput: if `path` is a file of another kind, or the script of the workspace is missing.
            Conflict: if another process creates tasks with the same names.
        """
        from pyruns_jupyter.core.import_runs.discover import path_of_runs
        from pyruns_jupyter.core.import_runs.importing import import_runs

        place = Path(path_of_runs(os.fspath(path))).expanduser()
        return import_runs(self._folder, place, dry_run=dry_run, artifacts=artifacts)


def submit_or_delete(request: BatchRequest, tasks: Sequence[Task]) -> None:
    """Queue new tasks of a workspace; if they cannot be queued, or after an interrupt, delete them.

    Raises:
        Conflict: if tasks are refused.
        PyrunsError, OSError: if nothing can be queued, or the scheduler cannot be started.
    """
    try:
        raise_refused(request.submit([task.name for task in tasks]).refused)
    except BaseException:
        for task in tasks:
            with suppress(PyrunsError, OSError):  # queued if only the scheduler could not be started
                task.stop()
            with suppress(PyrunsError, OSError):
                task.delete()
                task.workspace.purge(task.name)
        raise
