"""What is known of a disk: locks that reach no other host, and inodes that change."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pyruns_jupyter.core.fs import inode_identity
from pyruns_jupyter.core.fs.filesystem import RENUMBERED, local_locks, write_problem
from pyruns_jupyter.core.fs.inode_identity import InodeIdentity
from pyruns_jupyter.core.fs.regular_files import write_whole


@pytest.mark.parametrize(
    ("kind", "options", "found"),
    [
        ("nfs4", "rw,vers=4.2,local_lock=none,addr=10.0.0.1", ""),
        ("nfs", "rw,vers=3,nolock,local_lock=all", "nolock"),
        ("nfs", "rw,vers=3,local_lock=flock", "local_lock=flock"),
        ("lustre", "rw,flock,lazystatfs", ""),
        ("lustre", "rw,localflock", "localflock"),
        ("ext4", "rw,errors=remount-ro", ""),
    ],
)
def test_locks_that_reach_no_other_host(tmp_path: Path, kind: str, options: str, found: str) -> None:
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts.write_text(
        "22 1 9999:1 / /other rw,nolock - nfs server:/other rw,nolock\n"
        f"36 22 {number} / {tmp_path} rw,noatime shared:1 - {kind} server:/home {options}\n"
    )
    assert local_locks(tmp_path, mounts) == found
    assert local_locks(tmp_path / "missing", mounts) == ""
    assert local_locks(tmp_path, tmp_path / "missing") == ""


@pytest.mark.parametrize(
    ("user", "free", "available", "problem"),
    [(0, 5, 0, None), (0, 0, 0, errno.ENOSPC), (1000, 5, 0, errno.ENOSPC), (1000, 5, 5, None)],
)
@pytest.mark.parametrize("what", ["blocks", "files"])
def test_root_can_write_what_is_kept_back_from_others(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    free: int,
    available: int,
    problem: int | None,
    what: str,
) -> None:
    counts, enough = (100, free, available), (9, 9, 9)
    both = (*counts, *enough) if what == "blocks" else (*enough, *counts)
    facts = os.statvfs_result((4096, 4096, *both, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda folder: facts)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    found = write_problem(tmp_path)
    assert (found and found.errno) == problem


def test_a_file_that_got_another_inode_is_no_copy_where_inodes_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "owner", tmp_path / "copy"
    path.write_text("x")
    before = InodeIdentity.of(path)
    other.write_text("x")
    path.rename(tmp_path / "kept")  # its inode is not used again
    other.rename(path)
    other.write_text("x")
    assert before.is_copied_to(path)
    (kind, *_) = RENUMBERED
    monkeypatch.setattr(inode_identity, "file_system_type", lambda folder: kind)
    assert not before.is_copied_to(path)
    assert before.is_copied_to(other)


def test_a_write_of_a_part_is_continued_and_fails_with_the_reason() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):  # it is full, and no disk is
        write_whole(writer, bytes(16 * 2**20))
    for descriptor in (reader, writer):
        os.close(descriptor)
