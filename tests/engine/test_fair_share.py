"""Quotas and fair share: usage, the waiting list and the decision, with files that belong to real users."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict, replace

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.engine.gpus import fair_share, reservations, waiting_list
from pyruns_jupyter.engine.gpus.accounting import Accounts
from pyruns_jupyter.engine.gpus.admission import choose
from pyruns_jupyter.engine.gpus.fair_share import FairShare
from pyruns_jupyter.engine.gpus.policy import GpuPolicy, PolicyFile, parse_policy, untrusted_policy
from pyruns_jupyter.engine.gpus.request import GpuRequest
from pyruns_jupyter.engine.gpus.reservations import Refusal, Reservation, Reservations
from pyruns_jupyter.engine.gpus.visibility import Device
from pyruns_jupyter.engine.gpus.waiting_list import WaitingList, WaitingRequest

from .test_visibility import AMD, NVIDIA, device

ALICE, BOB = 12001, 12002
DAY = 86400.0
ON = GpuPolicy(fair_share=True)
NOW = GpuRequest(stable_seconds=0.0)


@pytest.fixture
def common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reservations:
    """A common folder of reservations, in which files may belong to several users."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    monkeypatch.setenv(reservations.VARIABLE, str(folder))
    return Reservations()


@pytest.fixture
def root(common: Reservations) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make files of other users")


def devices(count: int = 1) -> list[dict[str, Any]]:
    return [device(index, uuid) for index, uuid in enumerate(NVIDIA[:count])]


def reserve(common: Reservations, name: str, uid: int, *, at: float, seen: float, gpus: int = 1) -> int:
    """Make a reservation of a user, which lives as long as the descriptor that is returned."""
    descriptor = common.reserve(Reservation(name, f"w/{name}", tuple(NVIDIA[:gpus]), None, {}, at))
    os.chown(descriptor, uid, uid)
    os.utime(descriptor, (seen, seen))
    return descriptor


@pytest.fixture
def waiting(common: Reservations) -> Iterator[Any]:
    """Enter users into the waiting list."""
    entries: list[WaitingList] = []

    def enter(uid: int, *requests: GpuRequest, tasks: int = 1) -> Path:
        before = set(common.folder.glob("*.waiting"))
        entry = WaitingList(common.folder)
        entry.enter([WaitingRequest(**asdict(one), tasks=tasks) for one in requests or [NOW]])
        entries.append(entry)
        (path,) = set(common.folder.glob("*.waiting")) - before
        os.chown(path, uid, uid)
        return path

    yield enter
    for entry in entries:
        entry.leave()


def allowed(
    common: Reservations,
    share: FairShare | None = None,
    policy: GpuPolicy = ON,
    gpus: int = 1,
    request: GpuRequest | None = None,
    offered: list[dict[str, Any]] | None = None,
) -> Reservation | Refusal:
    """Return what this user gets, who wants the first GPU, or one for a request."""
    offered = offered or devices(gpus)

    def plan(offered: Sequence[Device]) -> Reservation | Refusal:
        found = offered[:1] if offered[:1] == devices() else Refusal({})
        if request is not None:
            found = choose(request, offered, living, {})
        if isinstance(found, Refusal):
            return found
        return Reservation("mine", "w/mine", tuple(one["uuid"] for one in found), None, {}, time.time())

    with common.guarded():
        living = common.living(keeps_ended=True)
        share = share or FairShare(common)
        return share.allow(policy, plan, offered, offered, living, common.ended)


def yields(
    common: Reservations, share: FairShare | None = None, policy: GpuPolicy = ON, gpus: int = 1
) -> Refusal | None:
    """Return whether this user, who wants the first GPU, leaves it to another one."""
    found = allowed(common, share, policy, gpus)
    return found if isinstance(found, Refusal) else None


