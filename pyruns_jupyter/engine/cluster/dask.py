"""Dask through its client: a job is a dataset of the Dask scheduler for each of its tasks.

A future is released when the last client that holds it disconnects. Published, it is kept until it is removed
from the list of datasets, and found there by its name, which is also the key of the Dask task.

The function of such a task is one of the standard library, so that a worker needs no package of ours: it
starts the program of the job, with the interpreter of the settings, and waits for it in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from pyruns_jupyter.core.common.byte_sizes import parse_size
from pyruns_jupyter.core.workspace.cluster_settings import ClusterAccess, JobResources
from pyruns_jupyter.engine.queue.jobs import EndReason

from .base import Element, JobContext, JobRequest, JobState, Phase, Unreachable, lost_node
from .submissions import output_of

if TYPE_CHECKING:
    from distributed import Client

_TIMEOUT_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_STACK_SECONDS = 5.0
_MAX_TASKS = 1000
_MAX_ERROR = 300  # characters of an error of Dask in a message
_ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
_JOB_VARIABLE = "PYRUNS_DASK_JOB"  # of the program of a job: key of the Dask task, colon, number of GPUs
_PREFIX = "pyruns-"
_PARTS = re.compile(rf"{_PREFIX}([0-9a-f]{{32}})-(\d+)")
# Each worker has GPUs of its own; those that the front end saw are of another machine.
_VISIBLE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")

_WORKER_ENDED = "pyruns: the Dask worker of this task has ended"
# A worker can be killed at any moment, and its tasks are then started elsewhere. So the program must end with
# the worker: standard input is a pipe that the worker keeps open. The shell waits for all its processes:
# a worker that is the init process of a container does not reap orphans.
_SCRIPT = f"""\
exec 3<&0 </dev/null >>"$0" 2>&1
"$@" 3<&- & task=$!
{{ read -r _ <&3; echo '{_WORKER_ENDED}'; kill -TERM $task; }} & watch=$!
exec 3<&-
wait $task; code=$?
{{ kill $watch; wait $watch; }} 2>/dev/null
exit $code
"""

T = TypeVar("T")


class Dask:
    """Dask for a user with this environment (see `base.Cluster`)."""

    title, node = "Dask", "worker"
    limits_concurrency = is_durable = False

    def __init__(self, environment: Mapping[str, str], access: ClusterAccess) -> None:
        self._environment = dict(environment)  # `os.environ` cannot be pickled
        self._access = access

    def obstacle(self) -> str:
        """Return what is missing: a package, or the address."""
        package = "dask_gateway" if self._access.cluster else "distributed"
        if find_spec(package) is None:
            name = package.replace("_", "-")
            extra = "" if self._access.cluster else " (pip install 'pyruns_jupyter[dask]')"
            return f"needs the package {name}{extra}."
        if not (self._access.address or self._access.cluster or self._environment.get(_ADDRESS_VARIABLE)):
            return (
                "needs the address of a Dask scheduler. Set dask: {address: 'tcp://HOST:8786'}, or "
                f"dask: {{cluster: NAME}} for Dask Gateway, in the project settings, or {_ADDRESS_VARIABLE}."
            )
        return ""

    def max_tasks(self) -> int:
        """Return how many tasks a job may have."""
        return _MAX_TASKS

    def submit(self, request: JobRequest) -> str:
        """Submit a job; its id is that in its tag."""
        job = request.tag.rpartition(":")[2]

        async def submit(client: Client) -> None:
            resources = resources_of(request.need)
            futures = {}
            for number in range(request.count):
                key = _key(job, number)
                output = str(output_of(request.output, number))
                mark = f"{_JOB_VARIABLE}={key}:{request.need.gpus}"
                words = ["/bin/sh", "-c", _SCRIPT, output, "env", mark, *request.command]
                futures[key] = client.submit(
                    subprocess.check_call,
                    words,
                    stdin=subprocess.PIPE,
                    cwd=str(request.folder),
                    start_new_session=True,
                    key=key,
                    resources=resources or None,
                    pure=False,
                )
            await client.publish_dataset(**futures)

        self._call(submit)
        return job

    def find(self, tag: str) -> str:
        """Return the id of the job with this tag, empty if Dask has no task of it."""
        job = tag.rpartition(":")[2]

        async def find(client: Client) -> str:
            return job if any(_parts(name)[:1] == (job,) for name in await client.list_datasets()) else ""

        return self._call(find)

    def look(self, jobs: Sequence[str]) -> dict[Element, JobState]:
        """Return the states of the tasks of jobs. Ended ones are removed from Dask, so they are returned only
        once.
        """
        wanted = set(jobs)

        async def look(client: Client) -> dict[Element, JobState]:
            names = await client.list_datasets()
            keys = {key: parts for key in names if (parts := _parts(key)) and parts[0] in wanted}
            status = await client.scheduler.get_task_status(keys=list(keys))
            running = await _running(client, [key for key in keys if status[key] == "processing"])
            has_workers = bool(await client.nthreads())
            erred = [key for key in keys if status[key] == "erred"]
            causes = await asyncio.gather(*(self._reason(client, key) for key in erred))
            reasons = dict(zip(erred, causes, strict=True))
            found: dict[Element, JobState] = {}
            ended = []
            for key, (job, number) in keys.items():
                if status[key] in (None, "memory", "erred"):
                    ended.append(key)
                    found[job, number] = JobState(Phase.ENDED, reason=reasons.get(key))
                elif key in running:
                    found[job, number] = JobState(Phase.RUNS)
                else:
                    why = why_waiting(status[key], has_workers=has_workers)
                    found[job, number] = JobState(Phase.WAITS, why)
            await asyncio.gather(*(client.unpublish_dataset(key) for key in ended))
            return found

        return self._call(look)

    def cancel(self, elements: Sequence[Element]) -> None:
        """Cancel tasks. A running one continues: its supervisor ends it when it is asked to."""

        async def cancel(client: Client) -> None:
            await asyncio.gather(*(client.unpublish_dataset(_key(*element)) for element in elements))

        self._call(cancel)

    def inside(self) -> JobContext:
        """Return the context of this process."""
        key, _, count = os.environ.get(_JOB_VARIABLE, "").partition(":")
        job, number = _parts(key) or ("", 0)
        gpus = [one.strip() for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one.strip()]
        return JobContext(
            f"{job}_{number}",
            number,
            tuple(gpus[: int(count)] if count.isdigit() else ()),
            {name: os.environ.get(name) for name in _VISIBLE},
        )

    def end_reason_from_output(self, output: str, inside: JobContext) -> EndReason | None:
        """Return the reason if the worker has ended during the run."""
        return lost_node(self, inside.job) if _WORKER_ENDED in output else None

    async def _reason(self, client: Client, key: str) -> EndReason | None:
        """Return why Dask could not run a task, or the program of the job failed."""
        future = await client.get_dataset(key)
        return end_reason(await future.exception(), self._name(key))

    def _name(self, key: str) -> str:
        return "_".join(map(str, _parts(key)))

    def _call(self, use: Callable[[Client], Awaitable[T]]) -> T:
        """Use a client. This process is only for this call, so it may get the environment of the user, in
        which Dask finds its configuration.
        """
        os.environ.update(self._environment)
        warnings.simplefilter("ignore")

        async def call() -> T:
            async with self._connected() as client:
                return await use(client)

        try:
            import distributed  # noqa: F401  # which may take long, before the time limit begins

            return asyncio.run(asyncio.wait_for(call(), _TIMEOUT_SECONDS))
        except Unreachable:
            raise
        except asyncio.TimeoutError:
            raise Unreachable(f"the scheduler did not respond within {_TIMEOUT_SECONDS:g} s") from None
        except Exception as error:  # whatever the connection, TLS or Dask raise
            raise Unreachable(_text(error)) from error

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        from distributed import Client

        logging.disable()  # what goes wrong is raised
        access = self._access
        if access.cluster:
            from dask_gateway import Gateway

            async with Gateway(asynchronous=True) as gateway:
                cluster = await gateway.connect(access.cluster)
                async with cluster.get_client(set_as_default=False) as client:
                    yield client
            return
        address = access.address or os.environ.get(_ADDRESS_VARIABLE)
        if not address:
            raise Unreachable("the address of its scheduler is not set")
        async with Client(
            address, asynchronous=True, set_as_default=False, timeout=_CONNECT_SECONDS, name="pyruns"
        ) as client:
            yield client


async def _running(client: Client, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that workers run; others wait at a worker. All of them, if a worker that may
    have been lost does not respond.
    """
    if not keys:
        return set()
    with suppress(OSError, KeyError, asyncio.TimeoutError):  # a worker, or a task, that has gone since
        stacks = await asyncio.wait_for(client.scheduler.call_stack(keys=list(keys)), _STACK_SECONDS)
        return {key for stack in stacks.values() for key in stack}
    return set(keys)


