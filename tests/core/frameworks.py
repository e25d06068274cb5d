"""Scripts of command line frameworks: read, given words, and parsed by their own libraries."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.defaults import config_default_text
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters

# What a word of a command line can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_FLAGS = ["", "-", "--", "-x", "--lr", "--lr=1", "@", "~", "+", "%d"]
_LITERALS = ["null", "None", "true", "True", "1", "-1", "1e5", "nan", "0x10", "[1]", '["a"]', "{a: 1}"]
_SIGNS = ["a b", "a=b", "it's", '"', "\\", "a\\", "\\'", "a,b", "a#b", "${x}", "é\n"]
NASTY = st.sampled_from([*_FLAGS, *_LITERALS, *_SIGNS])
WORDS = TEXTS | NASTY
INTS = st.integers(-(2**40), 2**40)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def read_script(folder: Path, source: str, name: str = "script.py", **modules: str) -> ScriptParameters:
    """Write a script (and modules beside it) and return what is read from it."""
    folder.mkdir(parents=True, exist_ok=True)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text, encoding="utf-8")
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return read_parameters(path.read_bytes(), filename=name, path=path)


def table(script: ScriptParameters, *columns: str) -> dict[str, tuple[Any, ...]]:
    """Return these attributes of each parameter by its name."""
    return {one.name: tuple(getattr(one, column) for column in columns) for one in script.parameters}


def loaded(folder: Path, name: str) -> ModuleType:
    """Import the script `name` of a folder as a module of its own."""
    unique = f"script_{folder.name}_{name}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(unique, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    spec.loader.exec_module(module)
    return module


def printed(
    folder: Path, script: ScriptParameters, config: Mapping[str, object], name: str = "script.py"
) -> Any:
    """Run the script as a program with the words of a configuration; return the JSON that it prints."""
    words = build_argv(script, config)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", str(folder / name), *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        check=False,
    )
    assert ended.returncode == 0, f"{words}: {ended.stderr}"
    return json.loads(ended.stdout)


def default_config(script: ScriptParameters) -> dict[str, Any]:
    """Return the configuration of the text that a new workspace gets."""
    plan = SweepPlan.parse(config_default_text(script.parameters, "script.py"))
    assert plan.count == 1
    return dict(plan.config(0))