def test_usage_counts_half_after_each_half_life(common: Reservations) -> None:
    now = time.time()
    memory = {NVIDIA[0]: 80 << 30}

    def usage(begin: float, end: float, half_life: float = 7 * DAY, part: int | None = None) -> float:
        one = Reservation("a", "w/a", (NVIDIA[0],), part, {}, now - begin, 5, now - end)
        return Accounts(common.folder).usage([], [one], memory, half_life=half_life, now=now)[5]

    common.folder.mkdir(exist_ok=True)
    assert usage(3600, 0) == pytest.approx(3600, rel=0.01)
    assert usage(7 * DAY + 3600, 7 * DAY) == pytest.approx(1800, rel=0.01)
    assert usage(14 * DAY + 3600, 14 * DAY) == pytest.approx(900, rel=0.01)
    assert usage(2 * DAY + 3600, 2 * DAY, half_life=DAY) == pytest.approx(900, rel=0.02)
    assert usage(3600, 0, part=20 << 30) == pytest.approx(900, rel=0.01)  # a quarter of the GPU
    assert usage(1000 * DAY, 0) == pytest.approx(7 * DAY / 0.6931, rel=0.01)  # there is no more
    assert usage(-3600, -7200) == 0  # in the future, by a clock that was changed


def test_ended_reservations_are_added_once(common: Reservations) -> None:
    now = time.time()
    with common.guarded():
        for number in range(3):
            os.close(reserve(common, f"r{number}", os.geteuid(), at=now - 200, seen=now - 100))
        before = {path: path.read_bytes() for path in common.folder.glob("*.json")}
    assert yields(common) is None
    assert not list(common.folder.glob("*.json"))

    def used() -> float:
        found = Accounts(common.folder).usage(
            common.living(keeps_ended=True), common.ended, {}, half_life=7 * DAY, now=now
        )
        return found[os.geteuid()]

    assert used() == pytest.approx(300, rel=0.01)
    for path, data in before.items():  # as if the process had been killed before it removed them
        path.write_bytes(data)
        os.utime(path, (now - 100, now - 100))
    assert used() == pytest.approx(300, rel=0.01)
    yields(common)
    assert used() == pytest.approx(300, rel=0.01)
    (stored,) = common.folder.glob("*.usage")
    assert stored.stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("root")
def test_the_user_with_less_usage_goes_first(common: Reservations, waiting: Any) -> None:
    now = time.time()
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=now - 6100, seen=now))
        os.close(reserve(common, "theirs", ALICE, at=now - 3900, seen=now))
    assert yields(common) is None  # nobody else waits
    path = waiting(ALICE)
    assert str(yields(common)) == (
        "GPU 0 is kept for 12001, who is also waiting and has used 39 % of the recent GPU-hours of this "
        "host. root has used 61 % (half-life: 7 days)."
    )
    assert yields(common, gpus=2) is None  # there is one for both
    path.unlink()
    waiting(BOB)
    assert "kept for 12002, who is also waiting and has used 0 %" in str(yields(common))


@pytest.fixture
def usage(common: Reservations, root: None) -> None:
    """This user has used GPUs lately, and nobody else."""
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=time.time() - 100, seen=time.time()))


@pytest.mark.usefixtures("usage")
def test_all_requests_of_a_scheduler_count(common: Reservations, waiting: Any) -> None:
    path = waiting(BOB, replace(NOW, count=2), replace(NOW, devices=("7",)))
    assert yields(common) is None  # neither could start
    path.unlink()
    waiting(BOB, replace(NOW, count=2), replace(NOW, devices=("7",)), NOW)
    assert "kept for 12002" in str(yields(common))


@pytest.mark.usefixtures("usage")
def test_all_tasks_that_could_start_count(common: Reservations, waiting: Any) -> None:
    path = waiting(BOB, tasks=1)
    assert yields(common, gpus=2) is None  # there is one for both
    path.unlink()
    waiting(BOB, tasks=2)
    assert "GPU 0 is kept for 12002" in str(yields(common, gpus=2))
    limited = GpuPolicy(fair_share=True, users={str(BOB): 1})
    assert yields(common, policy=limited, gpus=2) is None


