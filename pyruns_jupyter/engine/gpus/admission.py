"""Which GPUs a request gets, or why none: a pure function of the driver's data and the reservations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from .request import GIB, GpuRequest, needed_memory
from .reservations import Refusal, Reservation, holders_of
from .visibility import Device, is_amd, is_meant, visible_devices

_NO_RESPONSE = "the driver is not responding"


def choose(
    request: GpuRequest,
    devices: Sequence[Device],
    reservations: Sequence[Reservation],
    quiet_for: Mapping[str, float],
) -> list[Device] | Refusal:
    """Return the GPUs for a request, in the order of their UUIDs: of those that fit, the ones with the least
    free memory.

    `devices` are GPUs as the driver reports them, each process with the `attempt` of its run if that is
    known (`attributed`: whether processes can be assigned to runs) and, if the request must not get it, the
    reason (`excluded`). `quiet_for` is for how many seconds each UUID has had the requested memory and
    utilization.
    """
    # What is not known at the moment may be enough later.
    unknown = {f"GPU {one['label']}": _NO_RESPONSE for one in devices if _may_be_meant_later(request, one)}
    named = _named(request, devices)
    if len(named) < request.count:
        words = ", ".join(request.devices)
        what = f" of {words}" if words else ""
        chosen = ", ".join(f"{name} is {value!r}" for name, value in request.visible.items())
        visible = f" ({chosen})" if chosen else ""
        wanted = f"{_gpus(request.count)}{what}"
        more = f"A task needs {wanted}, but only {len(named)} can be used here{visible}."
        return Refusal(unknown, is_final=not unknown, more=more)
    reasons: dict[str, str] = {}
    fitting: list[tuple[int, Device]] = []
    for device in named:
        reason, free = _check(request, device, reservations, quiet_for.get(str(device["uuid"]), 0.0))
        if reason:
            reasons[f"GPU {device['label']}"] = reason
        else:
            fitting.append((free, device))
    fitting.sort(key=lambda one: (one[0], len(one[1]["label"]), one[1]["label"]))
    groups: dict[str, list[Device]] = {}
    for _, device in fitting:
        groups.setdefault(_group(request, device), []).append(device)
    for group in groups.values():
        if len(group) >= request.count:
            return sorted(group[: request.count], key=lambda device: str(device["uuid"]))
    totals: dict[str, int] = {}
    for device in named:
        key = _group(request, device)
        needed = needed_memory(request.memory, request.is_usual, device)
        enough = (device["memory_total"] or 0) >= needed
        totals[key] = totals.get(key, 0) + enough
    if max(totals.values()) < request.count:
        what = " of one model" if request.same_model else ""
        more = (
            f"A task needs {_gpus(request.count)}{what} with {_gib(request.memory)} each, but this host has "
            "fewer."
        )
        return Refusal(reasons, is_final=not unknown, more=more)
    more = ""
    if request.same_model and len(fitting) >= request.count:
        more = f"{_gpus(len(fitting))} could be used, but they are of different models."
    missing, holders = missing_gpus(request, devices, reservations) or (0, {})
    return Refusal(reasons, more=more, missing=missing, holders=holders)


def missing_gpus(
    request: GpuRequest, devices: Sequence[Device], reservations: Sequence[Reservation]
) -> tuple[int, dict[str, set[str]]] | None:
    """Return how many more GPUs running tasks would have to release for a request, and who holds GPUs that
    would fit then: attempts by UUID. None if that would not help.

    GPUs that only have to stay free for a while are not missing. All are GPUs that a task may get together:
    those of which the fewest are missing.
    """
    groups: dict[str, list[Device]] = {}
    for device in _named(request, devices):
        groups.setdefault(_group(request, device), []).append(device)
    found: list[tuple[int, dict[str, set[str]]]] = []
    for group in groups.values():
        free = {str(one["uuid"]) for one in group if not _check(request, one, reservations, inf)[0]}
        missing = max(0, request.count - len(free))
        suitable = {str(one["uuid"]) for one in group if _would_fit(request, one, reservations)}
        holders = holders_of(suitable - free, reservations)
        if len(holders) >= missing:
            found.append((missing, holders if missing else {}))
    return min(found, key=lambda one: one[0], default=None)


def _would_fit(request: GpuRequest, device: Device, reservations: Sequence[Reservation]) -> bool:
    """Return whether a GPU would have enough free memory without the runs that have reserved it."""
    if "excluded" in device or not device["memory_total"]:
        return False
    ours = [one for one in reservations if device["uuid"] in one.uuids]
    others = device["memory_used"] or 0
    attempts = {one.attempt for one in ours}
    theirs = [one["memory"] for one in device["processes"] if one.get("attempt") in attempts]
    if device.get("attributed") and None not in theirs:
        others -= sum(theirs)
    elif ours:
        others = _used_before(device, ours)
    needed = needed_memory(request.memory, request.is_usual, device)
    return bool(device["memory_total"] - others >= needed)


def _named(request: GpuRequest, devices: Sequence[Device]) -> list[Device]:
    """Return the devices from which a request chooses."""
    return [
        device
        for device in visible_devices(devices, request.visible)
        if not request.devices or is_meant(request.devices, device)
    ]


def free_memory(device: Device, reservations: Sequence[Reservation]) -> int:
    """Return the bytes of a GPU that are neither in use nor reserved by runs that do not use them yet."""
    total, used = device["memory_total"] or 0, device["memory_used"] or 0
    ours = [one for one in reservations if device["uuid"] in one.uuids]
    if not ours:
        return int(total - used)
    reserved = [total if one.memory is None else one.memory for one in ours]
    if device.get("attributed"):
        taken = {one.attempt: 0 for one in ours}
        for process in device["processes"]:
            if process.get("attempt") in taken:
                taken[process["attempt"]] += process["memory"] or 0
        outstanding = sum(
            max(0, memory - taken[one.attempt]) for one, memory in zip(ours, reserved, strict=True)
        )
        return int(total - used - outstanding)
    return int(total - max(used, _used_before(device, ours) + sum(reserved)))


def _used_before(device: Device, ours: Sequence[Reservation]) -> int:
    """Return the bytes of a GPU that were in use before the first of the runs that have reserved it began.

    In a container the driver reports pids of the host: only these bytes are known to belong to others.
    """
    return min(ours, key=lambda one: one.at).used.get(str(device["uuid"]), 0)


def _check(
    request: GpuRequest, device: Device, reservations: Sequence[Reservation], quiet: float
) -> tuple[str, int]:
    """Return why a GPU does not fit ("" if it does), and its free bytes."""
    if "excluded" in device:
        return str(device["excluded"]), 0
    if not device["memory_total"]:
        return _NO_RESPONSE, 0
    if not device["uuid"]:
        return "it has no UUID of its own", 0
    ours = [one for one in reservations if device["uuid"] in one.uuids]
    free = free_memory(device, reservations)
    whole = [one for one in ours if one.memory is None]
    if ours and (whole or not request.shared):
        return f"reserved by {(whole or ours)[0].task}", free
    needed = needed_memory(request.memory, request.is_usual, device)
    if free < needed:
        return f"{_gib(max(0, free))} of {_gib(needed)} free{_holders(device)}", free
    if not ours:
        load = device["load"]
        if load is not None and load > request.max_load:
            return f"utilization {load:.0f} % (at most {request.max_load:.0f} %)", free
        if quiet < request.stable_seconds:
            return f"free for {quiet:.0f} of {request.stable_seconds:g} s", free
    return "", free


def _may_be_meant_later(request: GpuRequest, device: Device) -> bool:
    """Return whether a GPU that is not responding may be, or contain, one that the request names."""
    if device["memory_total"]:
        return False
    if not request.devices or is_meant(request.devices, device):
        return True
    names = [word for word in request.devices if not word.isdecimal()]
    if device["uuid"]:  # it is no other GPU, but its slices are not known
        names = [word for word in names if not word.lower().startswith("gpu-")]
    return bool(names)


def is_quiet(memory: int, max_load: float, is_usual: bool, device: Device) -> bool:
    """Return whether a GPU has the requested memory and utilization at this moment."""
    total, used, load = device["memory_total"], device["memory_used"], device["load"]
    return (
        total is not None
        and used is not None
        and total - used >= needed_memory(memory, is_usual, device)
        and (load is None or load <= max_load)
    )


def _holders(device: Device) -> str:
    """Return the process that uses most of a GPU's memory, for users."""
    known = [process for process in device["processes"] if process["memory"]]
    if not known:
        return ""
    most = max(known, key=lambda process: process["memory"])
    user = f" of {most['user']}" if most.get("user") else ""
    if most.get("notebook"):
        notebook = most["notebook"].rpartition("/")[2][:60]
        return f"; {_gib(most['memory'])} held by the notebook {notebook}{user}"
    who = most.get("task") or most.get("command") or ""
    name = f" ({who.split()[0].rpartition('/')[2][:40]})" if who.split() else ""
    return f"; {_gib(most['memory'])} held by process {most['pid']}{name}{user}"


def _group(request: GpuRequest, device: Device) -> str:
    """Return which GPUs a task may get together: those of one model or, at least, of one vendor."""
    if request.count == 1:
        return ""
    return str(device["name"]) if request.same_model else "AMD" if is_amd(device["uuid"]) else "NVIDIA"


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
