"""What has happened in the demo before it is opened.

The history is made once, when the site is built, and moved to the present when the demo starts.

usage: python -m pyruns_demo.history EXAMPLES ARCHIVE
"""

from __future__ import annotations

import calendar
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import browser

if TYPE_CHECKING:
    from pyruns_jupyter.service.actions import Action

HOME = "/home/demo"
PROJECTS = ("digits", "nested", "shell")
_MINUTE, _HOUR = 60.0, 3600.0
_PAST = 27 * _HOUR
_ENDED_AT = "ended_at.json"
_EPOCH = re.compile(rb"(?<![\w.])(1[6-9]\d{8})(?=\.\d|\D|\Z)")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_STAMP_FORMAT = "%Y-%m-%d_%H-%M-%S"
_PYTHON = "env/bin/python"
_SHELL = "env/bin/bash"
_SETTINGS = "default_gpus: 1\n"


def prepare_home(home: Path) -> None:
    """Make the programs that tasks are started with, and set up this process for the simulated user."""
    for name in (_PYTHON, _SHELL):
        program = home / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("")
        program.chmod(0o755)
    for name in [*os.environ]:
        if name not in ("PYTHONPATH", "TZ"):
            del os.environ[name]
    os.environ.update({"HOME": str(home), "USER": "demo", "PATH": str(home / "env/bin"), "LANG": "C.UTF-8"})
    os.environ["SHELL"] = str(home / _SHELL)
    sys.executable = str(home / _PYTHON)


