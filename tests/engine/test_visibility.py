"""Variables that choose GPUs: `CUDA_VISIBLE_DEVICES`, and those of AMD, which choose one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Refusal
from pyruns_jupyter.engine.gpus.visibility import (
    hide_gpus,
    hides_all,
    is_amd,
    show_only,
    visible_devices,
    visible_words,
)

AMD = [f"GPU-a1b2c3d4e5f6000{number}" for number in range(4)]
NVIDIA = [f"GPU-fa4e000{number}-0000-0000-0000-000000000000" for number in range(2)]


def device(index: int, uuid: str, name: str = "Model") -> dict[str, Any]:
    return {
        "index": index,
        "label": str(index),
        "uuid": uuid,
        "name": name,
        "within": [],
        "memory_total": 64 << 30,
        "memory_used": 1 << 30,
        "load": 0.0,
        "processes": [],
        "attributed": True,
    }


def amd() -> list[dict[str, Any]]:
    return [device(index, uuid) for index, uuid in enumerate(AMD)]


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({}, [0, 1, 2, 3]),
        ({"ROCR_VISIBLE_DEVICES": "2,0"}, [0, 2]),
        ({"ROCR_VISIBLE_DEVICES": AMD[3].upper()}, [3]),
        ({"HIP_VISIBLE_DEVICES": "1"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "1"}, [1]),  # HIP reads it, too
        ({"CUDA_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "2"}, [2]),
        ({"ROCR_VISIBLE_DEVICES": "3,1", "HIP_VISIBLE_DEVICES": "0"}, [3]),  # the first of those
        ({"ROCR_VISIBLE_DEVICES": "3,1", "HIP_VISIBLE_DEVICES": "2"}, []),
        ({"ROCR_VISIBLE_DEVICES": "0,9,1"}, [0]),  # what follows an unknown one is ignored
        ({"ROCR_VISIBLE_DEVICES": ""}, []),
        ({"HIP_VISIBLE_DEVICES": "-1"}, []),
    ],
)
def test_variables_of_amd(variables: dict[str, str], left: list[int]) -> None:
    assert [one["index"] for one in visible_devices(amd(), variables)] == left


def test_gpus_of_both_vendors() -> None:
    """AMD GPUs have the indices after those of NVIDIA, but their variables count only them."""
    mixed = [device(0, NVIDIA[0]), device(1, NVIDIA[1]), device(2, AMD[0]), device(3, AMD[1])]

    def left(**variables: str) -> list[int]:
        return [one["index"] for one in visible_devices(mixed, variables)]

    assert left(CUDA_VISIBLE_DEVICES="1", HIP_VISIBLE_DEVICES="0") == [1, 2]
    assert left(ROCR_VISIBLE_DEVICES="1") == [0, 1, 3]
    assert left(CUDA_VISIBLE_DEVICES="") == []


def test_a_task_gets_gpus_of_one_vendor() -> None:
    mixed = [device(0, NVIDIA[0]), device(1, AMD[0]), device(2, AMD[1])]
    chosen = choose(GpuRequest(count=2, stable_seconds=0.0), mixed, [], {})
    assert not isinstance(chosen, Refusal)
    assert [one["index"] for one in chosen] == [1, 2]
    refused = choose(GpuRequest(count=3, stable_seconds=0.0), mixed, [], {})
    assert isinstance(refused, Refusal)
    assert refused.is_final


def test_a_gpu_without_a_uuid_is_not_reserved() -> None:
    refused = choose(GpuRequest(stable_seconds=0.0), [device(0, "")], [], {})
    assert str(refused) == "GPU 0: it has no UUID of its own."


def test_a_refusal_names_the_variables() -> None:
    request = GpuRequest(visible={"ROCR_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "0"})
    refused = choose(request, amd(), [], {})
    assert "(ROCR_VISIBLE_DEVICES is '', HIP_VISIBLE_DEVICES is '0')" in str(refused)


def test_the_environment_of_a_task() -> None:
    environment = {
        "CUDA_VISIBLE_DEVICES": "5",
        "HIP_VISIBLE_DEVICES": "5",
        "GPU_DEVICE_ORDINAL": "5",
        "A": "b",
    }
    show_only(environment, AMD[:2])
    assert environment == {"ROCR_VISIBLE_DEVICES": ",".join(AMD[:2]), "A": "b"}
    assert visible_words(environment) == ",".join(AMD[:2])
    environment = {"HIP_VISIBLE_DEVICES": "5", "CUDA_VISIBLE_DEVICES": "0"}
    show_only(environment, NVIDIA)
    assert environment == {"HIP_VISIBLE_DEVICES": "5", "CUDA_VISIBLE_DEVICES": ",".join(NVIDIA)}
    hide_gpus(environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": "", "ROCR_VISIBLE_DEVICES": ""}
    assert hides_all(environment)
    assert not hides_all({"PATH": ""})
    assert visible_words({}) is None


def test_uuids_of_amd() -> None:
    assert all(map(is_amd, AMD))
    assert not any(map(is_amd, [*NVIDIA, "", "GPU-", "MIG-a1b2c3d4e5f60001", None]))
