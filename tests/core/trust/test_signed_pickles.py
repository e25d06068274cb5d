"""What others may have written is never unpickled: reading a pickle can run anything."""

from __future__ import annotations

import ast
from pathlib import Path

import pyruns_jupyter

PACKAGE = Path(pyruns_jupyter.__file__).parent
# Modules and functions of the usual packages that make objects out of bytes.
LOADERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
CALLS = {
    "read_pickle",
    "unsafe_load",
    "full_load",
    "UnsafeLoader",
    "FullLoader",
    "allow_pickle",
    "torch_load",
}
# `Task.value`'s, the variables of a cell, the calls of an `Executor`, the jobs of Hydra, what workers and
# forked calls of a cluster tell their scheduler over a pipe, and arguments of a new interpreter, in a file
# without a name.
KNOWN = {
    "api/executor.py",
    "api/joblib_backend.py",
    "core/trust/call_results.py",
    "core/trust/signed_pickles.py",
    "hydra_launcher/stored_job.py",
    "notebook/cellrun.py",
    "notebook/cell_tasks.py",
    "engine/processes/start_method.py",
    "engine/run/workers.py",
    "engine/cluster/async_calls.py",
}


def names_in(path: Path) -> set[str]:
    """Every name that a source file imports, calls or passes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def test_only_these_modules_have_to_do_with_pickles() -> None:
    using = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if names_in(path) & (LOADERS | CALLS)
    }
    assert using == KNOWN
