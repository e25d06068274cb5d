"""The GPU allocator of a scheduler: it watches, decides and reserves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.engine.queue.jobs import Job

from .admission import choose, is_quiet
from .fair_share import FairShare
from .request import GpuRequest
from .reservations import Refusal, Reservation, Reservations
from .visibility import Device, is_amd
from .watcher import GpuWatcher

_IDLE_SECONDS = 10.0  # without requests or GPUs in use, after which the watcher ends
_RESTART_SECONDS = 5.0
_STALE_SECONDS = 10.0  # after which the last data of the driver is not used any more
_Quiet = tuple[int, float, bool]  # memory, utilization and `is_usual` of requests


class Grant(NamedTuple):
    """GPUs for a run; `descriptor` holds their reservation, for its supervisor."""

    uuids: tuple[str, ...]
    labels: tuple[str, ...]
    descriptor: int


class GpuAllocator:
    """Grants GPUs of this host."""

    def __init__(self) -> None:
        self._reservations = Reservations()
        self._fair_share = FairShare(self._reservations)
        self._watcher: GpuWatcher | None = None
        self._seen: dict[str, Any] | None = None
        self._seen_at = 0.0
        self._quiet: dict[_Quiet, dict[str, float]] = {}
        self._before: dict[str, Mapping[str, int]] = {}  # memory in use before runs began, by attempt
        self._peaks: dict[str, dict[str, int]] = {}
        self._wanted_at = 0.0
        self._restart_at = 0.0

    def look(self, running: Iterable[Job] = ()) -> None:
        """Read the data of the driver; stop the watcher if no GPUs are requested, or in use by `running`."""
        now = time.monotonic()
        self._fair_share.look()
        jobs = [job for job in running if job.gpus]
        if jobs:
            self._wanted_at = now
            self._watch(now)
        if self._watcher is None:
            return
        found = self._watcher.read()
        if found is not None:
            self._take(found, now)
            for job in jobs:
                self._measure(job, found["gpus"])
        if not self._watcher.is_alive or now - self._wanted_at > _IDLE_SECONDS:
            self._restart_at = now + _RESTART_SECONDS if not self._watcher.is_alive else 0.0
            self.close()

    @property
    def is_watching(self) -> bool:
        """Whether new data arrives about once a second."""
        return self._watcher is not None

    def close(self) -> None:
        """Stop the watcher, and do not wait for GPUs any more."""
        self._fair_share.leave()
        if self._watcher is not None:
            self._watcher.close()
        self._watcher, self._seen = None, None
        self._quiet.clear()

    def grant(self, job: Job, request: GpuRequest, tasks: int) -> Grant | Refusal:
        """Reserve GPUs for a job, or return why that is not possible now.

        `tasks` of its batch, with the same request, could start now.
        """
        now = self._wanted_at = time.monotonic()
        key = (request.memory, request.max_load, request.is_usual)
        self._quiet.setdefault(key, {})
        self._watch(now)
        self.look()
        if self._seen is None:
            return Refusal({}, more="Checking the GPUs.")
        if now - self._seen_at > _STALE_SECONDS:
            return Refusal({}, more="The GPU driver stopped responding.")
        if self._seen["state"] != "ok":
            return Refusal({}, more=f"{self._seen['message']} Retrying.")
        devices, outage = self._seen["gpus"], self._seen["message"]
        try:
            policy = self._fair_share.policy()
        except PyrunsError as error:
            return Refusal({}, more=f"{error.message} Retrying.")

        def reserve(living: list[Reservation]) -> Grant | Refusal:
            self._count_quiet(key, {uuid for one in living for uuid in one.uuids}, now)
            quiet_for = {uuid: max(0.0, now - since) for uuid, since in self._quiet[key].items()}
            offered = self._fair_share.within_quota(policy, request, devices, living)
            if isinstance(offered, Refusal):
                return offered

            def plan(offered: Sequence[Device]) -> Reservation | Refusal:
                chosen = choose(request, offered, living, quiet_for)
                if isinstance(chosen, Refusal):
                    return _not_final(chosen, outage) if outage and chosen.is_final else chosen
                if outage and _may_be_others(request, chosen):
                    return Refusal({}, more=f"{outage} Retrying.")
                return Reservation(
                    attempt=job.attempt,
                    task=f"{job.workspace}/{job.task}",
                    uuids=tuple(str(device["uuid"]) for device in chosen),
                    memory=request.memory if request.shared else None,
                    used={str(device["uuid"]): device["memory_used"] or 0 for device in chosen},
                    at=time.time(),
                )

            if policy.fair_share:
                ended = self._reservations.ended
                reservation = self._fair_share.allow(policy, plan, offered, devices, living, ended)
            else:
                reservation = plan(offered)
            if isinstance(reservation, Refusal):
                if policy.fair_share and not reservation.is_final:
                    self._fair_share.wait(job.batch, request, tasks)
                return reservation
            descriptor = self._reservations.reserve(reservation)
            self._fair_share.took(job.batch)
            self._before[job.attempt] = reservation.used
            labels = {str(device["uuid"]): str(device["label"]) for device in devices}
            return Grant(reservation.uuids, tuple(map(labels.__getitem__, reservation.uuids)), descriptor)

        return self._reservations.decide(reserve, keeps_ended=policy.fair_share)

    def _watch(self, now: float) -> None:
        if self._watcher is None and now >= self._restart_at:
            self._watcher = GpuWatcher()

    def _take(self, found: Mapping[str, Any], now: float) -> None:
        self._seen, self._seen_at = dict(found), now
        for (memory, max_load, is_usual), since in self._quiet.items():
            for device in found["gpus"]:
                if is_quiet(memory, max_load, is_usual, device):
                    since.setdefault(str(device["uuid"]), now)
                else:
                    since.pop(str(device["uuid"]), None)

    def _measure(self, job: Job, devices: Iterable[Mapping[str, Any]]) -> None:
        """Store the peak memory of a run. If processes cannot be assigned to runs, it is what was not in use
        before the run began.
        """
        peak = self._peaks.setdefault(job.attempt, {})
        grown = False
        for device in devices:
            uuid = str(device["uuid"])
            if uuid not in job.gpus:
                continue
            if device["attributed"]:
                its = [one for one in device["processes"] if one["attempt"] == job.attempt]
                used = sum(one["memory"] or 0 for one in its)
            else:
                used = (device["memory_used"] or 0) - self._before.get(job.attempt, {}).get(uuid, 0)
            if used > peak.get(uuid, 0):
                peak[uuid], grown = used, True
        if grown:
            self._reservations.note_peak(job.attempt, peak)

    def adopt(self, job: Job, labels: Sequence[str]) -> Job:
        """Return a job that an earlier scheduler started with the GPUs that it has reserved on this host.
        `labels` are the names of its GPUs for users.
        """
        reservation = self._reservations.of_run(job.attempt)
        if reservation is None:
            return job
        self._before[job.attempt] = reservation.used
        self._peaks[job.attempt] = self._reservations.read_peak(job.attempt)
        return replace(job, gpus=reservation.uuids, gpu_labels=tuple(labels))

    def forget(self, job: Job) -> None:
        """Drop the data of a job that ended."""
        self._before.pop(job.attempt, None)
        self._peaks.pop(job.attempt, None)

    def _count_quiet(self, key: _Quiet, reserved: set[str], now: float) -> None:
        """Let reserved GPUs stay as quiet as they were: the load of our own run is not that of others."""
        since = self._quiet[key]
        for uuid in reserved:
            since.setdefault(uuid, now)


def _may_be_others(request: GpuRequest, chosen: Iterable[Device]) -> bool:
    """Return whether other GPUs may be meant than those chosen by index: those of AMD follow those of NVIDIA,
    whose number may be unknown.
    """
    return any(word.isdecimal() for word in request.devices) and any(is_amd(one["uuid"]) for one in chosen)


def _not_final(refusal: Refusal, outage: str) -> Refusal:
    """Return why a request waits that would be refused if all GPUs were known."""
    return replace(refusal, is_final=False, more=f"{outage} Retrying. {refusal.more}")