def _key(job: str, number: int) -> str:
    return f"{_PREFIX}{job}-{number}"


def _parts(key: object) -> tuple[str, int] | tuple[()]:
    found = _PARTS.fullmatch(key) if isinstance(key, str) else None
    return (found[1], int(found[2])) if found else ()


def resources_of(need: JobResources) -> dict[str, float]:
    """Return the resources of a worker that a task needs."""
    found = dict(need.resources)
    if need.gpus:
        found["GPU"] = float(need.gpus)
    if need.memory:
        found["MEMORY"] = float(parse_size(need.memory) or 0)
    return {name: amount for name, amount in found.items() if amount}


def why_waiting(status: str, *, has_workers: bool) -> str:
    """Return why a task waits, as the end of a sentence."""
    if not has_workers:
        return "no worker is connected"
    if status == "no-worker":
        return "no worker has the requested resources"
    return "all workers that could run it are busy"


def end_reason(error: BaseException | None, job: str) -> EndReason | None:
    """Return the message for an error of a Dask task; None if the end of the task itself says more."""
    if error is None:
        return None
    if type(error).__name__ == "KilledWorker":
        return EndReason(f"Dask gave up job {job} because its workers ended repeatedly.", interrupted=True)
    if isinstance(error, subprocess.CalledProcessError):
        return EndReason(f"Dask job {job} ended with exit code {error.returncode} before the task did.")
    return EndReason(f"A Dask worker could not start job {job}: {_text(error)}.")


def _text(error: BaseException) -> str:
    text = " ".join(f"{error}".split()) or type(error).__name__
    return text[:_MAX_ERROR].rstrip(". ")
