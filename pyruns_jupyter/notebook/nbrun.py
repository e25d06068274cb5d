"""Runs a notebook as a task: `python -m pyruns_jupyter.notebook.nbrun NOTEBOOK`, started by the task.

The output of the cells goes to the log. The executed notebook is an artifact of the run, which is saved after
the first cell and then repeatedly, so the outputs are kept if the run ends early.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.json_schema_import import skip_iri_grammar

skip_iri_grammar()

import nbformat
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from pyruns_jupyter import script
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.fs.atomic import write_atomic
from pyruns_jupyter.core.scripts.notebooks.reading import TAG
from pyruns_jupyter.core.scripts.script_constants import python_literal
from pyruns_jupyter.core.taskfile.runs import RUNNING, status_of
from pyruns_jupyter.core.taskfile.task_file import edit_task

INJECTED = "injected-parameters"  # as papermill tags the cell that it adds
SAVE_SECONDS = 2.0  # between two saves of the executed notebook
STOPPED = 128 + signal.SIGTERM
MAX_SOCKET_PATH = 100  # bytes, without the number of the socket that is appended (sun_path has 108)


class NotebookRun(NotebookClient):
    """Executes a notebook, prints its outputs and saves it repeatedly."""

    def __init__(self, notebook: Any, target: Path, **more: Any) -> None:
        # By default, what a cell printed is lost on a busy machine if it comes 4 s after the cell has ended.
        super().__init__(notebook, timeout=None, iopub_timeout=120, startup_timeout=300, **more)
        self._target = target
        self._saved = float("-inf")
        self._cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.number = 0
        self.on_cell_start = self._begin
        self.on_cell_executed = self._executed

    def save(self) -> None:
        """Write the notebook with the outputs so far."""
        self._saved = time.monotonic()
        text = nbformat.writes(self.nb)  # type: ignore[no-untyped-call]
        write_atomic(self._target, text.encode(), durable=False)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Print an output and add it to the notebook."""
        content = msg["content"]
        match msg["msg_type"]:
            case "stream":
                _write(content["text"], sys.stderr if content["name"] == "stderr" else sys.stdout)
            case "execute_result" | "display_data":
                _write(content["data"].get("text/plain", "") + "\n", sys.stdout)
            case "error":
                _write("\n".join(content["traceback"]) + "\n", sys.stderr)
        return super().process_message(msg, cell, cell_index)

    def _begin(self, cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code":
            self.number += 1
            _write(f"[{self.number}/{len(self._cells)}]\n", sys.stdout)

    def _executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        if cell.cell_type != "code":
            return
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()
            _report_progress(self.number / max(1, len(self._cells)))


def main(path: str) -> int:
    """Run the notebook and return the exit code of the process."""
    if script.get_task_dir() is None:
        print("This program cannot be started directly. It runs the tasks of a notebook.", file=sys.stderr)
        return 2
    source = Path(path)
    notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    inject(notebook, script.load().to_dict())
    target = Path(script.artifact_dir()) / source.name
    run = NotebookRun(
        notebook,
        target,
        kernel_name=kernel_of(notebook),
        resources={"metadata": {"path": str(Path.cwd())}},
        config=Config({"KernelManager": _transport()}),
    )
    try:
        return asyncio.run(_execute(run, source.name))
    finally:
        run.save()


async def _execute(run: NotebookRun, name: str) -> int:
    executing = asyncio.ensure_future(run.async_execute())
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, executing.cancel)
    try:
        await executing
    except asyncio.CancelledError:
        return STOPPED
    except CellExecutionError as error:
        # In the format of Python, in which people and programs look for the error of a run.
        _write(
            f"Traceback (most recent call last):\n"
            f'  File "{name}", line 1, in cell {run.number}\n{error.ename}: {error.evalue}\n',
            sys.stderr,
        )
        return 1
    return 0


def inject(notebook: Any, values: dict[str, Any]) -> None:
    """Insert a cell that assigns `values` after the cell with the tag, and so overrides its values."""
    if not values:
        return
    lines = [f"{name} = {python_literal(value)}" for name, value in values.items()]
    cell = nbformat.v4.new_code_cell("\n".join(["# Parameters of this task", *lines]))  # type: ignore[no-untyped-call]
    cell.metadata["tags"] = [INJECTED]
    tagged = [at for at, one in enumerate(notebook.cells) if TAG in one.metadata.get("tags", ())]
    notebook.cells.insert(tagged[0] + 1 if tagged else 0, cell)


def kernel_of(notebook: Any) -> str:
    """Return the name of the notebook's kernel, or of the default kernel if that is not installed."""
    wanted = notebook.metadata.get("kernelspec", {}).get("name", "")
    with suppress(NoSuchKernel):
        if wanted:
            KernelSpecManager().get_kernel_spec(wanted)
            return str(wanted)
    if wanted:
        print(
            f"The kernel {wanted!r} is not installed. The notebook runs with the default kernel python3.",
            file=sys.stderr,
        )
    return "python3"


def _transport() -> dict[str, str]:
    """Return the transport to the kernel: Unix sockets instead of TCP, if the system has them."""
    folder = Path(jupyter_runtime_dir())
    # Unique, because by default all kernels of a folder use the same socket files.
    sockets = folder / f"pyruns-{uuid.uuid4().hex}"
    if os.name != "posix" or len(os.fsencode(sockets)) > MAX_SOCKET_PATH:
        return {"transport": "tcp"}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {"transport": "ipc", "ip": str(sockets)}


def _report_progress(part: float) -> None:
    """Store the progress (0 to 1) in the task file."""
    folder = script.get_task_dir()
    with suppress(PyrunsError, OSError):  # the file is locked: report after the next cell
        if folder is not None:
            with edit_task(Path(folder)) as info:
                if status_of(info) == RUNNING:
                    info["progress"] = round(part, 4)


def _write(text: str, stream: Any) -> None:
    stream.write(text)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
