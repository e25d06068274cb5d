"""Queue the jobs of a multirun as tasks, and wait for their return values."""

from __future__ import annotations

import copy
import inspect
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra import version
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import (
    JobReturn,
    JobRuntime,
    JobStatus,
    configure_log,
    filter_overrides,
    setup_globals,
)
from hydra.utils import get_class
from omegaconf import OmegaConf, open_dict, read_write

from pyruns_jupyter.api.creation import submit_or_delete
from pyruns_jupyter.api.executor import exception_of, return_value_of
from pyruns_jupyter.api.queue import RunOptions, batch_request
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.api.task_list import TaskList
from pyruns_jupyter.api.workspace import Workspace
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.hydra_job import HydraJob

from .job_tasks import JobTask, create_job_tasks
from .stored_job import StoredJob, dump_job

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Multirun:
    """What Hydra gives a launcher, and the configuration of the launcher.

    Attributes:
        context, function, config: the arguments of `Launcher.setup`.
        options: the run options of the tasks by name; None stands for an option that is not given.
        name: the prefix of the names of the tasks; by default, the name of the application.
        wait: whether to wait for the tasks.
    """

    context: HydraContext
    function: TaskFunction
    config: DictConfig
    options: Mapping[str, Any]
    name: str | None
    wait: bool


def launch_jobs(multirun: Multirun, jobs: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Queue jobs as tasks, and return their results in this order: none unless `wait`.

    Args:
        multirun: the multirun.
        jobs: the overrides of each job.
        first: the number of the first job.

    Raises:
        InvalidInput: if an option is not valid, or the script or a configuration cannot be used. No task is
            created.
        Conflict: if the tasks cannot be queued; they are deleted.
        KeyboardInterrupt: if the user interrupts waiting. The tasks continue.
    """
    config = multirun.config
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    if not multirun.wait:
        _check_ignores_results(config)
    script, packages = _find_script(multirun.function)
    workspace = Workspace.open(script)
    request = batch_request(workspace.folder, _given_options(multirun.options))
    sweep_folder = Path(str(config.hydra.sweep.dir))
    sweep_folder.mkdir(parents=True, exist_ok=True)
    configs = [_job_config(multirun, overrides, number) for number, overrides in enumerate(jobs, first)]
    prepared = _prepare_tasks(multirun, jobs, configs, packages)
    prefix = multirun.name or str(config.hydra.job.name)
    tasks = [workspace[name] for name in create_job_tasks(workspace.folder, prefix, prepared)]
    log.info("Queueing %d jobs as tasks of %s, output folder: %s", len(jobs), workspace.name, sweep_folder)
    for number, (task, overrides) in enumerate(zip(tasks, jobs, strict=True), first):
        log.info("\t#%d : %s : %s", number, " ".join(filter_overrides(overrides)), task.name)
    submit_or_delete(request, tasks)
    if not multirun.wait:
        return []
    try:
        TaskList(tasks).wait()
    except KeyboardInterrupt:
        log.warning("Interrupted. The jobs continue as tasks. To stop them, use jupyter pyruns stop.")
        raise
    return [_result(task, job_config) for task, job_config in zip(tasks, configs, strict=True)]


def _given_options(options: Mapping[str, Any]) -> RunOptions:
    given = {
        name: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for name, value in options.items()
        if value is not None
    }
    return cast(RunOptions, given)


def _prepare_tasks(
    multirun: Multirun, jobs: Sequence[Sequence[str]], configs: Sequence[DictConfig], packages: int
) -> list[JobTask]:
    parser = OverridesParser.create(config_loader=multirun.context.config_loader)
    given = parser.parse_overrides(list(multirun.config.hydra.overrides.task))
    fixed = {one.get_key_element() for one in given if not one.is_sweep_override()}
    name = JobRuntime.instance().get("name")
    prepared = []
    for overrides, config in zip(jobs, configs, strict=True):
        values = {one.get_key_element(): one.value() for one in parser.parse_overrides(list(overrides))}
        stored = StoredJob(name, config, multirun.context, GlobalHydra.instance())
        prepared.append(
            JobTask(
                values=values,
                swept={key: value for key, value in values.items() if key not in fixed},
                job=HydraJob(tuple(overrides), packages),
                stored=dump_job(stored, os.getcwd()),
            )
        )
    return prepared


def _check_ignores_results(config: DictConfig) -> None:
    """Check that the sweeper does without the results of its jobs.

    Raises:
        InvalidInput: if it may need them.
    """
    sweeper = get_class(config.hydra.sweeper._target_)
    if not issubclass(sweeper, BasicSweeper):
        raise InvalidInput(
            f"hydra.launcher.wait=false cannot be used with {sweeper.__name__}, because a sweeper may need "
            "the return values of the jobs. Remove this option, or use hydra/sweeper=basic.",
            field="wait",
        )


def _find_script(function: TaskFunction) -> tuple[Path, int]:
    """Return the script of this process, and the number of packages that contain it if it runs as a module.

    For an installed command, it is the module of the function.

    Raises:
        InvalidInput: if the function is not in a file, as in a notebook.
    """
    main = sys.modules["__main__"]
    file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    if isinstance(file, str) and file.endswith(".py"):
        return Path(file).absolute(), spec.name.count(".") if spec is not None else 0
    source = inspect.getsourcefile(inspect.unwrap(function))
    if source is None or not source.endswith(".py") or not os.path.isfile(source):
        raise InvalidInput(
            "The launcher pyruns needs a script: the function with hydra.main is not in a file."
        )
    return Path(source).absolute(), function.__module__.count(".")


def _job_config(multirun: Multirun, overrides: Sequence[str], number: int) -> DictConfig:
    """Return the configuration of a job, as the basic launcher makes it."""
    config = multirun.context.config_loader.load_sweep_config(multirun.config, list(overrides))
    with open_dict(config):
        config.hydra.job.id = str(number)
        config.hydra.job.num = number
    return config


def _result(task: Task, config: DictConfig) -> JobReturn:
    """Return the result of a job whose task has ended, as `hydra.core.utils.run_job` returns it."""
    done = JobReturn(overrides=list(config.hydra.overrides.task), task_name=JobRuntime.instance().get("name"))
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        sweep = [str(OmegaConf.select(config, f"hydra.sweep.{key}")) for key in ("dir", "subdir")]
        folder = os.path.join(*sweep)
        with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
            config.hydra.runtime.output_dir = os.path.abspath(folder)
        HydraConfig.instance().set_config(config)
        done.hydra_cfg = copy.deepcopy(cast("DictConfig", HydraConfig.instance().cfg))
    finally:
        HydraConfig.instance().cfg = before
    done.cfg = copy.deepcopy(config)
    with read_write(done.cfg), open_dict(done.cfg):
        del done.cfg["hydra"]
    changes_folder = config.hydra.job.chdir
    if changes_folder is None:
        changes_folder = not version.base_at_least("1.2")
    done.working_dir = folder if changes_folder else os.getcwd()
    try:
        done.return_value = _value(task)
        done.status = JobStatus.COMPLETED
    except Exception as error:  # noqa: BLE001 - the sweeper decides what a failure means
        done.return_value = error
        done.status = JobStatus.FAILED
    return done


def _value(task: Task) -> Any:
    """Return the return value of a job, or raise its exception."""
    row = task.row
    if row.status == runs.COMPLETED:
        return return_value_of(task, row.run)
    if row.status == runs.FAILED:
        raise exception_of(task, row.message or "")
    raise Conflict(f"The task {task.name!r} was stopped. Its status is {row.status}.")
