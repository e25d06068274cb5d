"""Runs the script of a task that is a job of Hydra's multirun. The task starts it as `HYDRA_RUNNER`.

The script runs from its first line, as with Hydra. Only the function with `hydra.main` is not called by
Hydra's command line, but with the configuration that the launcher has composed.
"""

from __future__ import annotations

import functools
import importlib
import os
import runpy
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter import script
from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump
from pyruns_jupyter.core.taskfile.paths import HYDRA_JOB
from pyruns_jupyter.core.taskfile.task_file import is_imported, read_task
from pyruns_jupyter.core.trust.call_results import store_error, store_value

from .stored_job import load_folder, load_job

_DUPLICATE = "Duplicate the task: the copy runs the script with the parameters of the task."


def main(words: list[str]) -> int:
    """Run the script of the job and return the exit code.

    Args:
        words: how Python starts the script (its path, `-m` and a module, or `-c` and code), and its
            arguments.
    """
    folder = script.get_task_dir()
    if folder is None or not words:
        print(
            "This program cannot be started directly. It runs the tasks of Hydra's launcher pyruns.",
            file=sys.stderr,
        )
        return 2
    prepare_stack_dump()
    data = b""
    with suppress(FileNotFoundError):
        data = (Path(folder) / HYDRA_JOB).read_bytes()
    if not data:
        print(f"The file {HYDRA_JOB} of this task is missing. {_DUPLICATE}", file=sys.stderr)
        return 2
    if is_imported(read_task(Path(folder))):
        print(
            f"The configuration of this task ({HYDRA_JOB}) comes from an archive and is not loaded: a pickle "
            f"can run any code, and the job would write into the folder of the original job. {_DUPLICATE}",
            file=sys.stderr,
        )
        return 2
    workdir, job = load_folder(data)
    calls = _replace_hydra_main(job)
    _run_script(words, workdir)
    if not calls:
        print("The script has ended without calling a function with hydra.main.", file=sys.stderr)
        return 1
    return 0


def _replace_hydra_main(job: bytes) -> list[Callable[..., Any]]:
    """Let functions with `hydra.main` run the job; return a list, to which each called function is added."""
    package, module = importlib.import_module("hydra"), importlib.import_module("hydra.main")
    original = package.main
    calls: list[Callable[..., Any]] = []

    @functools.wraps(original)
    def replacement(*words: Any, **given: Any) -> Callable[..., Any]:
        original(*words, **given)  # it sets version_base

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def run(config: Any = None) -> Any:
                if config is not None:
                    return function(config)
                calls.append(function)
                return _run_job(function, job)

            return run

        return decorate

    for place in (package, module):
        setattr(place, "main", replacement)  # noqa: B010 - modules have no such attribute for mypy
    return calls


def _run_script(words: list[str], workdir: str) -> None:
    start, *arguments = words
    if start in ("-m", "-c"):
        start, *arguments = arguments
        sys.argv[1:] = arguments
        os.chdir(workdir)
        if words[0] == "-m":
            runpy.run_module(start, None, "__main__", True)
        else:
            exec(compile(start, "<string>", "exec"), {"__name__": "__main__"})
        return
    path = os.path.abspath(start)
    sys.argv[1:] = arguments
    sys.path[0] = os.path.dirname(path)
    os.chdir(workdir)
    runpy.run_path(path, None, "__main__")


def _run_job(function: Callable[..., Any], data: bytes) -> None:
    """Run the job as Hydra's basic launcher does, and store the return value of the function.

    Raises:
        SystemExit: with the exit code 1, if the function raised an exception, which is stored.
    """
    # The task needs Hydra, this package does not.
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.plugins import Plugins
    from hydra.core.utils import JobRuntime, JobStatus, run_job, setup_globals

    Plugins.instance()  # loads them
    job = load_job(data)
    setup_globals()
    GlobalHydra.set_instance(job.state)
    JobRuntime.instance().set("name", job.name)
    done = run_job(
        hydra_context=job.context,
        task_function=function,
        config=job.config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    results = Path(script.artifact_dir())
    value = done._return_value  # the property raises the exception, which adds frames to its traceback
    if done.status != JobStatus.COMPLETED:
        print(f"Error executing job with overrides: {done.overrides}", file=sys.stderr)
        print(store_error(results, value), end="", file=sys.stderr)
        sys.exit(1)
    try:
        store_value(results, value)
    except Exception as error:  # noqa: BLE001 - the job itself succeeded
        kind = type(value).__name__
        print(
            f"The return value ({kind}) cannot be pickled, so a sweeper gets None: {error}", file=sys.stderr
        )
        store_value(results, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
