"""Names and paths of the `_pyruns_` folder.

Source: the format described in `docs/disk-format.md`; it is shared with the command-line program `pyruns`.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound

ROOT_NAME = "_pyruns_"
SETTINGS_NAME = "_pyruns_settings.yaml"
SHELL_WORKSPACE = "_shell_"
NOTEBOOK_SUFFIX = ".ipynb"
NOTEBOOK_RUNNER = "pyruns_jupyter.notebook.nbrun"  # the module that runs a notebook
SCRIPT_INFO = "script_info.json"
DEFAULT_CONFIG = "config_default.yaml"
TASKS = "tasks"
TRASH = ".trash"
TASK_INFO = "task_info.json"
SCRIPT_CONFIG = "config.yaml"
SHELL_CONFIG = "config.sh"
RUN_LOGS = "run_logs"
ARTIFACTS = "artifacts"
CHECKPOINTS = "checkpoints"
# Of a task that is a notebook cell: its code, its pickled variables, and the value of its last expression.
# Of a task that is a call of a function: no code, the pickled call, and its return value or its exception.
CELL_RUNNER = "pyruns_jupyter.notebook.cellrun"  # the module that runs both kinds
CELL_CODE = "cell.py"
CELL_GIVEN = "given.pkl"
CELL_VALUE = "value.pkl"
CELL_ERROR = "error.pkl"
# Of a task that is a job of Hydra: its pickled configuration. The return value is stored as for a function.
HYDRA_RUNNER = "pyruns_jupyter.hydra_launcher.job_runner"  # the module that runs the script of such a task
HYDRA_JOB = "hydra_job.pkl"
STAGING_PREFIX = ".pyruns-task-"
CREATE_GUARD = ".pyruns-create.lock.guard"
ENGINE = ".engine"

MAX_NAME_LENGTH = 200
MAX_RUNS = 1000

# Control characters, and characters that one of the supported file systems forbids.
_FORBIDDEN = re.compile(r'[@<>:"/\\|?*\x00-\x1f\x7f]')
_SURROGATE = re.compile("[\ud800-\udfff]")  # bytes in a file name that are not UTF-8
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def check_task_name(name: str) -> str:
    """Return `name` if it is a valid task name.

    Raises:
        InvalidInput: if it is not, with the reason.
    """
    if problem := _name_problem(name):
        raise InvalidInput(f"Invalid task name {name!r}: {problem}.", field="name")
    return name


def is_task_name(name: str) -> bool:
    """Return whether a folder with this name in `tasks/` can be a task."""
    return _name_problem(name) is None


def _name_problem(name: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"it has {len(name)} characters, but at most {MAX_NAME_LENGTH} are allowed"
    if len(name.encode("utf-8", "surrogatepass")) > 255:
        return "it has more than 255 bytes, which file systems do not allow"
    if name != name.strip():
        return "it begins or ends with a space"
    if name[0] in ".-":
        return f"it begins with {name[0]!r}"
    if name.endswith("."):
        return "it ends with '.'"
    found = _FORBIDDEN.search(name)
    if found:
        return f"the character {found.group()!r} is not allowed"
    if _SURROGATE.search(name):
        return "it is not valid Unicode"
    if _RESERVED.fullmatch(name):
        return "Windows reserves it for a device"
    return None


def log_name(run: int) -> str:
    """Return the file name of run `run`'s log (runs count from 1)."""
    return f"run{run}.log"


def journal_name(run: int) -> str:
    """Return the file name of the append-only journal of points and records of a running run."""
    return f"run{run}.journal.jsonl"


def owner_name(run: int) -> str:
    """Return the name of the file that the supervisor of run `run` keeps locked while it runs."""
    return f".run{run}.owner"


def script_file(workspace: str) -> str:
    """Return the file name of the script that a workspace is named after.

    The workspace of a notebook has its full name, so that there can be a script with the same stem.
    """
    return workspace if workspace.endswith(NOTEBOOK_SUFFIX) else f"{workspace}.py"


def find_root(start: Path) -> Path:
    """Return the nearest `_pyruns_` folder at or above `start`.

    Raises:
        NotFound: if there is none.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if folder.name == ROOT_NAME and folder.is_dir():
            return folder
        candidate = folder / ROOT_NAME
        if candidate.is_dir() and not candidate.is_symlink():
            return candidate
    raise NotFound(
        f"There is no {ROOT_NAME} folder in {start} or its parent folders. Open a script or folder first."
    )


def missing_in(root: Path, message: str) -> NotFound:
    """Return the error that something does not exist in the `_pyruns_` folder `root`, with this message if
    the folder exists.
    """
    if os.path.isdir(root):
        return NotFound(message)
    return NotFound(f"The folder {root} does not exist. If its disk is not mounted, mount it.")


class TaskPaths:
    """The paths of the files of one task. Nothing is read or created."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @cached_property
    def info(self) -> Path:
        """The task file."""
        return self.folder / TASK_INFO

    @cached_property
    def run_logs(self) -> Path:
        """The folder of the logs and journals of all runs."""
        return self.folder / RUN_LOGS

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts of all runs."""
        return self.folder / ARTIFACTS

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints, which all runs share."""
        return self.folder / CHECKPOINTS

    def log(self, run: int) -> Path:
        """Return the path of run `run`'s log."""
        return self.run_logs / log_name(run)

    def input(self, run: int) -> Path:
        """Return the path of the record of the inputs of run `run`."""
        return self.run_logs / f"run{run}.input.json"

    def journal(self, run: int) -> Path:
        """Return the path of run `run`'s journal of points and records."""
        return self.run_logs / journal_name(run)

    def times(self, run: int) -> Path:
        """Return the path of the time marks of run `run`'s log."""
        return self.run_logs / f"run{run}.times"

    def curves(self, run: int) -> Path:
        """Return the path of the downsampled curves of run `run`."""
        return self.run_logs / f"run{run}.curves.jsonl"

    def system(self, run: int) -> Path:
        """Return the path of the samples of the processes and GPUs of run `run`."""
        return self.run_logs / f"run{run}.system.jsonl"

    def stacks(self, run: int) -> Path:
        """Return the path of the latest stack dump of run `run`."""
        return self.run_logs / f"run{run}.stacks.txt"

    def owner(self, run: int) -> Path:
        """Return the path of the file that run `run`'s supervisor keeps locked."""
        return self.run_logs / owner_name(run)

    def artifact_dir(self, run: int) -> Path:
        """Return the path of run `run`'s artifacts."""
        return self.artifacts / f"run{run}"


class EnginePaths:
    """The paths of the scheduler's files of one project, in `_pyruns_/.engine/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ENGINE
        self.scheduler_lock = self.folder / "scheduler.lock"
        self.door_lock = self.folder / "door.lock"
        self.wake = self.folder / "wake"
        self.log = self.folder / "scheduler.log"
        self.batches = self.folder / "batches"
        self.ends = self.folder / "ends"  # results of runs whose task file could not be written
        self.paused = self.folder / "paused"
        self.queue = self.folder / "queue.json"
        self.asked = self.folder / "asked"  # answers of scripts that were asked for their parameters
        self.cluster = self.folder / "cluster"  # a file for each job submitted to a cluster
        self.studies = self.folder / "studies"  # a file for each active study
        self.studies_log = self.folder / "studies.log"
