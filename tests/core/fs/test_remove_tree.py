"""Deleting a folder: what cannot be deleted stays, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyruns_jupyter.core.fs.remove_tree import delete_tree


def test_all_that_can_be_deleted_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    for folder in (tree, tree / "a", tree / "a" / "b", tree / "c", tree / "c" / "mounted"):
        folder.mkdir()
        for number in range(20):
            (folder / f"file{number}").write_text("x")
    kept = [tree / "file7", tree / "a" / "file7", *(tree / "c" / "mounted").iterdir()]
    unlink, status_of = os.unlink, os.stat

    def refuse(name: str, *, dir_fd: int | None = None) -> None:
        if name == "file7" and os.fstat(dir_fd or 0).st_ino in holders:
            raise PermissionError(errno.EPERM, "Operation not permitted", name)
        unlink(name, dir_fd=dir_fd)

    def mounted(name: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> Any:
        found = status_of(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        if name != "mounted":
            return found
        return SimpleNamespace(st_mode=found.st_mode, st_dev=found.st_dev + 1)

    holders = {path.parent.stat().st_ino for path in kept[:2]}
    inodes = sorted(path.stat().st_ino for path in kept)
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        patch.setattr(os, "stat", mounted)
        with pytest.raises(OSError, match=r"not permitted|mounted here"):
            delete_tree(tree)
    assert sorted(path.stat().st_ino for path in tree.rglob("*") if path.is_file()) == inodes
    delete_tree(tree)
    assert not tree.exists()
