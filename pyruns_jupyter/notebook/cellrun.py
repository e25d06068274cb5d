"""Runs a task that is a cell (in IPython) or a call of a function. The task starts it as `CELL_RUNNER`."""

from __future__ import annotations

import pickle
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter import script
from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump
from pyruns_jupyter.core.taskfile.paths import CELL_CODE, CELL_GIVEN
from pyruns_jupyter.core.taskfile.task_file import is_imported, read_task
from pyruns_jupyter.core.trust.call_results import store_error, store_value
from pyruns_jupyter.core.trust.signed_pickles import is_own_pickle

if TYPE_CHECKING:  # IPython starts slowly, and a function does not need it
    from IPython.core.interactiveshell import InteractiveShell

_NOT_OURS = (
    f"The variables of this task ({CELL_GIVEN}) come from an archive and are not loaded, because loading a "
    "pickle can run any code. "
)
_RUN_CELL = f"Check {CELL_CODE}, then run it in a cell of your own with %%pyruns task."
_CALL_FUNCTION = "Call the function with an Executor of your own."


def main() -> int:
    """Run the cell or the function and return the exit code of the process: 1 after an exception, or that of
    `sys.exit`.

    The variables of an imported task are loaded only if this user stored them.
    """
    folder = script.get_task_dir()
    if folder is None:
        print(
            "This program cannot be started directly. It runs the tasks of %%pyruns task and of Executor.",
            file=sys.stderr,
        )
        return 2
    prepare_stack_dump()
    cell = Path(folder) / CELL_CODE
    given = b""
    with suppress(FileNotFoundError):
        given = (Path(folder) / CELL_GIVEN).read_bytes()
    is_cell = cell.exists() or not given
    if given and is_imported(read_task(Path(folder))) and not is_own_pickle(given):
        print(_NOT_OURS + (_RUN_CELL if is_cell else _CALL_FUNCTION), file=sys.stderr)
        return 2
    return _run_cell(cell, given) if is_cell else _call_function(given)


def _run_cell(cell: Path, given: bytes) -> int:
    code = cell.read_text(encoding="utf-8")
    shell = _shell(cell)
    if given:
        shell.push(pickle.loads(given))  # type: ignore[no-untyped-call]
    result = shell.run_cell(code)  # type: ignore[no-untyped-call]
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if error is not None:
        return 1
    if result.result is not None:
        try:
            store_value(Path(script.artifact_dir()), result.result)
        except Exception as problem:  # noqa: BLE001 - the cell itself succeeded
            kind = type(result.result).__name__
            print(f"The value of the cell ({kind}) cannot be pickled: {problem}", file=sys.stderr)
    return 0


def _call_function(given: bytes) -> int:
    """Call the function and store its return value, or its exception with the traceback."""
    results = Path(script.artifact_dir())
    try:
        call = pickle.loads(given)
        sys.path.extend(path for path in call["path"] if path not in sys.path)
        function, args, kwargs = pickle.loads(call["call"])
        store_value(results, function(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - the user's code
        print(store_error(results, error), end="", file=sys.stderr)
        return 1
    return 0


def _shell(cell: Path) -> InteractiveShell:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

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


if __name__ == "__main__":
    sys.exit(main())
