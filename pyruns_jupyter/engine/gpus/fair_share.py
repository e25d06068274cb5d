"""Whether a user may take GPUs now, or leaves them to another user who waits and has used less.

Users decide only about tasks that could start at this moment: no GPU is kept free for a task that needs more
than is free, or that does not take it within a minute.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from pyruns_jupyter.core.common.host_identity import user_id
from pyruns_jupyter.core.common.printable import printable

from .accounting import Accounts
from .admission import choose
from .policy import GpuPolicy, PolicyFile, known_name
from .request import GpuRequest
from .reservations import Refusal, Reservation, Reservations
from .visibility import Device
from .waiting_list import WaitingList, WaitingScheduler

_MAX_YIELD_SECONDS = 60.0  # for which a GPU is left to a user who does not take it
_IGNORE_SECONDS = 600.0  # for which that user is ignored then
_PAUSE_SECONDS = 10.0  # without leaving GPUs to a user, after which the user has taken some
_LOOK_SECONDS = 2.0  # after the last request, this scheduler does not wait any more


class FairShare:
    """Applies the policy of a host for one scheduler."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations
        self._uid = user_id()
        self._policy: PolicyFile | None = None
        self._waiting: WaitingList | None = None
        self._asked_at = 0.0
        self._request: GpuRequest | None = None  # the one in the waiting list, and when it was made last
        self._requested_at = 0.0
        # Since when GPUs are left to a user, and when they were left last (monotonic), by user id.
        self._yields: dict[int, tuple[float, float]] = {}

    def policy(self) -> GpuPolicy:
        """Return the policy of the host, which concerns only reservations that all users share.

        Raises:
            PyrunsError: if the policy is damaged, or this user has no folder of reservations.
        """
        if not self._reservations.is_common:
            return GpuPolicy()
        self._policy = self._policy or PolicyFile(self._reservations.folder)
        return self._policy.read()

    def look(self) -> None:
        """Leave the waiting list if this scheduler does not ask for GPUs any more."""
        if time.monotonic() - self._asked_at > _LOOK_SECONDS:
            self.leave()

    def leave(self) -> None:
        """Leave the waiting list."""
        self._request, self._requested_at = None, 0.0
        if self._waiting is not None:
            self._waiting.leave()

    def within_quota(
        self,
        policy: GpuPolicy,
        request: GpuRequest,
        devices: Sequence[Device],
        living: Sequence[Reservation],
        uid: int | None = None,
    ) -> Sequence[Device] | Refusal:
        """Return the devices that a user (default: this one) may reserve for a request now, or why none."""
        uid = self._uid if uid is None else uid
        quota = policy.quota(uid)
        held = {uuid for one in living if one.uid == uid for uuid in one.uuids}
        if quota is None or len(held) + request.count <= quota:
            return devices
        limit = f"The quota of {_name(uid)} on this host is {_gpus(quota)} at the same time"
        if request.count > quota:
            return Refusal({}, is_final=True, more=f"{limit}, but each task needs {_gpus(request.count)}.")
        shared = [device for device in devices if request.shared and device["uuid"] in held]
        unhurried = replace(request, stable_seconds=0.0)
        if len(shared) >= request.count and not isinstance(choose(unhurried, shared, living, {}), Refusal):
            return shared
        more = f"{limit}, and running tasks have reserved {len(held)}."
        return Refusal({}, more=more, missing=len(held) + request.count - quota)

    def wait(self, request: GpuRequest) -> None:
        """Enter the waiting list. To be called guarded.

        Batches ask one after the other, the first one first; the entry has the request of the first one.
        """
        now = self._asked_at = time.monotonic()
        if request != self._request and now - self._requested_at < _LOOK_SECONDS:
            return
        self._request, self._requested_at = request, now
        with suppress(OSError):  # such as a full disk: others do not leave GPUs to this user then
            self._list().enter(request)

    def yields(
        self,
        policy: GpuPolicy,
        wanted: Reservation,
        devices: Sequence[Device],
        living: Sequence[Reservation],
        ended: Sequence[Reservation],
    ) -> Refusal | None:
        """Return to whom the GPUs of the reservation `wanted` are left, None if this user may take them. To
        be called guarded; ended reservations of this user are added to the usage, and removed.
        """
        now = time.time()
        memory = {str(device["uuid"]): device["memory_total"] or 0 for device in devices}
        accounts, half_life = Accounts(self._reservations.folder), policy.half_life
        used = accounts.usage(living, ended, memory, half_life=half_life, now=now)
        ours = [one for one in ended if one.uid == self._uid]
        if ours:
            with suppress(OSError):  # such as a full disk: they are still counted, one by one
                accounts.add(ours, memory, half_life=half_life, now=now)
                self._reservations.remove(ours)
        mine = used.get(self._uid, 0.0)
        ahead = [one for one in self._list().others() if used.get(one.uid, 0.0) < mine]
        ahead.sort(key=lambda one: (used.get(one.uid, 0.0), one.name))
        blocked = self._first_blocked(policy, wanted, devices, living, ahead)
        if blocked is None:
            return None
        labels = [str(device["label"]) for device in devices if device["uuid"] in wanted.uuids]
        total = sum(used.values())
        theirs, ours_part = used.get(blocked.uid, 0.0) / total, mine / total
        who, us = _name(blocked.uid), _name(self._uid)
        return Refusal({}, more=left_text(labels, who, theirs, us, ours_part, policy.half_life_days))

    def _first_blocked(
        self,
        policy: GpuPolicy,
        wanted: Reservation,
        devices: Sequence[Device],
        living: Sequence[Reservation],
        ahead: Sequence[WaitingScheduler],
    ) -> WaitingScheduler | None:
        """Return the first of the schedulers `ahead` that could start a task now, but not after `wanted`."""
        given = list(living)
        for one in ahead:
            offered = self.within_quota(policy, one.request, devices, given, one.uid)
            if isinstance(offered, Refusal):
                continue
            request = replace(one.request, stable_seconds=0.0)
            if isinstance(choose(request, offered, given, {}), Refusal):
                continue  # it waits for others, too
            left = choose(request, offered, [*given, wanted], {})
            if isinstance(left, Refusal):
                if self._is_left_to(one.uid):
                    return one
                continue
            uuids = tuple(str(device["uuid"]) for device in left)
            memory = request.memory if request.shared else None
            given.append(replace(wanted, attempt=one.name, uid=one.uid, uuids=uuids, memory=memory))
        return None

    def _is_left_to(self, uid: int) -> bool:
        """Return whether a user still has time to take the GPUs that are left to them.

        If they were not left for a while, the user has taken some, and has all the time again.
        """
        now = time.monotonic()
        since, last = self._yields.get(uid, (now, now))
        has_taken = now - last > _PAUSE_SECONDS and last - since <= _MAX_YIELD_SECONDS
        if has_taken or now - since > _MAX_YIELD_SECONDS + _IGNORE_SECONDS:
            since = now
        self._yields[uid] = since, now
        return now - since <= _MAX_YIELD_SECONDS

    def _list(self) -> WaitingList:
        if self._waiting is None:
            self._waiting = WaitingList(self._reservations.folder)
        return self._waiting


def left_text(labels: Sequence[str], other: str, theirs: float, us: str, ours: float, days: float) -> str:
    """Return to whom GPUs are left, and why: the parts of the usage of this host that two users have."""
    gpus = f"GPU {labels[0]} is" if len(labels) == 1 else f"GPUs {', '.join(labels)} are"
    return (
        f"{gpus} left to {other}, who waits and has used {100 * theirs:.0f} % of the recent GPU-hours of "
        f"this host. {us} has used {100 * ours:.0f} % (half-life: {days:g} days)."
    )


def _name(uid: int) -> str:
    return printable(known_name(uid))


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"
