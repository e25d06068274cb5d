"""The means of these tests themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import support


def no_file(*args: object, **more: object) -> None:
    raise FileNotFoundError


@pytest.mark.parametrize("platform", [sys.platform, "other"])
@pytest.mark.parametrize("place", ["argument", "task", "folder", ""])
def test_which_processes_work_below_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, place: str
) -> None:
    more: dict[str, Any] = {}
    if place == "task":
        more["env"] = {**os.environ, "PYRUNS_TASK_DIR": f"{tmp_path}/tasks/a"}
    elif place == "folder":
        more["cwd"] = tmp_path
    words = [f"{tmp_path}/script"] if place == "argument" else []
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()  # it is no copy of this process any more
        with monkeypatch.context() as changed:
            changed.setattr(sys, "platform", platform)
            if platform == "other":  # without /proc
                changed.setattr(support, "open", no_file, raising=False)
            found = support._works_below(process.pid, os.fsencode(tmp_path))
        process.stdin.close()
    assert found == bool(place)
