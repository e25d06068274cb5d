"""Asking a script for its parameters: it runs up to its command-line parser, which then describes itself.

This is an explicit act of the user, never a part of looking at a project. The script runs as a task would:
with the interpreter, environment variables and working folder of the task, since it may read files there. It
runs in a session of its own without GPUs and input, for a limited time; temporary files and caches go to a
folder that is removed, and so does what it writes elsewhere, see `core.scripts.probe.child.confine`. All
processes that it leaves are killed. Its answer is data, which is validated.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import new_token
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.create.asked import stored_answer
from pyruns_jupyter.core.create.preview import script_parameters
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.scripts.argv import passes_words, run_words
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.probe.answer import MAX_BYTES, VERSION, Answer, Stop, parse_answer
from pyruns_jupyter.core.scripts.probe.store import StoredAnswer, keep
from pyruns_jupyter.core.scripts.source.modules import project_folder
from pyruns_jupyter.core.taskfile.paths import DEFAULT_CONFIG, NOTEBOOK_SUFFIX, EnginePaths
from pyruns_jupyter.core.trust.engine_key import claim_engine, make_own_folder
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.gpus.visibility import hide_gpus
from pyruns_jupyter.engine.processes.descendants import descendants, marked_processes
from pyruns_jupyter.engine.queue.launch import front_end_environment

from .interpreters import interpreter_of, python_of

DEFAULT_SECONDS = 60.0
MAX_SECONDS = 600.0
MAX_CHECKED = 200  # command lines of a sweep
_MAX_REJECTED = 5  # reported at once
_MAX_SWEPT = 200  # characters
_WORD = re.compile(r"[\w.-]+")
_MARK = "ASKED_BY_PYRUNS"
_CHILD = Path(__file__).resolve().parents[2] / "core" / "scripts" / "probe" / "child" / "start.py"
_KEPT_OUTPUT = 16 * 1024
_CHECK_SECONDS = 0.05
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class AskedScript:
    """An answer. `stored` is None if the script reached no parser; `output` is the end of what it printed."""

    answer: Answer
    output: str
    interpreter: str
    stored: StoredAnswer | None = None

    @property
    def problem(self) -> str:
        """Why no parser was reached, as a sentence; "" if one was."""
        return _explained(self.answer.stop) if self.answer.stop is not None else ""


def ask_script(
    workspace: WorkspaceFolder,
    *,
    stub_missing: bool = False,
    seconds: float = DEFAULT_SECONDS,
    is_abandoned: Callable[[], bool] = lambda: False,
) -> AskedScript:
    """Run the script of a workspace up to its parser, and store the description of the parser.

    Args:
        workspace: the workspace.
        stub_missing: replace missing modules with stubs. The answer names them; what the script
            takes from them, such as choices, may be wrong.
        seconds: the time limit.
        is_abandoned: whether the answer is not needed any more; the script is then killed.

    Raises:
        InvalidInput: if the workspace has no Python script.
        Untrusted: if the project's engine folder belongs to another user.
        PyrunsError: if the interpreter cannot be started.
    """
    script = _script(workspace)
    before = _default_text(workspace, script)
    key = claim_engine(workspace.root)  # before the script runs, as before a task is queued
    asked = _ask(workspace, script, stub_missing=stub_missing, seconds=seconds, is_abandoned=is_abandoned)
    if not asked.answer.framework:
        return asked
    folder = EnginePaths(workspace.root).asked
    make_own_folder(key, folder)
    record = keep(folder, script, asked.interpreter, asked.answer)
    _replace_defaults(workspace, script, before)
    return AskedScript(asked.answer, asked.output, asked.interpreter, StoredAnswer(record))


def _default_text(workspace: WorkspaceFolder, script: Path) -> str:
    try:
        return config_default_text(script_parameters(workspace).parameters, script.name)
    except (InvalidInput, Unreadable):  # such as a script for a newer Python
        return ""


def _replace_defaults(workspace: WorkspaceFolder, script: Path, before: str) -> None:
    """Write the default configuration with the parameters that are now known, unless the user edited it."""
    path = workspace.folder / DEFAULT_CONFIG
    text = _default_text(workspace, script)
    with suppress(Unreadable):
        if text and text != before and path.is_file() and workspace.template_text() == before:
            write_atomic(path, text.encode())


def check_commands(workspace: WorkspaceFolder, commands: Sequence[Sequence[str]]) -> list[str | None]:
    """Return for each command line (the words after the script) why the script's parser rejects it, or None.

    Raises:
        InvalidInput: if the script reaches no parser, or one that cannot check.
        PyrunsError: if the interpreter cannot be started.
    """
    asked = _ask(workspace, _script(workspace), commands=commands)
    if asked.problem:
        raise InvalidInput(f"The command lines could not be checked. {asked.problem}", field="check")
    if len(asked.answer.checks) != len(commands):
        raise InvalidInput(
            f"The command lines could not be checked: {asked.answer.framework} does not support this.",
            field="check",
        )
    return list(asked.answer.checks)


def check_sweep(workspace: WorkspaceFolder, plan: SweepPlan | None) -> None:
    """Check the command lines of a sweep with the script's own parser: of all tasks, or of 200 among them.

    Raises:
        InvalidInput: if the parser rejects one (the field is the key that it names, else "yaml"), or cannot
            be asked (field "check").
    """
    parameters = None if plan is None else script_parameters(workspace)
    if plan is None or parameters is None or not passes_words(parameters):
        raise InvalidInput(
            "The script receives no command line, so there is nothing to check.", field="check"
        )
    count = min(plan.count, MAX_CHECKED)
    indices = [number * plan.count // count for number in range(count)]
    passing = Settings.load(workspace.root).passes_defaults(workspace.name)
    commands = [run_words(parameters, plan.config(index), pass_defaults=passing) for index in indices]
    found = check_commands(workspace, commands)
    rejected: dict[str, int] = {}
    for index, problem in zip(indices, found, strict=True):
        if problem is not None:
            rejected.setdefault(problem, index)
    errors = [
        _rejection(plan, parameters, index, problem)
        for problem, index in list(rejected.items())[:_MAX_REJECTED]
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else InvalidInputs(errors)


def _rejection(plan: SweepPlan, parameters: ScriptParameters, index: int, problem: str) -> InvalidInput:
    swept = ", ".join(f"{key}: {value}" for key, value in plan.row(index).items())
    task = f"task {index + 1}" + (f" ({swept[:_MAX_SWEPT]})" if swept else "")
    message = f"The script rejects the command line of {task}: {problem.rstrip('.')}."
    keys = {
        word: one.name
        for one in reversed(parameters.parameters)
        if plan.template.leaf(one.name) is not None
        for word in (*one.flags, *one.off_flags, *((one.key,) if one.positional else ()))
    }
    named = [keys[word] for word in _WORD.findall(problem) if word in keys]
    return plan.template.with_position(InvalidInput(message, field=named[0] if named else "yaml"))


def known_answer(workspace: WorkspaceFolder) -> StoredAnswer | None:
    """Return the stored answer of a workspace's script, None if it was not asked."""
    script = workspace.script
    if script is None or not EnginePaths(workspace.root).asked.is_dir():
        return None
    try:
        settings = Settings.load(workspace.root)
        environment = {**os.environ, **settings.global_env}
        interpreter = python_of(settings, settings.python, environment, patient=False)
    except PyrunsError:
        interpreter = ""
    return stored_answer(workspace.root, script, interpreter=interpreter)


