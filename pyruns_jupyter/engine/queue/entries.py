"""The batches and their entries in the memory of a scheduler; all of it can be read from disk again."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import Conflict, NotFound, PyrunsError
from pyruns_jupyter.core.common.host_identity import boot_id, host_name, new_token
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own_facts, read_task, run_fact
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.settings import Settings

from . import batches, run_files
from .batches import Batch
from .jobs import Job

_MAX_EPOCH = 1e12  # epoch seconds; a later time in a task file is not valid
_RETRY_FINAL_SECONDS = 60.0  # a driver that is being repaired may become available again


class EntryState(Enum):
    """The state of an entry according to its task file."""

    WAITING = auto()
    RUNNING = auto()
    DONE = auto()  # ended, cancelled, or part of another batch by now
    LOST = auto()  # its claim was lost in a power failure, as the batch file proves


class QueueEntry(Struct, eq=False):  # tens of thousands may be queued
    """One task of a batch.

    Attributes:
        job: its current run, which may be a retry.
        seen: the modification time (ns) of the task file when it was last read.
        tries: failed attempts to start it.
        not_before: when it may start (monotonic).
        elsewhere: whether it was found running on another host.
    """

    job: Job
    seen: int
    tries: int = 0
    not_before: float = 0.0
    elsewhere: bool = False

    def follow(self, info: TaskInfo) -> None:
        """Change to the current run according to the task file."""
        facts = queue_facts(info)
        attempt, first = facts.get("attempt"), self.job.first or self.job.attempt
        if facts.get("first") != first or not isinstance(attempt, str) or attempt == self.job.attempt:
            return
        retries, start = facts.get("retries"), facts.get("not_before")
        used = retries if isinstance(retries, int) else 0
        requeues = facts.get("requeues")
        self.job = replace(
            self.job,
            attempt=attempt,
            first=first,
            retries=used,
            requeues=requeues if isinstance(requeues, int) else 0,
            alone=facts.get("alone") is True,
            gpus=(),
            gpu_labels=(),
        )
        self.tries = 0
        if isinstance(start, (int, float)) and 0 < start < _MAX_EPOCH:
            # The clock may have been changed meanwhile: wait at most for the whole delay.
            longest = self.job.options.delay(max(used, 1))
            self.not_before = time.monotonic() + min(start - time.time(), longest)


class Streak:
    """The number of identical failures in a row; a completed run resets it."""

    def __init__(self) -> None:
        self.mark, self.length = "", 0

    def add(self, mark: str | None) -> None:
        """Count a run that failed with `mark`, or did not fail (None)."""
        if not mark:
            self.mark, self.length = "", 0
        elif mark == self.mark:
            self.length += 1
        else:
            self.mark, self.length = mark, 1


class ActiveBatch(Struct):
    """A batch that is not done: its queued entries, in order, and its running ones by task.

    `why`, `refused`, `problem` and `given_up` are sentences for the user:

    Attributes:
        why: why no further task starts now.
        refused: why GPUs or memory (`refused_for`) are not available, which is so since `refused_since`
            (monotonic). This host can never provide them, as it seems since `final_since`.
        missing: how many GPUs (of those in `holders`), or bytes, running tasks would have to release.
        holders: the attempts that would have to end to release a GPU, by its UUID.
        problem: why an entry could not be started last time.
        given_up: why the rest of the batch is cancelled.
    """

    batch: Batch
    stop_after: int = 0
    waiting: deque[QueueEntry] = field(default_factory=deque)
    running: dict[str, QueueEntry] = field(default_factory=dict)
    streak: Streak = field(default_factory=Streak)
    given_up: str = ""
    why: str = ""
    problem: str = ""
    refused: str = ""
    refused_for: str = ""
    missing: int = 0
    holders: Mapping[str, set[str]] = field(default_factory=dict)
    refused_since: float | None = None
    final_since: float | None = None

    @property
    def done(self) -> bool:
        """Whether none of its tasks is queued or running."""
        return not self.waiting and not self.running

    @property
    def rank(self) -> tuple[int, str]:
        """The sort key of the order in which batches start."""
        return -self.batch.options.priority, self.batch.id

    def refuse(
        self,
        what: str,
        why: str,
        *,
        is_final: bool,
        patience: float,
        missing: int,
        holders: Mapping[str, set[str]],
    ) -> None:
        """Store that GPUs or memory (`what`) are not available. The batch is given up after `patience`
        seconds, or after a minute in which this host could never provide them (`is_final`).
        """
        now = time.monotonic()
        self.refused, self.refused_for = why, what
        self.missing, self.holders = missing, holders
        self.refused_since = self.refused_since or now
        waited = now - self.refused_since
        self.final_since = (self.final_since or now) if is_final else None
        is_certain = self.final_since is not None and now - self.final_since > _RETRY_FINAL_SECONDS
        if waited > patience or is_certain:
            self.given_up = f"Cancelled after waiting {duration_text(waited)} for {what}. {why}"

    def count_end(self, info: TaskInfo, attempt: str) -> None:
        """Count a run that ended; after too many identical failures in a row the batch is given up."""
        status, mark, headline = _outcome(info, attempt)
        if status not in (runs.COMPLETED, runs.FAILED):
            return
        self.streak.add(mark if status == runs.FAILED else None)
        if 0 < self.stop_after <= self.streak.length and not self.given_up:
            what = f"failed with {headline}" if headline else "failed in the same way"
            self.given_up = (
                f"Cancelled because {self.streak.length} runs in a row {what}. "
                "Fix the cause, and queue the failed and cancelled tasks again."
            )


def open_batch(root: Path, batch: Batch) -> ActiveBatch:
    """Return a batch with all its entries queued; their task files are read later."""
    settings, options = Settings.load(root), batch.options
    opened = ActiveBatch(
        batch, stop_after=settings.stop_after_failures if options.stop_after is None else options.stop_after
    )
    resume = settings.resume if options.resume is None else options.resume
    seen = int(batch.created_at * 1e9)  # claims are older
    source = SourceState.from_dict(batch.source)
    for name, attempt in batch.tasks:
        job = Job(
            root=root,
            workspace=batch.workspace,
            task=name,
            attempt=attempt,
            batch=batch.id,
            environment=batch.environment,
            python=batch.python,
            source=source,
            code=batch.code,
            options=options,
            resume=resume,
        )
        opened.waiting.append(QueueEntry(job, seen))
    return opened


def read_state(entry: QueueEntry, opened: ActiveBatch) -> tuple[EntryState, TaskInfo]:
    """Return the state of an entry and its task file, and update the entry; a missing task counts as done.

    Raises:
        Unreadable: when the file is damaged.
    """
    try:
        info = read_task(entry.job.paths.folder)
    except NotFound:
        return EntryState.DONE, {}
    entry.follow(info)
    return judge(info, entry, opened), info


def judge(info: TaskInfo, entry: QueueEntry, opened: ActiveBatch) -> EntryState:
    """Return the state of an entry of a batch according to a task file."""
    status, attempt, batch = runs.status_of(info), entry.job.attempt, opened.batch
    if info.get("_attempt_id") == attempt:
        if status == runs.QUEUED:
            return EntryState.WAITING
        if status == runs.RUNNING:
            return EntryState.RUNNING
        return EntryState.DONE
    attempts = info.get("run_attempt_ids")
    if status in runs.ACTIVE or (isinstance(attempts, list) and attempt in attempts):
        return EntryState.DONE
    facts = queue_facts(info)
    later = facts.get("queued_at")
    if facts.get("attempt") == attempt or (isinstance(later, (int, float)) and later > batch.created_at):
        return EntryState.DONE
    # Claims are not synced to disk: a crash of the whole machine since then may have lost one.
    crashed = batch.host == host_name() and (not batch.boot or batch.boot != boot_id())
    return EntryState.LOST if crashed else EntryState.DONE


def claim_again(entry: QueueEntry) -> bool:
    """Queue a task again whose claim was lost; return whether it is queued now."""
    try:
        with edit_task(entry.job.paths.folder) as info:
            runs.queue(info, attempt=entry.job.attempt, batch=entry.job.batch)
    except (Conflict, NotFound):
        return False
    return True


def was_touched(entry: QueueEntry) -> bool:
    """Return whether the task file was modified since it was last checked."""
    try:
        changed = os.stat(entry.job.task_file).st_mtime_ns
    except OSError:
        return True
    if changed <= entry.seen:
        return False
    entry.seen = changed
    return True


def stop_if_asked(entry: QueueEntry, info: TaskInfo, opened: ActiveBatch) -> bool:
    """Take a task out of the queue if it was asked to stop; return whether it was.

    Raises:
        PyrunsError, OSError: when that cannot be done at this moment.
    """
    if not info.get("cancel_requested_at"):
        return False
    stopped = False
    with edit_task(entry.job.paths.folder) as current:
        waiting = judge(current, entry, opened) is EntryState.WAITING
        if waiting and current.get("cancel_requested_at"):
            runs.unqueue(current)
            stopped = True
    if stopped:
        run_files.add_queue_stop(entry.job.paths)
    return stopped


def give_up(entry: QueueEntry, opened: ActiveBatch, why: str) -> None:
    """Take a task out of the queue, and store the reason.

    Raises:
        PyrunsError, OSError: when that cannot be done at this moment.
    """
    try:
        with edit_task(entry.job.paths.folder, durable=False) as info:
            entry.follow(info)
            if judge(info, entry, opened) is EntryState.WAITING:
                runs.unqueue(info, why)
    except NotFound:
        pass


def ended_at(info: TaskInfo, attempt: str) -> float | None:
    """Return when the run of an attempt ended (epoch, s); None if it did not."""
    exact = run_fact(info, "times", run_number(info, attempt))
    end = exact[1] if isinstance(exact, list) and len(exact) == 2 else None
    return end if isinstance(end, (int, float)) and 0 < end < _MAX_EPOCH else None


def has_finished(job: Job) -> bool:
    """Return whether the run of a job has ended and its task is not queued again, according to its task file,
    or the task was removed; False if that cannot be read now.
    """
    try:
        info = read_task(job.paths.folder)
    except NotFound:
        return True
    except (PyrunsError, OSError):
        return False
    return runs.status_of(info) in runs.ENDED and ended_at(info, job.attempt) is not None


def _outcome(info: TaskInfo, attempt: str) -> tuple[str, str, str]:
    """Return status, mark and headline of the run of an attempt."""
    number = run_number(info, attempt)
    statuses = info.get("run_statuses")
    if not number or not isinstance(statuses, list) or number > len(statuses):
        return "", "", ""
    headline, mark, _ = runs.failure_of(info, number)
    return str(statuses[number - 1]), mark, headline


def run_number(info: TaskInfo, attempt: str) -> int:
    """Return the index (from 1) of the run of an attempt, 0 if there is none."""
    attempts = info.get("run_attempt_ids")
    return attempts.index(attempt) + 1 if isinstance(attempts, list) and attempt in attempts else 0


def queue_again(info: TaskInfo, job: Job, *, interrupted: bool, out_of_memory: bool = False) -> bool:
    """Queue a task again whose run just failed, if the options of its batch say so; return whether it is
    queued now.

    To be called under the task's lock, in the write that ends the run: that needs no scheduler, and no
    process sees an intermediate state. `interrupted`: the run is to be requeued, which does not count as a
    retry. `out_of_memory`: it ran out of GPU memory, so a retry may get exclusive GPUs.
    """
    if runs.status_of(info) != runs.FAILED or info.get("cancel_requested_at"):
        return False
    if info.get("_attempt_id") != job.attempt or queue_facts(info).get("attempt") != job.attempt:
        return False  # another batch has queued it since
    alone = out_of_memory and job.options.retry_alone and bool(job.gpus) and not job.alone
    may_requeue = job.resume and job.requeues < job.options.max_requeues
    if not (may_requeue if interrupted else alone or job.retries < job.options.retries):
        return False
    retries = job.retries + (not interrupted and not alone)
    again: dict[str, Any] = {"first": job.first or job.attempt, "retries": retries}
    if interrupted or job.requeues:
        again["requeues"] = job.requeues + interrupted
    if alone or job.alone:
        again["alone"] = True
    if not interrupted and not alone:
        again["not_before"] = time.time() + job.options.delay(retries)
    try:
        runs.queue(info, attempt=new_token(), batch=job.batch, again=again)
    except Conflict:  # it has 1000 runs, or is being moved
        return False
    return True


def queue_facts(info: TaskInfo) -> dict[str, Any]:
    """Return the facts about the latest queueing in a task file."""
    facts = own_facts(info).get("queue")
    return facts if isinstance(facts, dict) else {}


def is_lost(info: TaskInfo, root: Path, key: EngineKey | None) -> bool:
    """Return whether a task names a batch that will not start it here; see `batches.is_lost`."""
    facts = queue_facts(info)
    return bool(facts) and batches.is_lost(root, str(facts.get("batch")), key)
