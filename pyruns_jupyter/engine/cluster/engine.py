"""The executor of tasks that run in a cluster: submits jobs and follows them.

Whether and how a task runs is told by its task file alone, as everywhere. The cluster is asked for what that
does not tell: why a job still waits, and what became of one whose supervisor is gone.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.taskfile.runs import CANCELLED
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.cluster_settings import ClusterSettings
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue import batches
from pyruns_jupyter.engine.queue.jobs import EndReason, Job, Pending
from pyruns_jupyter.engine.queue.options import MAX_JOBS

from . import runner
from .async_calls import ForkedCalls
from .base import Cluster, Element, JobRequest, JobState, Phase, Refused, Unreachable, cluster_of, lost_node
from .followed import Followed, FollowedTask, Wanted
from .outcomes import Key, TaskOutcomes
from .submissions import ClusterSubmission, output_of, read_output, submissions

_SOON, _LATER = 1.0, 30.0  # seconds
_TOLD = 20  # names of tasks that wait
_UNHELD_SECONDS = 60.0  # for which the cluster may have a task that the scheduler does not wait for
_MAX_TASKS = 1000  # tasks of a job, if the cluster allows as many


class ClusterEngine:
    """Follows the jobs of one project. `lives` tells by what is on disk whether a run has an owner."""

    def __init__(self, key: EngineKey, lives: Callable[[Job], bool]) -> None:
        self._key = key
        self._root = root = key.root
        self._paths = EnginePaths(root)
        self._lives = lives
        self._environments: dict[str, Mapping[str, str]] = {}
        self._most: dict[str, int] = {}  # tasks of one job, by engine
        self._wanted = Wanted()
        self._tasks = Followed()
        self._submissions: dict[str, ClusterSubmission] = {}
        self._unclear: set[str] = set()  # submissions that the cluster may have taken or not
        self._calls = ForkedCalls()
        self._ended: list[Job] = []
        self._outcomes = TaskOutcomes()
        self._away = ""
        self._retry_at = self._look_at = 0.0
        self._pause = _SOON
        self._load()

    @property
    def must_poll(self) -> bool:
        """Whether there is something to follow."""
        return bool(self._wanted or self._tasks or self._calls.are_under_way or self._unclear)

    def start(self, job: Job) -> None:
        """Submit a waiting job with the next `rest`, unless a cluster has it already."""
        self._environments[str(job.options.engine)] = job.environment
        if not self.adopt(job):
            self._wanted.add(job)

    def adopt(self, job: Job) -> bool:
        """Follow a job that a cluster has; return whether it has."""
        task = self._tasks.get(_key(job))
        if task is None or task.cancelled:
            return False
        task.job, task.held, task.doubtful, task.since = job, True, False, time.monotonic()
        return True

    def rest(self) -> None:
        """Submit what was started since the last time, the tasks of a batch together."""
        now = time.monotonic()
        if not self._wanted or now < self._retry_at:
            return
        submitted = Counter(batch for batch, _ in self._tasks)
        for batch, jobs in self._wanted.by_batch():
            engine = str(jobs[0].options.engine)
            if engine not in self._most:
                self._calls.run(
                    f"most:{engine}",
                    self._reach(engine).most_tasks,
                    partial(self._take_most, engine),
                )
                continue
            most = jobs[0].options.jobs
            # The most that can be asked for is no limit: the cluster knows how many it has room for.
            room = most - submitted[batch] if most < MAX_JOBS else len(jobs)
            if room > 0:
                part = jobs[: self._most[engine]]
                self._submit(part, min(room, len(part)))

    def is_full(self, batch: str) -> bool:
        """Return whether as many tasks of a batch are to be submitted as go into one job."""
        return self._wanted.count(batch) >= _MAX_TASKS

    def cancel(self, job: Job) -> None:
        """Take a job back that need not run, or not now; `poll` returns it once that is done."""
        key = _key(job)
        if job in self._wanted:
            self._wanted.remove(job)
            self._ended.append(job)
        elif key in self._tasks:
            self._tasks[key].cancelled = True

    def is_waiting(self, job: Job) -> bool:
        """Return whether a started job waits in the cluster, as far as is known."""
        task = self._tasks.get(_key(job))
        return job in self._wanted if task is None else task.phase is Phase.WAITS

    def is_running(self, job: Job) -> bool:
        """Return whether the cluster says that a job runs."""
        task = self._tasks.get(_key(job))
        return task is not None and task.phase is Phase.RUNS

    def pending(self) -> dict[str, Pending]:
        """Return of each batch how many started tasks wait in the cluster, and why."""
        waiting: dict[str, list[FollowedTask]] = {}
        names: dict[str, list[str]] = {}
        for (batch, name), task in self._tasks.items():
            if task.phase is Phase.WAITS and task.held:
                waiting.setdefault(batch, []).append(task)
                names.setdefault(batch, []).append(name)
        for batch, jobs in self._wanted.by_batch():
            names.setdefault(batch, []).extend(job.task for job in jobs)
        return {
            batch: Pending(len(listed), self._why(waiting.get(batch, ())), tuple(listed[:_TOLD]))
            for batch, listed in names.items()
        }

    def _why(self, waiting: Sequence[FollowedTask]) -> str:
        if self._away:
            return self._away
        reasons = Counter((task.submission, task.why) for task in waiting if task.why)
        if not reasons:
            return "It is being submitted."
        (submission, why), _ = reasons.most_common(1)[0]
        known = self._submissions[submission]
        return f"Waits in {self._title_of(known.engine)} as job {known.job}: {why}."

    def obstacle(self, job: Job) -> str:
        """Return why a job that never began will not begin; empty when it is worth another try."""
        return self._outcomes.obstacle(_key(job))

    def take_word(self, job: Job) -> EndReason | None:
        """Return what the cluster says about the end of a job whose supervisor is gone."""
        return self._outcomes.take_word(_key(job))

    def forget(self, batch: str) -> None:
        """A batch is done: what a cluster still has of it is cancelled."""
        for key, task in self._tasks.items():
            if key[0] == batch:
                task.cancelled, task.held = True, False
        self._outcomes.forget(batch)

    def poll(self) -> list[Job]:
        """Take what the cluster answered, ask it when it is time; return the jobs to be looked at again."""
        self._calls.collect()
        now = time.monotonic()
        if now >= self._retry_at:
            for submission in self._unclear:
                self._find(submission)
            self._cancel()
        if now >= self._look_at:
            self._look()
        for task in self._tasks.values():
            if task.doubtful and task.held and not self._lives(task.job):
                task.held, task.since = False, now
                self._ended.append(task.job)
            elif not task.held and task.phase is Phase.WAITS and now - task.since > _UNHELD_SECONDS:
                task.cancelled = True  # it ended or was stopped while no scheduler was alive
        ended, self._ended = self._ended, []
        return ended

    # Submitting

    def _load(self) -> None:
        """Take up what an earlier scheduler submitted."""
        living = set(batches.batch_ids(self._root))
        for submission in submissions(self._key):
            self._submissions[submission.id] = submission
            if not submission.job:
                self._unclear.add(submission.id)
            for number, name in enumerate(submission.tasks):
                job = Job(self._root, submission.workspace, name, "", submission.batch, {}, "")
                # Not held: the scheduler says which of these still count.
                task = FollowedTask(job, submission.id, number, held=False)
                task.cancelled = submission.batch not in living
                self._tasks.put((submission.batch, name), task)
        for identifier in list(self._submissions):
            self._tidy(identifier)  # all of it was submitted again later

    def _submit(self, jobs: Sequence[Job], at_once: int) -> None:
        first = jobs[0]
        engine, what = str(first.options.engine), f"submit:{first.batch}"
        if self._calls.is_under_way(what):
            return
        tasks = tuple(job.task for job in jobs)
        submission = ClusterSubmission(engine, first.batch, first.workspace, tasks, first.source.to_dict())
        try:
            digest = batches.file_digest(self._root, first.batch)
        except OSError as error:
            self._put_off(f"The batch cannot be read: {error}.")
            return
        request = JobRequest(
            tag=submission.tag,
            name=first.workspace,
            count=len(jobs),
            at_once=at_once,
            need=first.options.cluster,
            command=runner.command(self._settings().python, self._root, submission, digest),
            folder=self._paths.cluster,
            output=submission.output(self._paths),
            again=first.resume,
        )
        try:
            self._paths.cluster.mkdir(mode=0o700, exist_ok=True)
            submission.write(self._key)
        except OSError as error:
            self._put_off(f"The job cannot be written down: {error}.")
            return
        self._submissions[submission.id] = submission
        for number, job in enumerate(jobs):
            self._wanted.remove(job)
            self._tasks.put(_key(job), FollowedTask(job, submission.id, number))
        cluster = self._reach(engine)
        if not self._calls.run(
            what,
            partial(_submit, cluster, request, submission, self._key),
            partial(self._submitted, submission.id),
        ):
            self._unclear.add(submission.id)

    def _submitted(self, submission: str, answer: str | Refused | Unreachable) -> None:
        engine = self._submissions[submission].engine
        title = self._title_of(engine)
        if isinstance(answer, str):
            self._take_id(submission, answer)
        elif isinstance(answer, Unreachable):
            self._unclear.add(submission)
            self._put_off(self._absent(engine, answer))
        elif answer.is_crowded:
            self._most[engine] = max(1, self._most[engine] // 2)
            self._put_off(f"{title} takes no more jobs now: {answer.message.rstrip('.')}. It is tried again.")
            self._want_again(submission)
        else:
            for key in self._tasks.keys_of(self._submissions[submission]):
                self._outcomes.refuse(key, f"{title} refused its job: {answer.message.rstrip('.')}.")
                self._end(key, None)

    def _find(self, submission: str) -> None:
        """Ask whether the cluster took a job, which is not known."""
        known = self._submissions[submission]
        self._calls.run(
            f"find:{submission}",
            partial(_find, self._reach(known.engine), known, self._key),
            partial(self._found, submission),
        )

    def _found(self, submission: str, answer: str | Unreachable) -> None:
        if isinstance(answer, Unreachable):
            self._put_off(self._absent(self._submissions[submission].engine, answer))
            return
        self._unclear.discard(submission)
        if answer:
            self._take_id(submission, answer)
        else:
            self._want_again(submission)

    def _take_id(self, submission: str, job: str) -> None:
        self._away = ""
        self._submissions[submission] = self._submissions[submission].known_as(job)
        self._look_soon()

    def _want_again(self, submission: str) -> None:
        """The cluster has not got a job: what the scheduler wants of it is to be submitted anew."""
        for key in self._tasks.keys_of(self._submissions[submission]):
            task = self._tasks.take(key)
            if task.held and task.cancelled:
                self._ended.append(task.job)
            elif task.held:
                self._wanted.add(task.job)
        self._tidy(submission)

    # Following

    def _look(self) -> None:
        asked: dict[str, list[str]] = {}
        following = {task.submission for task in self._tasks.values()}
        for submission in following:
            known = self._submissions[submission]
            if known.job:
                asked.setdefault(known.engine, []).append(submission)
        for engine, listed in asked.items():
            jobs = [self._submissions[submission].job for submission in listed]
            self._calls.run(
                f"look:{engine}",
                partial(self._reach(engine).look, jobs),
                partial(self._looked, engine, listed),
            )
        most = self._settings().poll_seconds
        self._pause = min(self._pause * 1.5, most)
        self._look_at = time.monotonic() + self._pause

    def _looked(
        self, engine: str, listed: Sequence[str], answer: Mapping[Element, JobState] | Unreachable
    ) -> None:
        if isinstance(answer, Unreachable):
            self._away = self._absent(engine, answer)
            return
        self._away = ""
        living = {job for job, _ in answer}
        for submission in listed:
            known = self._submissions.get(submission)
            if known is None:
                continue
            for key in self._tasks.keys_of(self._submissions[submission]):
                task = self._tasks[key]
                state = answer.get((known.job, task.number))
                if state is None:
                    state = JobState(Phase.ENDED, word=self._of_dropped(known, task, known.job in living))
                self._take_state(key, task, state)

    def _take_state(self, key: Key, task: FollowedTask, state: JobState) -> None:
        if state.phase is not task.phase:
            self._pause = min(self._pause, 2 * _SOON)
        if state.phase is Phase.ENDED:
            self._end(key, state.word)
            return
        if task.phase is Phase.RUNS and state.phase is Phase.WAITS:
            task.doubtful = True
            job = self._submissions[task.submission].job
            self._outcomes.hear(key, lost_node(f"{job}_{task.number}"), "")
        task.phase, task.why = state.phase, state.why

    def _of_dropped(self, known: ClusterSubmission, task: FollowedTask, is_living: bool) -> EndReason | None:
        """Return what became of a task that the cluster does not tell of any more, while it tells of others
        of the job (`is_living`): one that never began was taken out. Nothing is known of the rest.
        """
        if not is_living or os.path.exists(output_of(known.output(self._paths), task.number)):
            return None
        job = f"{known.job}_{task.number}"
        return EndReason(f"Its job {job} was cancelled in {self._title_of(known.engine)}.", CANCELLED)

    def _cancel(self) -> None:
        elements: dict[str, dict[Key, Element]] = {}
        for key, task in self._tasks.items():
            known = self._submissions[task.submission]
            if task.cancelled and known.job:
                elements.setdefault(known.engine, {})[key] = known.job, task.number
        for engine, found in elements.items():
            self._calls.run(
                f"cancel:{engine}",
                partial(self._reach(engine).cancel, list(found.values())),
                partial(self._cancelled, engine, list(found)),
            )

    def _cancelled(self, engine: str, keys: Sequence[Key], answer: Unreachable | None) -> None:
        if answer is not None:
            self._put_off(self._absent(engine, answer))
            return
        for key in keys:
            if key in self._tasks:
                self._end(key, None)

    def _end(self, key: Key, word: EndReason | None) -> None:
        """The cluster has done with a task."""
        task = self._tasks.take(key)
        if word is not None:
            pattern = self._submissions[task.submission].output(self._paths)
            self._outcomes.hear(key, word, read_output(pattern, task.number))
        if task.held:
            self._ended.append(task.job)
        self._tidy(task.submission)

    def _tidy(self, submission: str) -> None:
        """Forget a submission of which no task is left."""
        if not self._tasks.count(submission):
            self._unclear.discard(submission)
            with suppress(OSError):
                self._submissions.pop(submission).remove(self._key)

    # Asking

    def _take_most(self, engine: str, answer: int | Unreachable) -> None:
        if isinstance(answer, Unreachable):
            self._put_off(self._absent(engine, answer))
        else:
            self._most[engine] = min(_MAX_TASKS, answer)

    def _put_off(self, why: str) -> None:
        self._away = why
        self._retry_at = time.monotonic() + min(_LATER, self._settings().poll_seconds)

    def _look_soon(self) -> None:
        self._pause = _SOON
        self._look_at = min(self._look_at, time.monotonic() + _SOON)

    def _reach(self, engine: str) -> Cluster:
        return cluster_of(engine, self._environments.get(engine, os.environ))

    def _settings(self) -> ClusterSettings:
        return Settings.load(self._root).cluster

    def _title_of(self, engine: str) -> str:
        return self._reach(engine).title

    def _absent(self, engine: str, error: Unreachable) -> str:
        return f"{self._title_of(engine)} does not answer: {error}. It is asked again."


def _submit(cluster: Cluster, request: JobRequest, submission: ClusterSubmission, key: EngineKey) -> str:
    """Submit a job, and store its id in the file of the submission."""
    return _store_id(submission, cluster.submit(request), key)


def _find(cluster: Cluster, submission: ClusterSubmission, key: EngineKey) -> str:
    """Return the id of the job of a submission, empty if the cluster did not take it."""
    return _store_id(submission, cluster.find(submission.tag), key)


def _store_id(submission: ClusterSubmission, job: str, key: EngineKey) -> str:
    if job:
        with suppress(OSError):  # a full disk: the tag finds it again
            submission.known_as(job).write(key)
    return job


def _key(job: Job) -> Key:
    return job.batch, job.task
