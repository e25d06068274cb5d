"""Dependencies point one way, files stay small, and importing the package stays cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "pyruns_jupyter"
PLUGINS = ROOT / "hydra_plugins"  # a namespace package, in which Hydra looks for plugins
SOURCES = ROOT / "src"
LONGEST_FILE = 460

# Room of the package -> the rooms that it may import besides itself; a package stands for all of its rooms.
PYTHON_ARROWS = {
    "core/common": set[str](),
    "core/fs": {"core/common"},
    "core/taskfile": {"core/common", "core/fs"},
    "core/alerts": {"core/common", "core/fs", "core/metrics", "core/taskfile"},
    "core/trust": {"core/common", "core/fs", "core/taskfile"},
    "core/metrics": {"core/common", "core/fs", "core/taskfile"},
    "core/media": {"core/fs", "core/metrics"},
    "core/provenance": {"core/common", "core/fs", "core/taskfile", "core/trust"},
    "core/config": {"core/common", "core/fs", "core/taskfile"},
    "core/scripts": {"core/common", "core/config", "core/fs", "core/taskfile"},
    "core/workspace": {
        "core/alerts",
        "core/common",
        "core/config",
        "core/fs",
        "core/metrics",
        "core/scripts",
        "core/taskfile",
    },
    "core/logs": {"core/common", "core/fs", "core/metrics", "core/taskfile", "core/workspace"},
    "core/tasks": {
        "core/alerts",
        "core/common",
        "core/config",
        "core/fs",
        "core/logs",
        "core/metrics",
        "core/taskfile",
        "core/trust",
        "core/workspace",
    },
    "core/query": {"core/common", "core/config", "core/logs", "core/metrics", "core/taskfile", "core/tasks"},
    "core/create": {
        "core/common",
        "core/config",
        "core/fs",
        "core/scripts",
        "core/taskfile",
        "core/tasks",
        "core/trust",
        "core/workspace",
    },
    "core/export": {
        "core/common",
        "core/config",
        "core/create",
        "core/fs",
        "core/metrics",
        "core/provenance",
        "core/taskfile",
        "core/tasks",
        "core/workspace",
    },
    "core/import_runs": {
        "core/common",
        "core/config",
        "core/create",
        "core/fs",
        "core/metrics",
        "core/taskfile",
        "core/workspace",
    },
    "script": {"core"},
    "system": set[str](),
    "engine/processes": {"core"},
    "engine/queue": {"core", "engine/processes"},
    "engine/gpus": {"core", "engine/processes", "engine/queue", "system"},
    "engine/memory": {"core", "engine/gpus", "engine/processes", "engine/queue", "system"},
    "engine/run": {"core", "engine/gpus", "engine/memory", "engine/processes", "engine/queue", "system"},
    "engine/cluster": {"core", "engine/processes", "engine/queue", "engine/run"},
    "engine/scheduler": {
        "core",
        "engine/cluster",
        "engine/gpus",
        "engine/memory",
        "engine/processes",
        "engine/queue",
        "engine/run",
        "system",
    },
    "engine/client": {"core", "engine/cluster", "engine/gpus", "engine/memory", "engine/queue", "system"},
    "studies": {"core", "engine"},
    "api": {"core", "engine", "studies"},
    "hydra_launcher": {"api", "core", "script"},
    "hydra_plugins": {"core", "engine/queue", "hydra_launcher"},
    "cli": {"agents", "api", "core", "engine", "service", "studies", "system"},
    "service": {"core", "engine", "studies"},
    "live": {"core", "service", "studies", "system"},
    "agents": {"core", "live", "service", "system"},
    "server": {"agents", "core", "engine", "live", "service", "studies", "system"},
    "notebook": {"api", "cli", "core", "live", "script", "service", "studies", "system"},
}
# They hold rooms only.
PYTHON_PACKAGES = {name.split("/")[0] for name in PYTHON_ARROWS if "/" in name}
# They only name what lies below them.
PYTHON_FREE = {"", "__main__", "_version"}
JUPYTER = {
    "IPython",
    "anywidget",
    "ipykernel",
    "ipywidgets",
    "jupyter_client",
    "jupyter_core",
    "jupyter_server",
    "jupyterlab",
    "tornado",
    "traitlets",
}
# Only the server and the notebook part are Jupyter's; the command line opens JupyterLab as another process.
PYTHON_FORBIDDEN = dict.fromkeys(
    {room.split("/")[0] for room in PYTHON_ARROWS} - {"notebook", "server"}, JUPYTER
)


TYPESCRIPT_ARROWS = {
    "client": set[str](),
    "model": {"client"},
    "views": {"client", "model"},
    "lab": {"client", "model", "views"},
    "widget": {"client", "model", "views"},
}
TYPESCRIPT_FREE = {"index", "svg.d"}
REACT = r"react(-dom)?(/.*)?"
LAB = r"@jupyterlab/.*"
ANYWIDGET = r"@anywidget/.*|anywidget"
TYPESCRIPT_FORBIDDEN = {
    "client": [REACT, ANYWIDGET],
    "model": [REACT, LAB, ANYWIDGET],
    "views": [LAB, ANYWIDGET],
    "lab": [ANYWIDGET],
    "widget": [LAB],
}
TYPESCRIPT_IMPORT = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+|\brequire\s*\(\s*)(['"])(?P<name>[^'"\n]+)\1""",
    re.MULTILINE,
)