@pytest.mark.usefixtures("usage")
def test_another_gpu_is_taken_instead_of_one_that_is_left(common: Reservations, waiting: Any) -> None:
    waiting(BOB, replace(NOW, devices=("0",)))
    for request, uuids in ((NOW, (NVIDIA[1],)), (replace(NOW, devices=("1",)), (NVIDIA[1],))):
        found = allowed(common, gpus=2, request=request)
        assert isinstance(found, Reservation) and found.uuids == uuids
    for request in (replace(NOW, devices=("0",)), replace(NOW, count=2)):
        assert "kept for 12002" in str(allowed(common, gpus=2, request=request))
    waiting(ALICE, replace(NOW, devices=("1",)))
    assert "GPU 0 is kept for 12002" in str(allowed(common, gpus=2, request=NOW))


@pytest.mark.usefixtures("usage")
def test_a_gpu_that_a_variable_hides_is_not_taken_instead(common: Reservations, waiting: Any) -> None:
    """The variables of AMD count GPUs: the others are not the first ones if the first one is left."""
    waiting(BOB, replace(NOW, devices=("0",)))
    gpus = [device(index, uuid) for index, uuid in enumerate(AMD)]
    for variable in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"):
        found = allowed(common, request=replace(NOW, visible={variable: "0"}), offered=gpus)
        assert "GPU 0 is kept for 12002" in str(found)
        found = allowed(common, request=replace(NOW, visible={variable: "0,2"}), offered=gpus)
        assert isinstance(found, Reservation) and found.uuids == (AMD[2],)


