"""What a scheduler asks for GPUs: sees, decides and reserves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.engine.queue.jobs import Job

from .admission import choose, is_quiet
from .request import GpuRequest
from .reservations import Refusal, Reservation, Reservations
from .watcher import GpuWatcher

_IDLE_SECONDS = 10.0  # without requests or GPUs in use, after which the watcher ends
_RESTART_SECONDS = 5.0
_STALE_SECONDS = 10.0  # after which nothing is decided by the last look
_Quiet = tuple[int, float, bool]  # memory, load and `is_usual` of requests
_LOOKING = "Looks at the GPUs."


@dataclass(frozen=True)
class Grant:
    """GPUs that a run gets; `descriptor` holds their reservation, and goes to its supervisor."""

    uuids: tuple[str, ...]
    labels: tuple[str, ...]
    descriptor: int

    def close(self) -> None:
        """Let go of the reservation here; it lasts as long as the supervisor has it too."""
        os.close(self.descriptor)


class GpuAllocator:
    """Grants GPUs of this host."""

    def __init__(self) -> None:
        self._reservations = Reservations()
        self._watcher: GpuWatcher | None = None
        self._seen: dict[str, Any] | None = None
        self._seen_at = 0.0
        self._quiet: dict[_Quiet, dict[str, float]] = {}
        self._before: dict[str, Mapping[str, int]] = {}  # what was in use before runs began, by attempt
        self._peaks: dict[str, dict[str, int]] = {}
        self._wanted_at = 0.0
        self._restart_at = 0.0

    def look(self, running: Iterable[Job] = ()) -> None:
        """Take what the driver shows now; end the watcher when no GPUs are requested or in use.

        `running` are the jobs that have some.
        """
        now = time.monotonic()
        if self._watcher is None:
            return
        jobs = [job for job in running if job.gpus]
        if jobs:
            self._wanted_at = now
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
        """Whether there is something new about once a second."""
        return self._watcher is not None

    def close(self) -> None:
        """Let the watcher end."""
        if self._watcher is not None:
            self._watcher.close()
        self._watcher, self._seen = None, None
        self._quiet.clear()

    def grant(self, job: Job, request: GpuRequest) -> Grant | Refusal:
        """Reserve GPUs for a job, or say why there are none now."""
        now = self._wanted_at = time.monotonic()
        key = (request.memory, request.max_load, request.is_usual)
        self._quiet.setdefault(key, {})
        if self._watcher is None and now >= self._restart_at:
            self._watcher = GpuWatcher()
        self.look()
        if self._seen is None:
            return Refusal({}, more=_LOOKING)
        if now - self._seen_at > _STALE_SECONDS:
            return Refusal({}, more="The GPU driver does not answer any more.")
        if self._seen["state"] != "ok":
            return Refusal({}, more=f"{self._seen['message']} It is tried again.")
        devices = self._seen["gpus"]

        def reserve(living: list[Reservation]) -> Grant | Refusal:
            self._count_quiet(key, {uuid for one in living for uuid in one.uuids}, now)
            quiet_for = {uuid: now - since for uuid, since in self._quiet[key].items()}
            chosen = choose(request, devices, living, quiet_for)
            if isinstance(chosen, Refusal):
                return chosen
            uuids = tuple(str(device["uuid"]) for device in chosen.devices)
            reservation = Reservation(
                attempt=job.attempt,
                task=f"{job.workspace}/{job.task}",
                uuids=uuids,
                memory=request.memory if request.shared else None,
                used={str(device["uuid"]): device["memory_used"] or 0 for device in chosen.devices},
                at=time.time(),
            )
            descriptor = self._reservations.reserve(reservation)
            self._before[job.attempt] = reservation.used
            return Grant(uuids, tuple(str(device["label"]) for device in chosen.devices), descriptor)

        return self._reservations.decide(reserve)

    def _take(self, found: Mapping[str, Any], now: float) -> None:
        self._seen, self._seen_at = dict(found), now
        for (memory, max_load, is_usual), since in self._quiet.items():
            for device in found["gpus"]:
                if is_quiet(memory, max_load, is_usual, device):
                    since.setdefault(str(device["uuid"]), now)
                else:
                    since.pop(str(device["uuid"]), None)

    def _measure(self, job: Job, devices: Iterable[Mapping[str, Any]]) -> None:
        """Note how much memory a run has used at most. Where processes cannot be told apart, what was in use
        before it began is not its own.
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

    def forget(self, job: Job) -> None:
        """A job has ended."""
        self._before.pop(job.attempt, None)
        self._peaks.pop(job.attempt, None)

    def _count_quiet(self, key: _Quiet, reserved: set[str], now: float) -> None:
        """What a run of ours does to a GPU tells nothing of others: it stays as quiet as it was."""
        since = self._quiet[key]
        for uuid in reserved:
            since.setdefault(uuid, now)
