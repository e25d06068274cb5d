"""Numbers that no float or 64 bits hold, and values of other types, in files that others may have written."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.common.process_identity import ProcessId
from pyruns_jupyter.core.fs.inode_identity import InodeIdentity
from pyruns_jupyter.core.provenance.snapshots.store import Manifest
from pyruns_jupyter.core.workspace.cluster_settings import CLUSTERS, ClusterAccess, JobResources
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.cluster.submissions import ClusterSubmission
from pyruns_jupyter.engine.gpus.reservations import Reservation
from pyruns_jupyter.engine.queue.options import After, QueueOptions
from pyruns_jupyter.studies.definition import Definition

HUGE = 10**400
HOSTILE: list[Any] = [
    *(HUGE, -HUGE, float("inf"), float("-inf"), float("nan"), 1e300, -1, 0.5, True, None),
    *("", "a\0b", "\ud800", [], {}, [HUGE], {"a": HUGE}, [[]], [{}], [None]),
]
PLACE = InodeIdentity("/p", 1, 2, "host", "boot")
OPTIONS = QueueOptions(
    jobs=2,
    priority=1,
    after=(After("w", "t"),),
    retries=1,
    retry_delay=1.0,
    time_limit=1.0,
    grace=1.0,
    stop_after=1,
    resume=True,
    gpus=1,
    gpu_memory=1.0,
    gpu_devices=("0",),
    retry_alone=True,
    memory=1 << 20,
    engine="slurm",
    cluster=JobResources("p", "a", "1", 1, "1G", 60.0, ("module load x",)),
)
STUDY = Definition("s", "a: 1:3", "acc", options=OPTIONS, created_at=1.0)
CODE = Manifest("", {"a.py": ("0" * 64, 1, False)}, {"link": "a.py"}, {"big": "too large"})


READERS: dict[str, tuple[dict[str, Any], Callable[[Any, Path], object], type[Exception]]] = {
    "options": (OPTIONS.to_dict(), lambda value, _: QueueOptions.from_dict(value), InvalidInput),
    "study": (STUDY.to_dict(), Definition.from_dict, Unreadable),
    "place": (PLACE.to_dict(), lambda value, _: InodeIdentity.from_dict(value), Unreadable),
    "process": (ProcessId.ours().to_dict(), lambda value, _: ProcessId.from_dict(value), Unreadable),
    "code": (
        json.loads(CODE.dump()),
        lambda value, path: Manifest.parse(json.dumps(value).encode(), path),
        Unreadable,
    ),
    "reservation": (
        json.loads(Reservation("a", "t", ("GPU-1",), 1, {"GPU-1": 1}, 1.0).to_bytes()),
        lambda value, _: Reservation.from_bytes(json.dumps(value).encode()),
        ValueError,
    ),
    "submission": (
        {"engine": "slurm", "batch": "b", "workspace": "w", "tasks": ["t"], "source": {}, "job": "12"},
        lambda value, _: ClusterSubmission.from_dict(value, "s"),
        Unreadable,
    ),
}


def spoiled(value: Any) -> Iterator[Any]:
    """Yield the value with each of its parts replaced by each of the hostile ones, one at a time."""
    yield from HOSTILE
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts):
        for other in spoiled(part):
            changed = copy.copy(value)
            changed[key] = other
            yield changed


@pytest.mark.parametrize("kind", READERS)
def test_whatever_a_file_holds_it_is_read_or_refused_as_damaged(kind: str, tmp_path: Path) -> None:
    stored, read, refused = READERS[kind]
    assert read(stored, tmp_path) is not None
    wrong_types = (TypeError, KeyError) if kind == "options" else ()  # its callers catch these
    for value in spoiled(stored):
        if isinstance(value, dict):
            with suppress(refused, *wrong_types):
                read(value, tmp_path)


@pytest.mark.parametrize("key", [key for key in OPTIONS.to_dict() if key not in ("after", "gpu_devices")])
def test_an_option_that_is_no_float_is_refused_by_its_name(key: str) -> None:
    for value in (HUGE, -HUGE, float("nan"), float("inf")):
        with pytest.raises(InvalidInput) as caught:
            QueueOptions.from_dict({key: value})
        assert (caught.value.field or "").startswith(key)


BOMB = "b: &b0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{number + 1}: &b{number + 1} [{', '.join([f'*b{number}'] * 8)}]\n" for number in range(8)
)


@pytest.mark.parametrize("value", ["9" * 400, f"0x{'f' * 9000}", ".inf", ".nan", "-1", "*b8"])
@pytest.mark.parametrize(
    "key", [*JobResources.__struct_fields__, *ClusterAccess.__struct_fields__, "unknown"]
)
@pytest.mark.parametrize("engine", CLUSTERS)
def test_settings_of_a_cluster_are_told_to_be_wrong(
    tmp_path: Path, engine: str, key: str, value: str
) -> None:
    need = f"{engine}: {{{key}: {value}}}"
    text = f"{BOMB}engine: local\n{need}\nworkspaces: {{w: {{{need}}}}}\n"
    found = Settings.parse(text.encode(), tmp_path / "settings")
    assert found.cluster.engine == "local"
    assert key in ("python", "extra") or engine in (found.problem or "")
    assert len(found.problem or "") < 1000


@pytest.mark.parametrize("text", ["{? *b8 : 1}", f"{{0x{'f' * 9000}: 1}}", f"0x{'f' * 9000}", "*b8"])
@pytest.mark.parametrize(
    "key", ["slurm", "dask", "workspaces", "engine", "gpu_scheduler_device_ids", "global_env"]
)
def test_no_key_or_value_of_the_settings_is_too_much_to_tell(tmp_path: Path, key: str, text: str) -> None:
    for value in (text, f"[{text}]", f"{{w: {text}}}"):
        found = Settings.parse(f"{BOMB}{key}: {value}\n".encode(), tmp_path / "settings")
        assert found.problem is None or len(found.problem) < 1000
