"""Runs the cell of a task in IPython: `python -m pyruns_jupyter.notebook.cellrun`, started by the task."""

from __future__ import annotations

import pickle
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from pyruns_jupyter import script
from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump
from pyruns_jupyter.core.taskfile.paths import CELL_CODE, CELL_GIVEN, CELL_VALUE
from pyruns_jupyter.core.taskfile.task_file import is_imported, read_task
from pyruns_jupyter.core.trust.signed_pickles import is_own_pickle, sign_pickle

_NOT_OURS = (
    f"The variables of this task ({CELL_GIVEN}) come from an archive and are not loaded, because loading a "
    f"pickle can run any code. Check {CELL_CODE}, then run it in a cell of your own with %%pyruns task."
)


def main() -> int:
    """Run the cell and return the exit code of the process: 1 after an exception, or that of `sys.exit`.

    The variables of an imported task are loaded only if this user stored them.
    """
    folder = script.get_task_dir()
    if folder is None:
        print("This program cannot be started directly. It runs the tasks of %%pyruns task.", file=sys.stderr)
        return 2
    prepare_stack_dump()
    cell = Path(folder) / CELL_CODE
    code = cell.read_text(encoding="utf-8")
    shell = _shell(cell)
    with suppress(FileNotFoundError):
        given = (Path(folder) / CELL_GIVEN).read_bytes()
        if is_imported(read_task(Path(folder))) and not is_own_pickle(given):
            print(_NOT_OURS, file=sys.stderr)
            return 2
        shell.push(pickle.loads(given))  # type: ignore[no-untyped-call]
    result = shell.run_cell(code)  # type: ignore[no-untyped-call]
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if error is not None:
        return 1
    if result.result is not None:
        _store(result.result)
    return 0


def _shell(cell: Path) -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell: InteractiveShell = InteractiveShell.instance(config=config)
    # Tracebacks show the file and its lines, like those of a script.
    shell.compile.get_code_name = lambda *_code: str(cell)  # type: ignore[method-assign]
    shell.set_custom_exc((Exception,), _print_exception)  # type: ignore[no-untyped-call]
    return shell


def _print_exception(
    _shell: Any, kind: type[BaseException], error: BaseException, trace: Any, **_: Any
) -> None:
    frames = trace
    while frames is not None and Path(frames.tb_frame.f_code.co_filename).name != CELL_CODE:
        frames = frames.tb_next
    traceback.print_exception(kind, error, frames or trace)


def _store(value: Any) -> None:
    """Store the value of the cell's last expression for `Task.value`."""
    try:
        (Path(script.artifact_dir()) / CELL_VALUE).write_bytes(sign_pickle(cloudpickle.dumps(value)))
    except Exception as error:  # noqa: BLE001 - the cell itself succeeded
        print(f"The value of the cell ({type(value).__name__}) cannot be pickled: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
