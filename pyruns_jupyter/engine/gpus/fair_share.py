"""Whether a user may take GPUs now, or leaves them to another user who waits and has used less.

Users decide only about tasks that could start at this moment: no GPU is kept free for a task that needs more
than is free, or that does not take it within a minute.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import asdict, replace

from pyruns_jupyter.core.common.host_identity import user_id
from pyruns_jupyter.core.common.printable import printable

from .accounting import Accounts
from .admission import choose, missing_gpus
from .policy import GpuPolicy, PolicyFile, known_name
from .request import GpuRequest
from .reservations import Refusal, Reservation, Reservations, holders_of
from .visibility import Device
from .waiting_list import MAX_TASKS, WaitingList, WaitingRequest, WaitingScheduler

_MAX_YIELD_SECONDS = 60.0  # for which a GPU is left to a user who does not take it
_IGNORE_SECONDS = 600.0  # for which that user is ignored then
_PUBLISH_SECONDS = 1.0  # between two updates of the waiting list if nothing changes
_PAUSE_SECONDS = 10.0  # without leaving GPUs to a user, after which the user has taken some
_LOOK_SECONDS = 2.0  # after its last request, a batch does not wait any more

Plan = Callable[[Sequence[Device]], "Reservation | Refusal"]


class _Asked(Struct):
    """What a batch requested last, for how many tasks, and when (monotonic). Equal requests have one key."""

    request: GpuRequest
    key: str
    tasks: int
    at: float


class FairShare:
    """Applies the policy of a host for one scheduler."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations
        self._uid = user_id()
        self._policy: PolicyFile | None = None
        self._waiting: WaitingList | None = None
        self._asked: dict[str, _Asked] = {}  # by batch
        self._published_at = 0.0
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
        """Leave the waiting list if no batch asks for GPUs any more."""
        now = time.monotonic()
        if all(now - one.at > _LOOK_SECONDS for one in self._asked.values()):
            self.leave()

    def leave(self) -> None:
        """Leave the waiting list."""
        self._asked.clear()
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
        """Return the devices for a request of a user (default: this one), without (see `_except`) those that
        the user may not reserve now, or why none can be reserved.
        """
        uid = self._uid if uid is None else uid
        quota = policy.quota(uid)
        own = [one for one in living if one.uid == uid]
        held = {uuid for one in own for uuid in one.uuids}
        if quota is None or len(held) + request.count <= quota:
            return devices
        limit = f"{_name(uid)} may reserve at most {_gpus(quota)} on this host"
        if request.count > quota:
            return Refusal({}, is_final=True, more=f"{limit}, but each task needs {_gpus(request.count)}.")
        if request.shared:
            others = {str(device["uuid"]) for device in devices} - held
            shared = _except(others, devices, "beyond the quota")
            if not isinstance(choose(replace(request, stable_seconds=0.0), shared, living, {}), Refusal):
                return shared
        more = f"{limit}; running tasks have reserved {len(held)}."
        found = missing_gpus(request, devices, living)
        if found is None:  # the GPUs that it names would still be in use
            return Refusal({}, more=more)
        missing, holders = max(found[0], len(held) + request.count - quota), holders_of(held, own)
        if found[0]:
            holders = {uuid: attempts for uuid, attempts in found[1].items() if uuid in held}
        return Refusal({}, more=more, missing=missing if len(holders) >= missing else 0, holders=holders)

    def wait(self, batch: str, request: GpuRequest, tasks: int) -> None:
        """Enter a batch into the waiting list, of which `tasks` could start. To be called guarded."""
        now, before = time.monotonic(), self._asked.get(batch)
        if before is not None and before.request == request and before.tasks == tasks:
            before.at = now
            if now - self._published_at < _PUBLISH_SECONDS:
                return
        else:
            self._asked[batch] = _Asked(request, repr(request), tasks, now)
        self._publish(now)

    def took(self, batch: str) -> None:
        """Note that a task of a batch got its GPUs. To be called guarded."""
        if batch in self._asked:
            self._asked[batch].tasks -= 1
            self._publish(time.monotonic())

    def _publish(self, now: float) -> None:
        """Update the entry of this scheduler in the waiting list. Equal requests are one."""
        self._published_at = now
        self._asked = {
            batch: one for batch, one in self._asked.items() if one.tasks and now - one.at <= _LOOK_SECONDS
        }
        tasks = Counter[str]()
        for one in self._asked.values():
            tasks[one.key] += one.tasks
        requests = {one.key: one.request for one in self._asked.values()}
        if not requests:
            self.leave()
            return
        with suppress(OSError):  # such as a full disk: others do not leave GPUs to this user then
            self._list().enter(
                [
                    WaitingRequest(**asdict(request), tasks=min(tasks[key], MAX_TASKS))
                    for key, request in requests.items()
                ]
            )

    def allow(
        self,
        policy: GpuPolicy,
        plan: Plan,
        offered: Sequence[Device],
        devices: Sequence[Device],
        living: Sequence[Reservation],
        ended: Sequence[Reservation],
    ) -> Reservation | Refusal:
        """Return the reservation that `plan` makes of the GPUs `offered`, except those that are left to other
        users, or to whom they are left. To be called guarded; ended reservations of this user are added to
        the usage, and removed.
        """
        wanted = plan(offered)
        if isinstance(wanted, Refusal):
            return wanted
        used = self._usage(policy, devices, living, ended)
        mine = used.get(self._uid, 0.0)
        ahead = [one for one in self._list().others() if used.get(one.uid, 0.0) < mine]
        ahead.sort(key=lambda one: (used.get(one.uid, 0.0), one.name))
        first: Refusal | None = None
        # A task that is blocked has a GPU in common with the one that blocks it, so this ends.
        while not isinstance(wanted, Refusal):
            blocked = self._first_blocked(policy, wanted, devices, living, ahead)
            if blocked is None:
                return wanted
            uid, theirs = blocked
            left = theirs.intersection(wanted.uuids)
            if first is None:
                labels = [str(device["label"]) for device in devices if device["uuid"] in wanted.uuids]
                parts = used.get(uid, 0.0) / sum(used.values()), mine / sum(used.values())
                text = left_text(
                    labels, _name(uid), parts[0], _name(self._uid), parts[1], policy.half_life_days
                )
                first = Refusal({}, more=text)
            offered = _except(left, offered, "left to another user")
            wanted = plan(offered)
        return first or wanted

    def _usage(
        self,
        policy: GpuPolicy,
        devices: Sequence[Device],
        living: Sequence[Reservation],
        ended: Sequence[Reservation],
    ) -> dict[int, float]:
        """Return the usage of each user, by user id; store that of ended reservations of this user."""
        now = time.time()
        memory = {str(device["uuid"]): device["memory_total"] or 0 for device in devices}
        accounts, half_life = Accounts(self._reservations.folder), policy.half_life
        used = accounts.usage(living, ended, memory, half_life=half_life, now=now)
        # The part of a GPU that is out at the moment becomes known when the GPU is back.
        ours = [
            one
            for one in ended
            if one.uid == self._uid
            and (one.memory is None or all(map(memory.get, one.uuids)) or now - one.seen > half_life)
        ]
        if ours:
            with suppress(OSError):  # such as a full disk: they are still counted, one by one
                accounts.add(ours, memory, half_life=half_life, now=now)
                self._reservations.remove(ours)
        return used

    def _first_blocked(
        self,
        policy: GpuPolicy,
        wanted: Reservation,
        devices: Sequence[Device],
        living: Sequence[Reservation],
        ahead: Sequence[WaitingScheduler],
    ) -> tuple[int, set[str]] | None:
        """Return the user id of the first of the schedulers `ahead` that could start a task now, but not
        after `wanted`, and the GPUs that the task would get.
        """
        given = list(living)
        counted = Counter[int]()  # tasks by user id; there may be any number that share a GPU

        def get(request: WaitingRequest, uid: int, held: Sequence[Reservation]) -> tuple[str, ...]:
            offered = self.within_quota(policy, request, devices, held, uid)
            if isinstance(offered, Refusal):
                return ()
            found = choose(replace(request, stable_seconds=0.0), offered, held, {})
            return () if isinstance(found, Refusal) else tuple(str(device["uuid"]) for device in found)

        for one in ahead:
            for request in one.requests:
                for _ in range(min(request.tasks, MAX_TASKS - counted[one.uid])):
                    uuids = get(request, one.uid, given)
                    if not uuids:
                        break  # it waits for others, too
                    left = get(request, one.uid, [*given, wanted])
                    if not left:
                        if self._is_left_to(one.uid):
                            return one.uid, {*uuids}
                        break
                    memory = request.memory if request.shared else None
                    given.append(replace(wanted, attempt=one.name, uid=one.uid, uuids=left, memory=memory))
                    counted[one.uid] += 1
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
        f"{gpus} kept for {other}, who is also waiting and has used {100 * theirs:.0f} % of the recent "
        f"GPU-hours of this host. {us} has used {100 * ours:.0f} % (half-life: {days:g} days)."
    )


def _except(uuids: Set[str], devices: Sequence[Device], why: str) -> list[Device]:
    """Return the devices, with those of `uuids` marked as not available. They remain in the list, since
    variables may choose devices by their place in it.
    """
    return [{**device, "excluded": why} if device["uuid"] in uuids else device for device in devices]


def _name(uid: int) -> str:
    return printable(known_name(uid))


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"