def _script(workspace: WorkspaceFolder) -> Path:
    script = workspace.script
    if script is None:
        raise InvalidInput(
            workspace.problem() or "This workspace has no script to ask for its parameters.", field="script"
        )
    if script.suffix.lower() == NOTEBOOK_SUFFIX:
        message = "A notebook has no command-line parser, so it cannot be asked for its parameters."
        raise InvalidInput(message, field="script")
    return script


def _ask(
    workspace: WorkspaceFolder,
    script: Path,
    *,
    stub_missing: bool = False,
    commands: Sequence[Sequence[str]] = (),
    seconds: float = DEFAULT_SECONDS,
    is_abandoned: Callable[[], bool] = lambda: False,
) -> AskedScript:
    settings = Settings.load(workspace.root)
    environment = {**front_end_environment(), **settings.global_env}
    python = interpreter_of(settings, settings.python, environment)
    scratch = Path(tempfile.mkdtemp(prefix="pyruns-asks-")).resolve()
    try:
        request = scratch / "request.json"
        result = scratch / "answer.json"
        for name in ("tmp", "cache"):
            (scratch / name).mkdir()
        request.write_text(
            json.dumps(
                {
                    "script": str(script),
                    "root": str(project_folder(script)),
                    "result": str(result),
                    "scratch": str(scratch),
                    "stub_missing": stub_missing,
                    "checks": [list(words) for words in commands],
                }
            ),
            encoding="utf-8",
        )
        child = _Child([python, str(_CHILD), str(request)], script.parent, _variables(environment, scratch))
        ended = child.wait(min(seconds, MAX_SECONDS), is_abandoned)
        answer = _answer(result, ended, seconds)
        return AskedScript(answer, child.output(), python)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _variables(environment: dict[str, str], scratch: Path) -> dict[str, str]:
    """Return the environment of a task, without GPUs and with places for temporary files and caches."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "tmp"))
    caches = dict.fromkeys(("XDG_CACHE_HOME", "MPLCONFIGDIR"), str(scratch / "cache"))
    variables = {
        **environment,
        **places,
        **caches,
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "TERM": "dumb",
        "WANDB_MODE": "disabled",
    }
    hide_gpus(variables)
    return variables


class _Child:
    """A process in a session of its own, with the end of its output."""

    def __init__(self, argv: list[str], workdir: Path, environment: dict[str, str]) -> None:
        self.token = new_token()
        try:
            self.process = subprocess.Popen(
                argv,
                cwd=workdir,
                env={**environment, _MARK: self.token},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise PyrunsError(f"{argv[0]} cannot be executed: {error.strerror or error}.") from error
        assert self.process.stdout is not None
        self.tail = bytearray()
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()

    def _read(self, stream: BinaryIO) -> None:
        with suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 65536):
                self.tail += chunk
                del self.tail[:-_KEPT_OUTPUT]

    def wait(self, seconds: float, is_abandoned: Callable[[], bool]) -> int | None:
        """Return the exit code, None if the time limit is exceeded. No process of the script is left then."""
        give_up_at = time.monotonic() + seconds
        try:
            while time.monotonic() < give_up_at and not is_abandoned():
                with suppress(subprocess.TimeoutExpired):
                    return self.process.wait(_CHECK_SECONDS)
            return None
        finally:
            self._kill()

    def _kill(self) -> None:
        below = descendants(self.process.pid) if self.process.poll() is None else []
        with suppress(OSError):
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        for pid in below:
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
        for process in marked_processes(_MARK, self.token):
            with suppress(psutil.Error):
                process.kill()
        self.process.wait()
        self.reader.join(_DRAIN_SECONDS)
        if not self.reader.is_alive() and self.process.stdout is not None:
            self.process.stdout.close()

    def output(self) -> str:
        """Return the end of the output."""
        return bytes(self.tail).decode("utf-8", "replace")


def _answer(result: Path, code: int | None, seconds: float) -> Answer:
    if code is None:
        return _stopped("timeout", f"{seconds:g} s")
    try:
        data = read_whole(result, most=MAX_BYTES)[0]
    except FileNotFoundError:
        what = f"the signal {-code}" if code < 0 else f"exit code {code}"
        return _stopped("crash", what)
    except (OSError, Unreadable) as error:
        return _stopped("answer", str(error))
    try:
        return parse_answer(data)
    except Unreadable as error:
        return _stopped("answer", error.message)


def _stopped(reason: str, message: str) -> Answer:
    return Answer(version=VERSION, python="", framework="", stop=Stop(reason, message))


def _explained(stop: Stop) -> str:
    where = f" in line {stop.line}" if stop.line else ""
    if stop.reason == "timeout":
        return f"The script did not reach a command-line parser within {stop.message}, and was stopped."
    if stop.reason == "ended":
        return "The script ended without using a command-line parser that can be asked."
    if stop.reason == "crash":
        return f"The script ended with {stop.message} before it reached a command-line parser."
    if stop.reason == "answer":
        return stop.message
    if stop.reason == "exit":
        code = f" ({stop.message})" if stop.message else ""
        return f"The script exited{where} before it reached a command-line parser{code}."
    hint = ""
    if stop.missing:
        hint = (
            f" Install {stop.missing} in the interpreter of the tasks, or ask again with stubs for modules "
            "that are not installed."
        )
    return (
        f"The script failed{where} before it reached a command-line parser: {stop.message.rstrip('.')}.{hint}"
    )