def python_imports(file: Path) -> set[str]:
    """Full names of the modules that ``file`` imports, wherever the import stands."""
    package = (*file.relative_to(ROOT).parts[:-1],)
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            # "from package import part" may name a module as well as a value.
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


def part_of(file: Path, root: Path) -> str:
    """The layer of a file: its first folder, or its own name when it lies at the top."""
    first, *rest = file.relative_to(root).parts
    return first if rest else Path(first).stem


def room_of(module: str) -> str:
    """The room of a module of ours: `core/fs` for `pyruns_jupyter.core.fs.locks`; plugins are one room."""
    package, *names = module.split(".")
    if package == PLUGINS.name:
        return package
    room = "/".join(names[:2])
    return room if room in PYTHON_ARROWS else "".join(names[:1])


def module_of(file: Path) -> str:
    names = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def python_files() -> list[Path]:
    built = {PACKAGE / "labextension", PACKAGE / "static"}
    files = [*sorted(PACKAGE.rglob("*.py")), *sorted(PLUGINS.rglob("*.py"))]
    return [file for file in files if not built & set(file.parents)]


def typescript_files() -> list[Path]:
    tests = "__tests__"
    return [
        file
        for pattern in ("*.ts", "*.tsx")
        for file in sorted(SOURCES.rglob(pattern))
        if tests not in file.parts
    ]


def python_offences(file: Path) -> list[str]:
    room = room_of(module_of(file))
    if room in PYTHON_FREE or (room in PYTHON_PACKAGES and not python_imports(file)):
        return []
    if room not in PYTHON_ARROWS:
        return [f"{file.relative_to(ROOT)} belongs to no room: give it one in PYTHON_ARROWS"]
    allowed = PYTHON_ARROWS[room] | {room, "_version"}
    offences = []
    for name in python_imports(file):
        if name.split(".")[0] in (PACKAGE.name, PLUGINS.name):
            target = room_of(name)
            if not {target, target.split("/")[0]} & allowed:
                offences.append(
                    f"{file.relative_to(ROOT)} imports {name}: {room} may import {sorted(allowed)}"
                )
        elif name.split(".")[0] in PYTHON_FORBIDDEN.get(room.split("/")[0], set()):
            offences.append(f"{file.relative_to(ROOT)} imports {name}: {room} does not know Jupyter")
    return offences


def typescript_offences(file: Path) -> list[str]:
    part = part_of(file, SOURCES)
    if part in TYPESCRIPT_FREE:
        return []
    if part not in TYPESCRIPT_ARROWS:
        return [f"{file.relative_to(ROOT)} belongs to no layer: give it one in TYPESCRIPT_ARROWS"]
    allowed = TYPESCRIPT_ARROWS[part] | {part}
    offences = []
    for match in TYPESCRIPT_IMPORT.finditer(file.read_text(encoding="utf-8")):
        name = match["name"]
        if name.startswith("."):
            target = (file.parent / name).resolve()
            # Style sheets live outside src/ and belong to no layer.
            if target.is_relative_to(SOURCES) and part_of(target, SOURCES) not in allowed:
                offences.append(
                    f"{file.relative_to(ROOT)} imports {name}: {part} may import {sorted(allowed)}"
                )
        elif any(re.fullmatch(pattern, name) for pattern in TYPESCRIPT_FORBIDDEN[part]):
            offences.append(f"{file.relative_to(ROOT)} imports {name}, which {part} must not know")
    return offences


def test_python_arrows() -> None:
    files = python_files()
    assert set(PYTHON_ARROWS) == {room_of(module_of(file)) for file in files} - PYTHON_FREE - PYTHON_PACKAGES
    assert [offence for file in files for offence in python_offences(file)] == []