@pytest.mark.usefixtures("usage")
def test_the_tasks_of_a_user_that_count_are_limited(
    common: Reservations, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any number of tasks can share a GPU. Those that cannot start do not use up the limit."""
    decisions: list[GpuRequest] = []

    def count(request: GpuRequest, *rest: Any) -> Any:
        decisions.append(request)
        return choose(request, *rest)

    monkeypatch.setattr(fair_share, "choose", count)
    most = waiting_list.MAX_TASKS
    path = waiting(BOB, *[replace(NOW, memory=size, shared=True) for size in range(10)], tasks=most)
    assert yields(common, gpus=2) is None
    assert most < len(decisions) < 3 * most
    path.unlink()
    waiting(BOB, *[replace(NOW, count=3)] * 9, NOW, tasks=most)
    assert "GPU 0 is kept for 12002" in str(yields(common, gpus=2))


def test_the_part_of_a_gpu_that_is_out_is_added_when_it_is_known(common: Reservations) -> None:
    now = time.time()

    def used() -> float:
        paths = common.folder.glob("*.usage")
        return sum(float(json.loads(path.read_bytes())["gpu_seconds"]) for path in paths)

    def end(name: str, *, seen: float) -> None:
        quarter = device(0, NVIDIA[1])["memory_total"] // 4
        with common.guarded():
            one = common.reserve(Reservation(name, f"w/{name}", (NVIDIA[1],), quarter, {}, seen - 100))
            os.utime(one, (seen, seen))
            os.close(one)

    end("lately", seen=now)
    lost: dict[str, Any] = {**device(1, ""), "memory_total": None}
    allowed(common, offered=[*devices(), lost])
    assert used() == 0 and list(common.folder.glob("*.json"))
    allowed(common, offered=devices(2))
    assert used() == pytest.approx(25, rel=0.01) and not list(common.folder.glob("*.json"))
    end("long ago", seen=now - 7 * DAY - 60)  # by a GPU that does not come back
    allowed(common)
    assert used() == pytest.approx(75, rel=0.01) and not list(common.folder.glob("*.json"))


def test_an_entry_that_does_not_fit_on_the_disk_is_written_again(
    common: Reservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, write = WaitingList(common.folder), os.write

    def fill(descriptor: int, data: bytes) -> int:
        if os.fstat(descriptor).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:9])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fill)
        with pytest.raises(OSError, match="No space left"):
            entry.enter([WaitingRequest()])
    entry.enter([WaitingRequest()])
    (path,) = common.folder.glob("*.waiting")
    assert msgspec.json.decode(path.read_bytes(), type=tuple[WaitingRequest, ...]) == (WaitingRequest(),)
    entry.leave()


@pytest.mark.usefixtures("root")
def test_a_scheduler_enters_all_its_batches(common: Reservations) -> None:
    """With room for as many as are needed, so that hostile files stay small."""
    share = FairShare(common)

    def entered() -> list[tuple[int, int]]:
        for path in common.folder.glob("*.waiting"):
            os.chown(path, BOB, BOB)
        found = WaitingList(common.folder).others()
        return [(request.count, request.tasks) for one in found for request in one.requests]

    share.wait("a", NOW, 3)
    share.wait("b", replace(NOW, count=2), 1)
    share.wait("c", NOW, 5)
    assert entered() == [(1, 8), (2, 1)]
    share.took("c")
    share.took("b")
    assert entered() == [(1, 7)]
    share.wait("a", NOW, 1000)
    assert entered() == [(1, waiting_list.MAX_TASKS)]
    share.took("unknown")
    for count in range(1, 60):
        share.wait(f"d{count}", replace(NOW, count=count), 1)
    assert len(entered()) == 20
    for number in range(1, 60):
        share.wait(f"d{number}", replace(NOW, devices=(f"{number:03}" * 300,)), 1)
    assert 1 < len(entered()) < 20
    (path,) = common.folder.glob("*.waiting")
    assert path.stat().st_size <= 16384
    share.leave()
    assert entered() == []


def test_a_batch_that_does_not_ask_any_more_leaves(
    common: Reservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, clock = FairShare(common), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def content() -> list[str]:
        return [path.read_text() for path in common.folder.glob("*.waiting")]

    share.wait("a", replace(NOW, count=2), 1)
    share.wait("b", NOW, 1)
    assert '"count":2' in content()[0]
    clock[0] += 1.5
    share.wait("b", NOW, 1)
    clock[0] += 1.5
    share.look()
    share.wait("b", NOW, 1)
    assert '"count":2' not in content()[0]
    clock[0] += 3
    share.look()
    assert content() == []


@pytest.mark.usefixtures("root")
def test_who_has_used_more_is_not_waited_for(common: Reservations, waiting: Any) -> None:
    now = time.time()
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=now - 100, seen=now))
        held = reserve(common, "theirs", ALICE, at=now - 3600, seen=now)
    waiting(ALICE)
    os.close(held)
    assert yields(common) is None
    with common.guarded():
        assert [one.attempt for one in common.living(keeps_ended=True)] == []


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (replace(NOW, count=2), "more GPUs than are free"),
        (replace(NOW, memory=100 << 30), "more memory than a GPU has"),
        (replace(NOW, devices=("1",)), "another GPU"),
        (replace(NOW, visible={"CUDA_VISIBLE_DEVICES": ""}), "no GPU at all"),
    ],
)
def test_no_gpu_is_kept_for_a_task_that_cannot_start(
    common: Reservations, waiting: Any, request_: GpuRequest, why: str
) -> None:
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=time.time() - 100, seen=time.time()))
    waiting(BOB, request_)
    assert yields(common) is None, why
    waiting(BOB, NOW)
    assert yields(common) is not None


@pytest.mark.usefixtures("root")
def test_a_gpu_is_not_kept_for_a_scheduler_that_does_not_take_it(
    common: Reservations, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=time.time() - 100, seen=time.time()))
    waiting(BOB)
    share, clock = FairShare(common), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for second in range(0, 1000, 5):
        clock[0] = 1000.0 + second
        is_left = second <= 60 or 665 <= second <= 725
        assert (yields(common, share) is not None) == is_left, clock


@pytest.mark.usefixtures("root")
def test_a_user_who_took_the_gpu_has_all_the_time_again(
    common: Reservations, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=time.time() - 100, seen=time.time()))
    waiting(BOB)
    share, clock = FairShare(common), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert yields(common, share) is not None
    clock[0] += 300
    assert yields(common, share) is not None
    clock[0] += 5
    assert yields(common, share) is not None


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("damage", ["expired", "in the future", "not locked", "no request", "link", "a pipe"])
def test_an_entry_that_does_not_count(common: Reservations, waiting: Any, damage: str) -> None:
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=time.time() - 100, seen=time.time()))
    path, now = waiting(BOB), time.time()
    assert yields(common) is not None
    if damage == "expired":
        os.utime(path, (0, now - waiting_list.EXPIRY_SECONDS - 1))
    elif damage == "in the future":
        os.utime(path, (0, now + 3600))
    elif damage == "no request":
        path.write_text('{"count": 1, "memory": 1' + "0" * 400 + "}")
    else:
        data = path.read_bytes()
        path.unlink()
        if damage == "a pipe":
            os.mkfifo(path)
        elif damage == "link":
            path.with_name("data").write_bytes(data)
            path.symlink_to("data")
        else:
            path.write_bytes(data)
            os.chown(path, BOB, BOB)
    assert yields(common) is None


@pytest.mark.usefixtures("root")
def test_nobody_can_add_to_the_usage_of_another_user(common: Reservations) -> None:
    now = time.time()

    def used() -> dict[int, float]:
        with common.guarded():
            living = common.living(keeps_ended=True)
            return Accounts(common.folder).usage(living, common.ended, {}, half_life=7 * DAY, now=time.time())

    with common.guarded():
        common_file = {"gpu_seconds": 1e9, "at": now, "counted": [], "uid": ALICE}
        path = common.folder / f"{ALICE}.usage"
        path.write_text(json.dumps(common_file))
        os.chown(path, BOB, BOB)
        held = reserve(common, "theirs", BOB, at=now - 100, seen=now)
    content = {**json.loads((common.folder / "theirs.json").read_bytes()), "uid": ALICE, "seen": now}
    (common.folder / "theirs.json").write_text(json.dumps(content))
    assert ALICE not in used()
    assert used()[BOB] == pytest.approx(1e9, rel=0.01)
    path.unlink()
    assert used()[BOB] == pytest.approx(100, rel=0.1)
    # A name that is not the one in the file, as a hard link to a file of another user would have.
    (common.folder / "theirs.json").rename(common.folder / "other.json")
    assert used() == {}
    os.close(held)


@pytest.mark.usefixtures("root")
def test_a_reservation_that_is_not_renewed_does_not_count_on(common: Reservations) -> None:
    """Every user can hold the lock of the files of others."""
    now = time.time()
    with common.guarded():
        held = reserve(common, "theirs", BOB, at=now - 5000, seen=now - 4000)
        used = Accounts(common.folder).usage(common.living(), [], {}, half_life=7 * DAY, now=now)
    assert used[BOB] == pytest.approx(1090, rel=0.01)
    os.close(held)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"gpu_seconds": -1, "at": 1}', '{"gpu_seconds": 1e999, "at": 1}', "[" * 60_000]
)
def test_damaged_usage_is_passed_over(common: Reservations, content: str) -> None:
    (common.folder / "damaged.usage").write_text(content)
    (common.folder / "link.usage").symlink_to("damaged.usage")
    assert Accounts(common.folder).usage([], [], {}, half_life=DAY, now=time.time()) == {}


def test_a_quota(common: Reservations) -> None:
    share, us, now = FairShare(common), os.geteuid(), time.time()
    policy = GpuPolicy(max_gpus=5, users={str(us): 1})
    offered = devices(2)
    assert share.within_quota(policy, NOW, offered, []) == offered
    held = Reservation("a", "w/a", (NVIDIA[0],), 10 << 30, {}, now, us, now)
    refused = share.within_quota(policy, NOW, offered, [held])
    assert str(refused).endswith("may reserve at most 1 GPU on this host; running tasks have reserved 1.")
    assert isinstance(refused, Refusal) and not refused.is_final
    # A part of a GPU that the user has reserved is within the quota, but not of the other one.
    part = replace(NOW, memory=5 << 30, shared=True)
    within = share.within_quota(policy, part, offered, [held])
    assert not isinstance(within, Refusal)
    assert choose(part, within, [held], {}) == offered[:1]
    amd = [device(index, uuid) for index, uuid in enumerate(AMD[:2])]
    second, hidden = replace(held, uuids=(AMD[1],)), replace(part, visible={"ROCR_VISIBLE_DEVICES": "0"})
    assert isinstance(share.within_quota(policy, hidden, amd, [second]), Refusal)
    refused = share.within_quota(policy, replace(NOW, count=2), offered, [])
    assert isinstance(refused, Refusal) and refused.is_final
    assert "at most 1 GPU on this host, but each task needs 2 GPUs." in str(refused)
    other = share.within_quota(policy, replace(NOW, count=5), offered, [held], uid=us + 1)
    assert other == offered


@pytest.mark.usefixtures("root")
def test_a_user_at_the_quota_is_not_waited_for(common: Reservations, waiting: Any) -> None:
    now = time.time()
    with common.guarded():
        os.close(reserve(common, "ours", 0, at=now - 1000, seen=now))
    waiting(BOB)
    assert yields(common) is not None
    assert yields(common, policy=GpuPolicy(fair_share=True, users={str(BOB): 0})) is None


def test_a_policy() -> None:
    assert parse_policy("") == GpuPolicy()
    text = "fair_share: true\nhalf_life_days: 3\nmax_gpus: 4\nusers: {alice: 8, 1005: 0}\n"
    policy = parse_policy(text)
    assert policy == GpuPolicy(True, 3.0, 4, {"alice": 8, "1005": 0})
    assert (policy.quota(1005), policy.quota(999_999)) == (0, 4)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_gpu: 4", "Unknown field 'max_gpu'. Valid fields: fair_share, half_life_days, max_gpus, users."),
        ("max_gpus: -1", "max_gpus must be a whole number of GPUs, 0 or more"),
        ("half_life_days: 0", "half_life_days must be a number of days"),
        ("half_life_days: .nan", "half_life_days must be a number of days"),
        ("fair_share: maybe", "fair_share must be true or false"),
        ("users: {alice: many}", "The values of users must be a whole number of GPUs, 0 or more"),
        ("- a", "must consist of"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_policy_that_is_not_valid(common: Reservations, text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_policy(text)
    assert problem in str(caught.value)
    (common.folder / "policy.yaml").write_text(text)
    with pytest.raises(PyrunsError, match=r"policy\.yaml, which the administrator set, is not valid"):
        PolicyFile(common.folder).read()


def test_the_policy_is_read_again(common: Reservations) -> None:
    file, path = PolicyFile(common.folder), common.folder / "policy.yaml"
    assert file.read() == GpuPolicy()
    path.write_text("max_gpus: 3\n")
    assert file.read().max_gpus == 3
    path.write_text("max_gpus: 40\n")
    os.utime(path, (1, 1))
    assert file.read().max_gpus == 40
    path.unlink()
    assert file.read() == GpuPolicy()


@pytest.mark.usefixtures("root")
def test_the_policy_of_another_user_is_ignored(common: Reservations, tmp_path: Path) -> None:
    path = common.folder / "policy.yaml"
    path.write_text("max_gpus: 0\n")
    assert PolicyFile(common.folder).read().max_gpus == 0
    os.chown(path, BOB, BOB)
    assert PolicyFile(common.folder).read() == GpuPolicy()
    assert "belongs to 12002" in untrusted_policy(common.folder)
    os.chown(common.folder, BOB, BOB)  # now this is the administrator
    assert PolicyFile(common.folder).read().max_gpus == 0
    path.chmod(0o666)
    assert PolicyFile(common.folder).read() == GpuPolicy()
    path.chmod(0o644)
    os.link(path, common.folder / "another name")
    assert PolicyFile(common.folder).read() == GpuPolicy()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "elsewhere.yaml").write_text("max_gpus: 0\n")
    assert PolicyFile(common.folder).read() == GpuPolicy()


def test_reservations_of_one_user_have_no_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(reservations.VARIABLE, raising=False)
    own = Reservations(tmp_path)
    (tmp_path / "policy.yaml").write_text("max_gpus: 0\n")
    assert FairShare(own).policy() == GpuPolicy()


def test_other_users_can_read_common_reservations(common: Reservations) -> None:
    umask = os.umask(0o077)
    try:
        with common.guarded():
            os.close(common.reserve(Reservation("a", "w/a", (NVIDIA[0],), None, {}, 1.0)))
    finally:
        os.umask(umask)
    assert (common.folder / "a.json").stat().st_mode & 0o777 == 0o644
    assert b'"uid"' not in (common.folder / "a.json").read_bytes()
