"""The environment variables that leave only some GPUs to a process.

`CUDA_VISIBLE_DEVICES` chooses NVIDIA GPUs. `ROCR_VISIBLE_DEVICES` chooses AMD GPUs, and
`HIP_VISIBLE_DEVICES`, or else `CUDA_VISIBLE_DEVICES`, then chooses among those, counted from 0 again
(https://rocm.docs.amd.com/en/latest/conceptual/gpu-isolation.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

CUDA, ROCR, HIP = VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
_ORDINAL = "GPU_DEVICE_ORDINAL"  # the same as HIP_VISIBLE_DEVICES, for OpenCL
_HIDDEN = ("", "-1", "none", "void", "nodevfiles")  # values that hide every GPU
_AMD = re.compile(r"GPU-[0-9a-f]{16}", re.IGNORECASE)  # those of NVIDIA are longer, with more dashes

Device = Mapping[str, Any]


def is_amd(uuid: object) -> bool:
    """Return whether the UUID of a GPU is one of AMD."""
    return _AMD.fullmatch(str(uuid)) is not None


def chosen_by(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that choose GPUs."""
    return {name: environment[name] for name in VARIABLES if name in environment}


def visible_words(environment: Mapping[str, str]) -> str | None:
    """Return the value of the variable that names the GPUs of a run, None if it may see all."""
    return next(iter(chosen_by(environment).values()), None)


def hides_all(environment: Mapping[str, str]) -> bool:
    """Return whether an environment hides every GPU."""
    return any(value.strip().lower() in _HIDDEN for value in chosen_by(environment).values())


def visible_devices(devices: Sequence[Device], variables: Mapping[str, str]) -> list[Device]:
    """Return the devices that variables (see `chosen_by`) leave to a process. An empty value hides all."""
    nvidia = [device for device in devices if not is_amd(device["uuid"])]
    amd = [device for device in devices if is_amd(device["uuid"])]
    cuda, rocr, hip = (variables.get(name) for name in VARIABLES)
    if cuda is not None:
        nvidia = [device for device in nvidia if is_meant(_words(cuda), device)]
    for value in (rocr, cuda if hip is None else hip):
        if value is not None:
            amd = _picked(_words(value), amd)
    return [device for device in devices if device in nvidia or device in amd]


def show_only(environment: MutableMapping[str, str], uuids: Sequence[str]) -> None:
    """Change an environment so that a process sees these GPUs, which are all of one vendor, and no others.

    UUIDs mean the same to every library, whatever order it has.
    """
    if uuids and is_amd(uuids[0]):
        for name in (CUDA, HIP, _ORDINAL):  # they would choose among these GPUs again
            environment.pop(name, None)
        environment[ROCR] = ",".join(uuids)
    else:
        environment[CUDA] = ",".join(uuids)


def hide_gpus(environment: MutableMapping[str, str]) -> None:
    """Change an environment so that a process sees no GPU."""
    environment.pop(HIP, None)  # PyTorch refuses one that names more GPUs than ROCR_VISIBLE_DEVICES
    environment[CUDA] = environment[ROCR] = ""


def is_meant(words: Sequence[str], device: Device) -> bool:
    """Return whether one of the words identifies a device: its index, its UUID or a prefix of that; also
    those of the GPU to which a MIG device belongs.
    """
    names = [str(device["label"]), str(device["uuid"]), *device["within"]]
    return any(word == name or _begins(word, name) for word in words for name in names)


def _picked(words: Sequence[str], devices: Sequence[Device]) -> list[Device]:
    """Return the devices that words name by their place in the list or their UUID; like the libraries of AMD,
    ignore what follows an unknown one.
    """
    found: list[Device] = []
    for word in words:
        if word.isdecimal() and int(word) < len(devices):
            found.append(devices[int(word)])
            continue
        named = [device for device in devices if _begins(word, str(device["uuid"]))]
        if not named:
            break
        found += named
    return found


def _begins(word: str, name: str) -> bool:
    return len(word) > 4 and name.lower().startswith(word.lower())


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]
