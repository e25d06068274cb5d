"""What a cluster said about tasks that it has done with, kept until the scheduler asks for it."""

from __future__ import annotations

from collections import Counter

from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.engine.queue.jobs import EndReason

Key = tuple[str, str]  # batch and task

_TRIES = 3


class TaskOutcomes:
    """Decides whether a task whose job came to nothing is worth another one."""

    def __init__(self) -> None:
        self._refusals: dict[Key, str] = {}
        self._words: dict[Key, tuple[EndReason, str]] = {}
        self._failures: Counter[Key] = Counter()

    def refuse(self, key: Key, why: str) -> None:
        """The cluster will not have the job of a task."""
        self._refusals[key] = why

    def hear(self, key: Key, word: EndReason, output: str) -> None:
        """The cluster ended a job, whose process left this output of its own."""
        self._words[key] = word, output

    def take_word(self, key: Key) -> EndReason | None:
        """Return the last word about a task that began, None without one."""
        found = self._words.pop(key, None)
        return None if found is None else found[0]

    def obstacle(self, key: Key) -> str:
        """Return why a task that never began will not begin; empty when it is worth another try."""
        refusal, heard = self._refusals.pop(key, ""), self._words.pop(key, None)
        if refusal:
            return f"Cancelled: {refusal}"
        if heard is None:
            return ""
        word, output = heard
        if word.status == CANCELLED:
            return f"Cancelled: {word.message}"
        self._failures[key] += not word.interrupted
        if self._failures[key] < _TRIES:
            return ""
        last = output.strip().rpartition("\n")[2].strip() or "It left no output."
        return f"Cancelled: {_TRIES} times its job ended before the task could start. {last}"

    def forget(self, batch: str) -> None:
        """Drop what is known of a batch that is done."""
        for known in (self._refusals, self._words, self._failures):
            for key in [key for key in known if key[0] == batch]:
                del known[key]