def unpack(archive: bytes, home: Path) -> None:
    """Write the files of an archive, with all times moved to the present."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        ended_at = float(json.loads(files.read(_ENDED_AT)))
        shift = time.time() - ended_at
        for name in files.namelist():
            if name != _ENDED_AT:
                target = home / _moved_text(name, shift)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_moved(files.read(name), ended_at, shift))


def _moved(data: bytes, ended_at: float, shift: float) -> bytes:
    """Return a file with its times moved: epoch seconds, and time stamps, which are UTC in the archive."""

    def later(found: re.Match[bytes]) -> bytes:
        moment = int(found[1])
        is_time = ended_at - 2 * _PAST < moment <= ended_at + _MINUTE
        return b"%d" % (moment + int(shift)) if is_time else found[0]

    data = _EPOCH.sub(later, data)
    try:
        return _moved_text(data.decode(), shift).encode()
    except UnicodeDecodeError:
        return data


def _moved_text(text: str, shift: float) -> str:
    def later(found: re.Match[str]) -> str:
        moment = calendar.timegm(time.strptime(found[0], _STAMP_FORMAT))
        return time.strftime(_STAMP_FORMAT, time.localtime(moment + int(shift)))

    return _STAMP.sub(later, text)


class Author:
    """Does what a user would do, in the workspace of an example."""

    def __init__(self, home: Path, script: str) -> None:
        from pyruns_jupyter.core.workspace.opening import open_workspace

        self.workspace, _ = open_workspace(home / script)
        settings = self.workspace.root / "_pyruns_settings.yaml"
        text = settings.read_text()
        if "digits" in script and _SETTINGS not in text:
            settings.write_text(text.replace("stable_seconds: 15", "stable_seconds: 0 ") + _SETTINGS)

    def sweep(self, name: str, values: Mapping[str, str], jobs: int | None = None, **run: Any) -> list[str]:
        """Create tasks with some values of the template replaced, and queue them with `jobs` in parallel."""
        from pyruns_jupyter.service.generator import TemplateRequest, template

        text = template(self.workspace, TemplateRequest())["text"]
        for key, value in values.items():
            text, count = re.subn(
                rf"(?m)^(\s*{key.rpartition('.')[2]}: )[^#\n]*?(\s+#.*)?$", rf"\g<1>{value}\g<2>", text
            )
            assert count, f"{key} is not in the template"
        return self.make(name, text, jobs, **run)

    def make(self, name: str, text: str, jobs: int | None = None, **run: Any) -> list[str]:
        from pyruns_jupyter.service import tasks

        options = None if jobs is None else {"jobs": jobs, **run}
        wanted = tasks.CreateRequest(text=text, name=name, run=options)
        return [str(one) for one in tasks.create(self.workspace, wanted, 1000)["names"]]

    def act(self, action: Action, names: list[str], **more: Any) -> None:
        from pyruns_jupyter.service import actions

        actions.act(
            self.workspace, actions.ActionRequest(action=action, names=tuple(names), **more), names, {}
        )

    def change(self, task: str, **fields: Any) -> None:
        from pyruns_jupyter.service import tasks

        tasks.change(self.workspace, tasks.TaskChange(task=task, **fields))

    def study(self, name: str, values: Mapping[str, str], n: int) -> None:
        from pyruns_jupyter.service import studies
        from pyruns_jupyter.service.generator import TemplateRequest, template

        text = template(self.workspace, TemplateRequest())["text"]
        for key, value in values.items():
            text = re.sub(rf"(?m)^({key}: )[^#\n]*?(\s+#.*)?$", rf"\g<1>{value}\g<2>", text)
        studies.begin(
            self.workspace,
            studies.NewStudyRequest(
                text=text, name=name, objective="acc", n=n, jobs=3, seed=1, prune="median"
            ),
        )


_UNPACK = '#!/usr/bin/env bash\necho "unpacking raw.tar.zst"\necho "raw.tar.zst: no such file"\nexit 2\n'


def _story(home: Path) -> list[tuple[float, Callable[[], object]]]:
    """Return what the user did, and how many seconds ago."""
    digits, nested = Author(home, "digits/train.py"), Author(home, "nested/train.py")
    shell = Author(home, "shell/prepare.sh")
    prepare = (home / "shell/prepare.sh").read_text()

    def typo() -> None:
        digits.act("delete", digits.sweep("typo", {"lr": "1.0"}))
        digits.sweep("first_try", {"hidden": "[16]"})

    def mark() -> None:
        digits.change(
            "baseline", pinned=True, tags=["baseline"], notes="**300 epochs**, defaults. The reference."
        )

    def give_up() -> None:
        digits.act("cancel", ["wide"])
        digits.change("wide", notes="No better, and four times as slow.")

    sizes = {"model": "mlp | sgd", "lr": "0.001 | 0.01 | 0.1 | 0.3", "seed": "0:3", "epochs": "40"}
    space = {"lr": "log(1e-4, 1)", "hidden": "[16] | [32] | [64] | [128]", "batch_size": "16 | 64 | 256"}
    penalty = {"training.lr": "0.1 | 0.3 | 1.0", "model.l2": "0.0001 | 0.001 | 0.01"}
    return [
        (26 * _HOUR, lambda: digits.sweep("baseline", {"epochs": "300"}, 1)),
        (25 * _HOUR, mark),
        (24.9 * _HOUR, typo),
        (6 * _HOUR, lambda: shell.make("prepare", prepare, 1)),
        (5.5 * _HOUR, lambda: shell.make("unpack", _UNPACK, 1)),
        (5 * _HOUR, lambda: nested.sweep("penalty", penalty, 3)),
        (4 * _HOUR, lambda: nested.sweep("noiseless", {"data.noise": "0.0"})),
        (3 * _HOUR, lambda: digits.sweep("sweep", sizes, 4)),
        (75 * _MINUTE, lambda: digits.sweep("wide", {"hidden": "[512, 512]", "epochs": "40"}, 1)),
        (74 * _MINUTE, give_up),
        (40 * _MINUTE, lambda: digits.study("search", {**space, "epochs": "30"}, 24)),
    ]


def make(examples: Path, archive: Path) -> None:
    """Live through the history of the examples, and write it into an archive.

    Raises:
        RuntimeError: if something still runs at its end.
    """
    from .clock import Clock

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        for project in PROJECTS:
            shutil.copytree(examples / project, home / project)
        prepare_home(home)
        end = time.time()
        clock = Clock(end - _PAST)
        browser.prepare_engine()
        from . import processes

        for ago, work in _story(home):
            live(clock, end - ago)
            work()
        live(clock, end)
        clock.release()
        if processes.advance() is not None:
            raise RuntimeError("The history of the demo does not end before the present.")
        _pack(home, archive, end)


def live(clock: Any, until: float) -> None:
    """Let the processes take their steps until a moment (epoch seconds)."""
    from . import processes

    while clock.now < until:
        due = processes.advance()
        pause = until - clock.now if due is None else due - time.monotonic()
        clock.advance(min(until - clock.now, max(0.25, pause)))


def _pack(home: Path, archive: Path, ended_at: float) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(_ENDED_AT, json.dumps(ended_at))
        for path in sorted(home.rglob("*")):
            relative = path.relative_to(home)
            # The engine's folders belong to this machine; the demo makes its own.
            if path.is_file() and relative.parts[0] in PROJECTS and ".engine" not in relative.parts:
                data = path.read_bytes().replace(str(home).encode(), HOME.encode())
                files.writestr(str(relative), data)


def present(home: Path) -> None:
    """Do what the user did a moment ago: queue the tasks that run while the demo is watched."""
    digits = Author(home, "digits/train.py")
    width = {"hidden": "[64] | [128] | [256]", "seed": "0:3", "epochs": "40", "augment": "true"}
    digits.sweep("width", width, 3)
    digits.sweep("linear", {"model": "sgd", "lr": "0.1", "epochs": "600", "augment": "true"}, 1)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