def test_no_room_needs_itself() -> None:
    graph = {
        room: {other for other in PYTHON_ARROWS if {other, other.split("/")[0]} & allowed}
        for room, allowed in PYTHON_ARROWS.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_typescript_arrows() -> None:
    files = typescript_files()
    assert set(TYPESCRIPT_ARROWS) <= {part_of(file, SOURCES) for file in files}
    assert [offence for file in files for offence in typescript_offences(file)] == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("core/fs/x.py", "from ...engine import scheduler"),
        ("core/fs/x.py", "from pyruns_jupyter.core.taskfile import runs"),
        ("core/fs/x.py", "def f():\n    import tornado.web"),
        ("core/fs/deep/x.py", "from .... import engine"),
        ("core/fs/x.py", "import pyruns_jupyter"),
        ("core/x.py", "import os"),
        ("engine/gpus/x.py", "from pyruns_jupyter.engine.run import supervisor"),
        ("engine/run/x.py", "from pyruns_jupyter.server.app import App"),
        ("system/x.py", "from ..notebook import api"),
        ("script.py", "from .engine import commands"),
    ],
)
def test_a_wrong_python_arrow_is_seen(
    place: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "pyruns_jupyter")
    file = tmp_path / "pyruns_jupyter" / place
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert python_offences(file)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("client/x.ts", "import { Store } from '../model/store';"),
        ("model/x.ts", "import * as React from 'react';"),
        ("model/x.ts", "const views = await import('../views/shared');"),
        ("views/a/x.tsx", "import {\n  Dialog\n} from '@jupyterlab/apputils';"),
        ("views/a/x.tsx", "import type { AnyModel } from '@anywidget/types';"),
        ("views/a/x.tsx", "import '../../lab/commands';"),
        ("widget/x.tsx", 'export * from "../lab/panel";'),
    ],
)
def test_a_wrong_typescript_arrow_is_seen(
    place: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "SOURCES", tmp_path / "src")
    file = tmp_path / "src" / place
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert typescript_offences(file)


def test_files_stay_small() -> None:
    generated = {SOURCES / "client" / "schema.ts", PACKAGE / "_version.py"}
    files = [*python_files(), *typescript_files(), *sorted((ROOT / "style").glob("*.css"))]
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in files
        if file not in generated
    }
    assert {name: length for name, length in lengths.items() if length >= LONGEST_FILE} == {}


def test_importing_the_package_is_cheap() -> None:
    """User scripts import it: none of the heavy modules may come along."""
    heavy = {*JUPYTER, "asyncio", "numpy", "pandas", "psutil", "pynvml", "yaml"}
    code = f"import sys, pyruns_jupyter; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_a_scheduler_starts_without_what_few_tasks_need() -> None:
    """Each task waits for its start, and each supervisor is a fork of it."""
    program = (
        "import sys; import pyruns_jupyter.engine.scheduler.process, pyruns_jupyter.engine.scheduler.loop;"
        "from pyruns_jupyter.engine.queue.options import QueueOptions; QueueOptions().check();"
        "print(*sys.modules);"
        "from pyruns_jupyter.engine.run.workers import load_rest; load_rest(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    rare = (
        *("dataclasses", "pickle", "psutil", "socket", "subprocess", "tempfile", "yaml"),
        f"{PACKAGE.name}.core.alerts.rules",
        f"{PACKAGE.name}.core.common.metric_patterns",
        f"{PACKAGE.name}.core.metrics.goals",
        f"{PACKAGE.name}.core.provenance.snapshots.store",
        f"{PACKAGE.name}.core.query",
        f"{PACKAGE.name}.core.scripts",
        f"{PACKAGE.name}.engine.cluster",
    )
    loaded, loaded_later = (line.split() for line in done.stdout.splitlines())
    assert [name for name in loaded if name.startswith(rare)] == []
    # Needed when a run ends: by then, an update may have replaced the package.
    assert f"{PACKAGE.name}.core.logs.diagnosis" in loaded
    assert {"psutil", f"{PACKAGE.name}.engine.run.stack_dump"} <= {*loaded_later}


def test_a_command_starts_without_what_few_commands_need() -> None:
    program = "import sys, pyruns_jupyter.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    rare = ("asyncio", "optuna", f"{PACKAGE.name}.core.export.archive", f"{PACKAGE.name}.core.scripts.source")
    assert [name for name in done.stdout.split() if name.startswith(rare)] == []
