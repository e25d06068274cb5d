"""What of the parts for Windows can be checked on another system."""

from __future__ import annotations

import ast
import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.engine.processes import job_objects
from tests.support import ROOT

PACKAGE = ROOT / "pyruns_jupyter"
PROCESSES = PACKAGE / "engine" / "processes"


# Takes away what Windows does not have, and puts empty things in the place of what only Windows has.
WITHOUT_POSIX = """
import asyncio, ctypes, importlib, multiprocessing.popen_fork, os, psutil, shutil, signal, subprocess
import sys, types
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in (
    *("chown", "fchdir", "fchmod", "fork", "getegid", "geteuid", "getpgid", "getuid", "killpg", "mkfifo"),
    *("openpty", "posix_spawn", "pread", "pwrite", "register_at_fork", "sched_getaffinity", "setsid"),
    *("statvfs", "ttyname", "waitid", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH"),
):
    delattr(os, name)
for name in ("SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXFSZ"):
    delattr(signal, name)
for name in ("msvcrt", "winpty"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["winpty"].PTY, sys.modules["winpty"].WinptyError = object, OSError
for name in ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW"):
    setattr(subprocess, name, 1)
class Library:
    def __init__(self, *arguments, **options):
        self.CreateJobObjectW = self.GetCurrentProcess = types.SimpleNamespace()
ctypes.WinDLL, sys.platform = Library, "win32"
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def used() -> set[str]:
    """Return the names that the package imports from `native`."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and f".{node.module}".endswith(".native"):
                found.update(one.name for one in node.names)
    return found


def interface(path: Path, names: set[str]) -> dict[str, str]:
    """Return the functions and classes of a module with these names, with their arguments."""
    found = {}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            found[node.name] = f"{ast.unparse(node.args)} -> {ast.unparse(node.returns or node.args)}"
        elif isinstance(node, ast.ClassDef) and node.name in names:
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
            found[node.name] = str([f"{one.name}({ast.unparse(one.args)})" for one in methods])
    return found


def test_all_systems_have_the_same_interface() -> None:
    names = used()
    posix, windows = interface(PROCESSES / "posix.py", names), interface(PROCESSES / "windows.py", names)
    assert set(posix) == names and len(names) > 15
    assert windows == posix


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the structures are those of 64 bits")
def test_structures_have_the_sizes_that_windows_expects() -> None:
    """Those of the Windows SDK, as `sizeof` tells them on 64 bits."""
    assert ctypes.sizeof(job_objects.BasicLimits) == 64
    assert ctypes.sizeof(job_objects.ExtendedLimits) == 144
    assert job_objects.BasicLimits.flags.offset == 16
    assert job_objects.ProcessIds.pids.offset == 8


def test_nothing_needs_posix_to_be_imported() -> None:
    files = [path for path in (ROOT / "pyruns_jupyter").rglob("*.py") if path.stem[0] != "_"]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    # Tornado looks at the version of Windows, joblib imports multiprocessing; the modules of the child are
    # started as a program.
    left_out = (
        *("api.joblib_backend", "core.scripts.probe.child", "engine.processes.posix", "server.agent_tools"),
        "server.app",
    )
    modules = [one for one in modules if not one.startswith(tuple(f"pyruns_jupyter.{it}" for it in left_out))]
    program = [sys.executable, "-c", WITHOUT_POSIX, *modules]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(modules) > 300
