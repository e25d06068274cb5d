"""The executor of tasks that run in a cluster: it submits jobs and follows them.

As everywhere, a task file alone determines the state of its task. The cluster is queried for what is not in
it: why a job waits, and why one ended whose supervisor is gone.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.cluster_settings import ClusterAccess
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.entries import has_finished
from pyruns_jupyter.engine.queue.jobs import EndReason, Job, Pending
from pyruns_jupyter.engine.queue.launch import is_paused
from pyruns_jupyter.engine.queue.options import MAX_JOBS
from pyruns_jupyter.engine.run.orphan_cleanup import has_owner

from . import runner
from .async_calls import AsyncCalls
from .base import Cluster, Element, JobRequest, JobState, Phase, Refused, Unreachable, cluster_of, lost_node
from .submissions import ClusterSubmission, output_of, read_output, submissions
from .tasks import FollowedTask, FollowedTasks, Key, TaskOutcomes

_MIN_POLL_SECONDS, _MAX_RETRY_SECONDS = 1.0, 30.0
_MAX_NAMES = 20  # of queued tasks
_UNHELD_SECONDS = 60.0  # for which the cluster may keep a task that the scheduler does not wait for
_MAX_TASKS = 1000  # tasks of a job, if the cluster allows that many
_MAX_CHECK_SECONDS = 0.1  # to read task files in one go
_MAX_CALLS = 8  # in parallel: each is a process


class ClusterEngine:
    """Follows the jobs of one project in the cluster of one executor."""

    def __init__(self, key: EngineKey, engine: str) -> None:
        self._key = key
        self._root = root = key.root
        self._paths = EnginePaths(root)
        self._engine = engine
        self._environment: Mapping[str, str] = os.environ
        self._max_tasks: int | None = None  # of a job; None until the cluster has returned it
        self._wanted: dict[str, dict[str, Job]] = {}  # the jobs to submit, by batch and task
        self._tasks = FollowedTasks()
        self._submissions: dict[str, ClusterSubmission] = {}
        self._unclear: set[str] = set()  # submissions that the cluster may or may not have accepted
        self._calls = AsyncCalls()
        self._ended: list[Job] = []
        self._unchecked: list[Key] = []  # by `_end_finished`
        self._outcomes = TaskOutcomes(self._cluster.title)
        self._problem = ""
        self._retry_at = self._look_at = 0.0
        self._pause = _MIN_POLL_SECONDS
        self._load()

    @property
    def must_poll(self) -> bool:
        """Whether there are jobs to submit or to follow."""
        return bool(self._wanted or self._tasks or self._calls or self._unclear)

    def start(self, job: Job) -> None:
        """Submit a queued job with the next `rest`, unless the cluster has it already."""
        if not self.adopt(job):
            self._want(job)

    def adopt(self, job: Job) -> bool:
        """Follow a job if the cluster has it; return whether it does."""
        self._environment = job.environment
        task = self._tasks.get(_key(job))
        if task is None or task.cancelled:
            return False
        task.job, task.held, task.doubtful, task.since = job, True, False, time.monotonic()
        return True

    def rest(self) -> None:
        """Submit the jobs that were started since the last call, those of a batch together."""
        now = time.monotonic()
        if not self._wanted or now < self._retry_at:
            return
        if self._max_tasks is None:
            self._calls.run("max_tasks", self._cluster.max_tasks, self._take_max_tasks)
            return
        submitted = Counter(batch for batch, _ in self._tasks)
        for batch, wanted in list(self._wanted.items()):
            if len(self._calls) >= _MAX_CALLS:
                break  # the next call of this method continues
            jobs = list(wanted.values())
            most = jobs[0].options.jobs
            # The highest number means no limit: the cluster knows how many it has room for.
            room = most - submitted[batch] if most < MAX_JOBS else len(jobs)
            if room > 0:
                count = self._max_tasks if self._cluster.limits_concurrency else min(room, self._max_tasks)
                part = jobs[:count]
                self._submit(part, min(room, len(part)))

    def is_full(self, batch: str) -> bool:
        """Return whether the tasks of a batch that are to be submitted fill a job."""
        return len(self._wanted.get(batch, ())) >= _MAX_TASKS

    def cancel(self, job: Job) -> None:
        """Cancel a job that has not begun; `poll` returns it once that is done."""
        key = _key(job)
        if self._is_wanted(job):
            self._unwant(job)
            self._ended.append(job)
        elif key in self._tasks:
            self._tasks[key].cancelled = True

    def is_waiting(self, job: Job) -> bool:
        """Return whether a started job waits in the cluster, as far as is known."""
        task = self._tasks.get(_key(job))
        return self._is_wanted(job) if task is None else task.phase is Phase.WAITS

    def is_running(self, job: Job) -> bool:
        """Return whether a job runs according to the cluster."""
        task = self._tasks.get(_key(job))
        return task is not None and task.phase is Phase.RUNS

    def pending(self) -> dict[str, Pending]:
        """Return for each batch how many started tasks wait in the cluster, and why."""
        waiting: dict[str, list[FollowedTask]] = {}
        names: dict[str, list[str]] = {}
        for (batch, name), task in self._tasks.items():
            if task.phase is Phase.WAITS and task.held:
                waiting.setdefault(batch, []).append(task)
                names.setdefault(batch, []).append(name)
        for batch, jobs in self._wanted.items():
            names.setdefault(batch, []).extend(jobs)
        return {
            batch: Pending(len(listed), self._why(waiting.get(batch, ())), tuple(listed[:_MAX_NAMES]))
            for batch, listed in names.items()
        }

    def _why(self, waiting: Sequence[FollowedTask]) -> str:
        if self._problem:
            return self._problem
        reasons = Counter((task.submission, task.why) for task in waiting if task.why)
        if not reasons:
            return f"Submitting the {self._cluster.title} job."
        (submission, why), _ = reasons.most_common(1)[0]
        return f"Waiting in {self._cluster.title} as job {self._submissions[submission].job}: {why}."

    def obstacle(self, job: Job) -> str:
        """Return why a job that never began is given up; empty if it is to be submitted again."""
        return self._outcomes.obstacle(_key(job))

    def take_reason(self, job: Job) -> EndReason | None:
        """Return why the cluster ended a job whose supervisor is gone, None if that is unknown."""
        return self._outcomes.take_reason(_key(job))

    def forget(self, batch: str) -> None:
        """Cancel what the cluster still has of a batch that is done."""
        for key, task in self._tasks.items():
            if key[0] == batch:
                task.cancelled, task.held = True, False
        self._outcomes.forget(batch)

    def poll(self) -> list[Job]:
        """Process the replies of the cluster, and query it if it is time; return the jobs to check again."""
        self._calls.collect()
        now = time.monotonic()
        if now >= self._retry_at:
            for identifier in self._unclear:
                if len(self._calls) >= _MAX_CALLS:
                    break
                known = self._submissions[identifier]
                find = partial(self._cluster.find, known.tag)
                self._call_for_id(f"find:{identifier}", known, find, self._found)
            self._cancel()
        if now >= self._look_at:
            self._look()
        paused = is_paused(self._root)
        for task in self._tasks.values():
            if paused and not task.held:  # the scheduler starts nothing, so it waits for no task yet
                task.since = now
            if task.doubtful and task.held and not has_owner(task.job):
                task.held, task.since = False, now
                self._ended.append(task.job)
            elif not task.held and task.phase is Phase.WAITS and now - task.since > _UNHELD_SECONDS:
                task.cancelled = True  # it ended or was stopped while no scheduler was running
        ended, self._ended = self._ended, []
        return ended

    # Submitting

    def _is_wanted(self, job: Job) -> bool:
        return job.task in self._wanted.get(job.batch, ())

    def _want(self, job: Job) -> None:
        self._wanted.setdefault(job.batch, {})[job.task] = job

    def _unwant(self, job: Job) -> None:
        jobs = self._wanted[job.batch]
        del jobs[job.task]
        if not jobs:
            del self._wanted[job.batch]

    def _load(self) -> None:
        """Follow the jobs that an earlier scheduler submitted."""
        living = set(batches.batch_ids(self._root))
        for submission in submissions(self._key):
            if submission.engine != self._engine:
                continue
            self._submissions[submission.id] = submission
            if not submission.job:
                self._unclear.add(submission.id)
            for number, name in enumerate(submission.tasks):
                job = Job(self._root, submission.workspace, name, "", submission.batch, {}, "")
                # Not held: the scheduler decides which of these it waits for.
                task = FollowedTask(job, submission.id, number, held=False)
                task.cancelled = submission.batch not in living
                self._tasks.put((submission.batch, name), task)
        for identifier in list(self._submissions):
            self._tidy(identifier)  # all of its tasks were submitted again later

    def _submit(self, jobs: Sequence[Job], concurrency: int) -> None:
        first, kind = jobs[0], f"submit:{jobs[0].batch}"
        if kind in self._calls:
            return
        tasks = tuple(job.task for job in jobs)
        submission = ClusterSubmission(
            self._engine, first.batch, first.workspace, tasks, first.source.to_dict()
        )
        try:
            digest = batches.file_digest(self._root, first.batch)
        except OSError as error:
            self._postpone(f"The batch file cannot be read: {error}. Retrying.")
            return
        request = JobRequest(
            tag=submission.tag,
            name=first.workspace,
            count=len(jobs),
            concurrency=concurrency,
            need=first.options.cluster,
            command=runner.command(self._access().python, self._root, submission, digest),
            folder=self._paths.cluster,
            output=submission.output(self._paths),
            requeue=first.resume,
            signal=first.options.signal or "",
        )
        try:
            self._paths.cluster.mkdir(mode=0o700, exist_ok=True)
            submission.write(self._key)
        except OSError as error:
            self._postpone(f"The job file cannot be written: {error}. Retrying.")
            return
        self._submissions[submission.id] = submission
        for number, job in enumerate(jobs):
            self._unwant(job)
            self._tasks.put(_key(job), FollowedTask(job, submission.id, number))
        submit = partial(self._cluster.submit, request)
        if not self._call_for_id(kind, submission, submit, self._submitted):
            self._unclear.add(submission.id)

    def _call_for_id(
        self,
        kind: str,
        submission: ClusterSubmission,
        call: Callable[[], str],
        use: Callable[[str, Any], None],
    ) -> bool:
        """Make a call that returns the id of the job of a submission, which is stored in its file."""
        return self._calls.run(
            kind, partial(_store_id, submission, call, self._key), partial(use, submission.id)
        )

    def _submitted(self, submission: str, reply: str | Refused | Unreachable) -> None:
        title = self._cluster.title
        if isinstance(reply, str):
            self._take_id(submission, reply)
        elif isinstance(reply, Unreachable):
            self._unclear.add(submission)
            self._postpone(self._unreachable(reply))
        elif reply.is_crowded:
            self._max_tasks = max(1, (self._max_tasks or _MAX_TASKS) // 2)
            self._postpone(f"{title} accepts no more jobs now: {reply.message.rstrip('.')}. Retrying.")
            self._want_again(submission)
        else:
            for key in self._tasks.keys_of(self._submissions[submission]):
                self._outcomes.add_refusal(key, f"{title} rejected the job: {reply.message.rstrip('.')}.")
                self._end(key, None)

    def _found(self, submission: str, reply: str | Unreachable) -> None:
        if isinstance(reply, Unreachable):
            self._postpone(self._unreachable(reply))
            return
        self._unclear.discard(submission)
        if reply:
            self._take_id(submission, reply)
        else:
            self._want_again(submission)

    def _take_id(self, submission: str, job: str) -> None:
        self._problem = ""
        self._submissions[submission] = self._submissions[submission].known_as(job)
        self._pause = _MIN_POLL_SECONDS
        self._look_at = min(self._look_at, time.monotonic() + _MIN_POLL_SECONDS)

    def _want_again(self, submission: str) -> None:
        """Submit the tasks of a job again that the cluster does not have, if the scheduler waits for them."""
        for key in self._tasks.keys_of(self._submissions[submission]):
            task = self._tasks.take(key)
            if task.held and task.cancelled:
                self._ended.append(task.job)
            elif task.held:
                self._want(task.job)
        self._tidy(submission)

    # Following

    def _look(self) -> None:
        followed = {task.submission for task in self._tasks.values()}
        listed = [submission for submission in followed if self._submissions[submission].job]
        if listed:
            jobs = [self._submissions[submission].job for submission in listed]
            self._calls.run("look", partial(self._cluster.look, jobs), partial(self._looked, listed))
        self._pause = min(self._pause * 1.5, self._access().poll_seconds)
        self._look_at = time.monotonic() + self._pause

    def _looked(self, listed: Sequence[str], reply: Mapping[Element, JobState] | Unreachable) -> None:
        if isinstance(reply, Unreachable):
            self._problem = self._unreachable(reply)
            self._end_finished()
            return
        self._problem = ""
        known_jobs = {job for job, _ in reply}
        for submission in listed:
            known = self._submissions.get(submission)
            if known is None:
                continue
            for key in self._tasks.keys_of(known):
                task = self._tasks[key]
                state = reply.get((known.job, task.number))
                if state is None:
                    reason = self._reason_of_dropped(known, task, knows_others=known.job in known_jobs)
                    state = JobState(Phase.ENDED, reason=reason)
                self._take_state(key, task, state)

    def _end_finished(self) -> None:
        """Wait no longer for tasks whose runs have ended according to their task files: the cluster cannot
        confirm it, and never will if it was shut down after its last task. If it responds, it still has to
        forget them.
        """
        until = time.monotonic() + _MAX_CHECK_SECONDS
        self._unchecked = self._unchecked or list(self._tasks)
        while self._unchecked and time.monotonic() < until:
            task = self._tasks.get(self._unchecked.pop())
            if task is not None and task.held and has_finished(task.job):
                task.held, task.since = False, time.monotonic()
                self._ended.append(task.job)

    def _take_state(self, key: Key, task: FollowedTask, state: JobState) -> None:
        if state.phase is not task.phase:
            self._pause = min(self._pause, 2 * _MIN_POLL_SECONDS)
        if state.phase is Phase.ENDED:
            self._end(key, state.reason)
            return
        if task.phase is Phase.RUNS and state.phase is Phase.WAITS:
            task.doubtful = True
            job = self._submissions[task.submission].job
            self._outcomes.add_reason(key, lost_node(self._cluster, f"{job}_{task.number}"), "")
        task.phase, task.why = state.phase, state.why

    def _reason_of_dropped(
        self, known: ClusterSubmission, task: FollowedTask, *, knows_others: bool
    ) -> EndReason | None:
        """Return why a task is unknown to the cluster: without output, and if the cluster knows others of its
        job, it was cancelled before it began.
        """
        job = f"{known.job}_{task.number}"
        if not self._cluster.is_durable:
            return lost_node(self._cluster, job)
        if not knows_others or os.path.exists(output_of(known.output(self._paths), task.number)):
            return None
        return EndReason(f"{self._cluster.title} job {job} was cancelled.", CANCELLED)

    def _cancel(self) -> None:
        elements = {
            key: (known.job, task.number)
            for key, task in self._tasks.items()
            if task.cancelled and (known := self._submissions[task.submission]).job
        }
        if elements:
            cancel = partial(self._cluster.cancel, list(elements.values()))
            self._calls.run("cancel", cancel, partial(self._cancelled, list(elements)))

    def _cancelled(self, keys: Sequence[Key], reply: Unreachable | None) -> None:
        if reply is not None:
            self._postpone(self._unreachable(reply))
            return
        for key in keys:
            if key in self._tasks:
                self._end(key, None)

    def _end(self, key: Key, reason: EndReason | None) -> None:
        """Stop following a task that ended in the cluster."""
        task = self._tasks.take(key)
        if reason is not None:
            pattern = self._submissions[task.submission].output(self._paths)
            self._outcomes.add_reason(key, reason, read_output(pattern, task.number))
        if task.held:
            self._ended.append(task.job)
        self._tidy(task.submission)

    def _tidy(self, submission: str) -> None:
        """Remove a submission without followed tasks."""
        if not self._tasks.count(submission):
            self._unclear.discard(submission)
            with suppress(OSError):
                self._submissions.pop(submission).remove(self._key)

    # Querying

    def _take_max_tasks(self, reply: int | Unreachable) -> None:
        if isinstance(reply, Unreachable):
            self._postpone(self._unreachable(reply))
        else:
            self._max_tasks = min(_MAX_TASKS, reply)

    def _postpone(self, why: str) -> None:
        """Retry later, and show why meanwhile."""
        self._problem = why
        self._retry_at = time.monotonic() + min(_MAX_RETRY_SECONDS, self._access().poll_seconds)

    @property
    def _cluster(self) -> Cluster:
        return cluster_of(self._engine, self._environment, self._access())

    def _access(self) -> ClusterAccess:
        return Settings.load(self._root).cluster.access_of(self._engine)

    def _unreachable(self, error: Unreachable) -> str:
        return f"{self._cluster.title} is not responding: {error}. Retrying."


def _store_id(submission: ClusterSubmission, call: Callable[[], str], key: EngineKey) -> str:
    """Return the id of a job that `call` returns, and store it in the file of the submission."""
    job = call()
    if job:
        with suppress(OSError):  # a full disk: the tag finds it again
            submission.known_as(job).write(key)
    return job


def _key(job: Job) -> Key:
    return job.batch, job.task
