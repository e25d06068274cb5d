"""The lock of a study goes with the study, and never lets two in at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.fs.locks import is_locked
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.studies.definition import changing


@pytest.fixture
def folder(tmp_path: Path) -> WorkspaceFolder:
    (tmp_path / "train.py").write_text("print(1)\n", encoding="utf-8")
    return open_workspace(tmp_path / "train.py")[0]


def test_a_removed_study_leaves_nothing(folder: WorkspaceFolder) -> None:
    with changing(folder, "s", create=True) as paths:
        paths.file.write_text("{}")
    assert paths.lock.exists()
    with changing(folder, "s"):
        paths.file.unlink()
    assert [*paths.folder.iterdir()] == []
    with pytest.raises(NotFound), changing(folder, "s"):
        pass
    with pytest.raises(ZeroDivisionError), changing(folder, "s", create=True):
        raise ZeroDivisionError  # it could not be created
    assert [*paths.folder.iterdir()] == []


@pytest.mark.parametrize("create", [True, False])
def test_who_waits_for_a_study_that_is_removed(folder: WorkspaceFolder, create: bool) -> None:
    waits, got_in, go_on = threading.Event(), threading.Event(), threading.Event()
    outcome: list[str] = []

    def wait() -> None:
        waits.set()
        try:
            with changing(folder, "s", create=create, timeout=60.0):
                got_in.set()
                go_on.wait(60)
                outcome.append("in")
        except NotFound:
            outcome.append("not found")

    with changing(folder, "s", create=True) as paths:
        paths.file.write_text("{}")
    waiting = threading.Thread(target=wait)
    with changing(folder, "s"):
        waiting.start()
        assert waits.wait(60)
        assert not got_in.wait(0.1)  # and surely waits for the lock
        paths.file.unlink()
    if create:
        assert got_in.wait(60)
        assert is_locked(paths.lock)  # the next one would wait, too
    go_on.set()
    waiting.join(60)
    assert outcome == ["in" if create else "not found"]
    assert [*paths.folder.iterdir()] == []
