"""What a task file stores about the metric sources of its runs.

In our own part of the file: `"metric_sources": {run: [{"format", "path", "reason", "offset", "points"}]}`,
with a `"message"` when a file could not be read completely, or it could not be decided whose it is.
"""

from __future__ import annotations

from typing import Any

from pyruns_jupyter.core.taskfile.task_file import TaskInfo, run_fact, set_run_fact

_KEY = "metric_sources"
MAX_FACTS = 50  # of a run
_MAX_MESSAGES = 20


def store_facts(info: TaskInfo, run: int, facts: list[dict[str, Any]]) -> None:
    """Store the sources of run `run` in a task file."""
    set_run_fact(info, _KEY, run, facts[:MAX_FACTS])


def facts_of(info: TaskInfo, run: int) -> list[dict[str, Any]]:
    """Return the sources of run `run`."""
    facts = run_fact(info, _KEY, run)
    return [fact for fact in facts if isinstance(fact, dict)] if isinstance(facts, list) else []


def messages_of(info: TaskInfo, run: int) -> list[str]:
    """Return the messages for the user about the sources of run `run`."""
    return [
        f"{fact.get('path')} ({fact.get('format')}): {fact['message']}"
        for fact in facts_of(info, run)
        if isinstance(fact.get("message"), str)
    ][:_MAX_MESSAGES]
