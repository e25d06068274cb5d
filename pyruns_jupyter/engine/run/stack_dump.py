"""The text of a stack dump: what each process of a run does, and its Python stacks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event

from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.secret_names import MASK, is_secret, masked_words
from pyruns_jupyter.system.process_state import ProcessState, process_states

from .command import RunCommand
from .python_stacks import IsOver, find_py_spy, is_python, read_with_py_spy, read_with_signal

MAX_CHARACTERS = 256 * 1024
_MAX_PROCESSES = 32
_MAX_COMMAND, _MAX_LINE = 500, 1000  # characters
_MIN_SECRET = 6  # characters of a value that is masked everywhere: a shorter one may be a part of any word
_MEASURE_SECONDS = 0.5  # for the CPU usage
_MAX_SECONDS = 12.0
_PREPARE = "call pyruns_jupyter.load() or track() in the script, which then writes them itself"


def dump_stacks(pids: Sequence[int], command: RunCommand, is_cancelled: Event) -> str:
    """Return what the processes `pids` of a run do, and their Python stacks, without values of variables.

    It takes at most some seconds, less if `is_cancelled` is set meanwhile. Secrets are masked.
    """
    give_up_at = time.monotonic() + _MAX_SECONDS

    def is_over() -> bool:
        return is_cancelled.is_set() or time.monotonic() > give_up_at

    began = time.monotonic()
    before = {one.pid: one.cpu_seconds for one in process_states(pids[:_MAX_PROCESSES])}
    is_cancelled.wait(_MEASURE_SECONDS)
    states = process_states(before)
    elapsed = max(time.monotonic() - began, 0.001)
    folders = [os.path.dirname(command.argv[0]), os.path.dirname(sys.executable)]
    spy = find_py_spy(folders, command.environment.get("PATH"))
    secrets = _secrets(command.environment)
    lines = []
    for state in states:
        percent = 100 * max(0.0, state.cpu_seconds - before[state.pid]) / elapsed
        lines += ["", *_process_lines(state, percent, secrets)]
        if is_python(state.pid):
            lines += [f"  {line}" for line in _stack_lines(spy, state.pid, is_over)]
    if len(pids) > _MAX_PROCESSES:
        lines += ["", f"... and {len(pids) - _MAX_PROCESSES} more processes"]
    if not states:
        lines += ["", "The run no longer has a process."]
    # Secrets are masked first: a part of one, or one with escaped characters, would not be found.
    text = "\n".join(printable(_masked(line, secrets))[:_MAX_LINE] for line in lines[1:])
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}\n... (truncated)"


def _process_lines(state: ProcessState, cpu_percent: float, secrets: Sequence[str]) -> list[str]:
    words = _masked(" ".join(masked_words(state.words)), secrets)
    shown = words if len(words) <= _MAX_COMMAND else f"{words[:_MAX_COMMAND]}..."
    threads = "1 thread" if state.threads == 1 else f"{state.threads} threads"
    return [
        f"Process {state.pid}: {shown}",
        f"  Status: {state.status}, {threads}, CPU {cpu_percent:.0f} %",
        *([f"  Waiting for: {state.waits_for}"] if state.waits_for else []),
    ]


def _stack_lines(spy: str | None, pid: int, is_over: IsOver) -> list[str]:
    if is_over():
        return ["Python stacks are not available: the time is over."]
    problem = f"py-spy is not installed. Install it in the environment of the task, or {_PREPARE}"
    if spy is not None:
        lines, reason = read_with_py_spy(spy, pid, is_over)
        if lines:
            return ["Python stacks (py-spy; most recent call first):", *lines]
        problem = f"{reason}. Instead, {_PREPARE}"
    written = read_with_signal(pid, is_over)
    if written is None:
        return [f"Python stacks are not available: {problem}."]
    if not written:
        return ["Python stacks are not available: the process has not responded to the signal."]
    return ["Python stacks (faulthandler; most recent call first):", *(line for line in written if line)]


def _secrets(environment: Mapping[str, str]) -> list[str]:
    """Return the values of secret environment variables, the longest one first."""
    values = {value for name, value in environment.items() if is_secret(name) and len(value) >= _MIN_SECRET}
    return sorted(values, key=len, reverse=True)


def _masked(text: str, secrets: Sequence[str]) -> str:
    for value in secrets:
        text = text.replace(value, MASK)
    return text
