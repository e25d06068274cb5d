"""How exactly the parameters of scripts are read, compared to their real parsers.

    python bench/scripts.py [--details] [--ask]

The scripts are the excerpts in `bench/excerpts`, written for this, and the programs of the installed packages
(their console scripts). Each is run in a process of its own up to its parser, which is the truth; two of the
read parameters are changed, and the resulting command line is given to the real parser. With `--ask` the
scripts are asked for their parameters, as with `jupyter pyruns open --ask`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.create.preview import script_parameters
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.bind_values import same
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.engine.run.ask_script import ask_script

HERE = Path(__file__).parent
TRUTH = HERE / "scripts_truth.py"
_FOUND = find_spec("transformers")
PYTHON = str(Path(_FOUND.origin).parents[4]) if _FOUND is not None and _FOUND.origin else sys.prefix
FRAMEWORKS = ("argparse", "configargparse", "absl", "click", "fire", "simple_parsing", "transformers")
COLUMNS = ("scripts", "exact", "true", "found", "type", "default", "unknown", "invented", "argv", "ms")


def truth(path: Path, words: list[str]) -> dict[str, Any] | None:
    """Return what the real parser of a script has, or makes of these arguments; None when it has none."""
    command = [sys.executable, "-W", "ignore", str(TRUTH), str(path.parent), str(path), *words]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            check=False,
            cwd=path.parent,
        )
    except subprocess.TimeoutExpired:
        return None
    last = done.stdout.rstrip().rpartition("\n")[2]
    try:
        return json.loads(last) if done.returncode == 0 else None
    except ValueError:
        return None


def programs(folder: Path) -> list[tuple[Path, Path]]:
    """Write a script for each program of the installed packages; return also the place that it stands for."""
    found = {}
    for one in distributions():
        for point in one.entry_points:
            if point.group == "console_scripts" and one.metadata["Name"] != "pyruns_jupyter":
                site = Path(str(one.locate_file("")))
                found[point.value.replace(" ", "").partition("[")[0]] = point.name, site
    paths = []
    for value, (name, site) in sorted(found.items()):
        module, _, function = value.partition(":")
        path = folder / f"program_{name}.py"  # not the name of its package
        path.write_text(
            f"import sys\nfrom {module} import {function.split('.')[0]}\nsys.exit({function}())\n"
        )
        paths.append((path, site / path.name))
    return paths


def changed(parameter: Parameter) -> Any:
    """Return another value for a parameter, None when there is none."""
    if parameter.choices:
        return next((one for one in parameter.choices if one != parameter.default), None)
    if parameter.type == "bool" and isinstance(parameter.default, bool):
        return not parameter.default
    if parameter.type in ("int", "float") and parameter.action == "store":
        return 3
    return "x" if parameter.item_type == "str" and parameter.type == "str" else None


def arguments(script: ScriptParameters) -> list[str] | None:
    """Return the command line for a configuration with two changed values; None when it is refused."""
    top = [one for one in script.parameters if not one.scope and one.action not in ("command", "subcommand")]
    config = {one.name: changed(one) for one in top if one.required}
    options = [one for one in top if not one.required and not one.positional and changed(one) is not None]
    config.update({one.name: changed(one) for one in options[:2]})
    try:
        return build_argv(script, config)
    except PyrunsError:
        return None


def ask(path: Path) -> ScriptParameters:
    """Return the parameters of a copy of a script that was asked for them."""
    with tempfile.TemporaryDirectory() as folder:
        project = shutil.copytree(path.parent, Path(folder) / "project")
        workspace, _ = open_workspace(project / path.name)
        asked = ask_script(workspace)
        if asked.problem and "--details" in sys.argv:
            print(f"{path.stem}: {asked.problem}")
        return script_parameters(workspace)


def measure(path: Path, source: str, place: Path) -> tuple[str, Counter[str], list[str]]:
    """Return the framework of a script, the figures for its row, and what is not exact."""
    figures: Counter[str] = Counter()
    notes: list[str] = []
    real = truth(path, [])
    if real is None:
        return "", figures, notes
    begin = time.perf_counter()
    if "--ask" in sys.argv:
        script = ask(path)
    else:
        script = read_parameters(source, filename=place.name, path=place, root=place.parent, python=PYTHON)
    figures["ms"] = round(1000 * (time.perf_counter() - begin))
    wanted: dict[str, Any] = real["parameters"]
    known = {one.name: one for one in script.parameters if one.action not in ("command", "subcommand")}
    known = {one.name.replace("_command.", "."): one for one in known.values()}
    if script.kind == "command":
        known = {}
    figures.update(scripts=1, true=len(wanted), found=len(wanted.keys() & known.keys()))
    figures["invented"] = len(known.keys() - wanted.keys())
    notes += [f"invented {name}" for name in sorted(known.keys() - wanted.keys())]
    notes += [f"missing {name}" for name in sorted(wanted.keys() - known.keys())]
    for name in wanted.keys() & known.keys():
        one, other = known[name], wanted[name]
        if one.computed:
            figures["unknown"] += 1
        elif other["default"] != "?" and not _equal(one.default, other["default"]):
            figures["default"] += 1
            notes.append(f"default of {name}: {one.default!r}, not {other['default']!r}")
        if other["type"] in ("int", "float", "switch") and other["type"] != _kind(one):
            figures["type"] += 1
            notes.append(f"type of {name}: {_kind(one)}, not {other['type']}")
    if not notes:
        figures["exact"] = 1
    words = arguments(script) if known else None
    if words:
        figures["asked"] = 1
        figures["accepted"] = int(truth(path, words) is not None)
        if not figures["accepted"]:
            notes.append(f"refused {words}")
    return (script.library or real["framework"]).partition(".")[0], figures, notes


def _equal(value: Any, other: Any) -> bool:
    return same(value, other) or (value in (None, [], False) and other in (None, [], False))


def _kind(parameter: Parameter) -> str:
    if parameter.action in ("store_true", "store_false", "boolean_optional", "count", "store_const"):
        return "switch"
    if parameter.action in ("append_const", "custom_flag") or parameter.off_flags:
        return "switch"
    return parameter.item_type


def main() -> None:
    """Print the table."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder:
        scripts = [(path, path) for path in sorted((HERE / "excerpts").glob("*/*.py")) if path.name[0] != "_"]
        scripts += programs(Path(folder))
        for path, place in scripts:
            framework, figures, notes = measure(path, path.read_text(), place)
            if framework not in FRAMEWORKS:
                print(f"no parser was reached: {path.stem}") if "--details" in sys.argv else None
                continue
            row = framework if path is place else f"{framework}, installed"
            sums[row] += figures
            if notes and "--details" in sys.argv:
                print(f"{row} {path.stem}: {len(notes)} in {figures['ms']} ms: {'; '.join(notes[:12])}")
    print("| framework | " + " | ".join(COLUMNS) + " |\n" + "| --- " * (len(COLUMNS) + 1) + "|")
    for row, figures in sorted(sums.items()):
        figures["argv"] = 0
        cells = [
            f"{figures['accepted']}/{figures['asked']}" if one == "argv" else figures[one] for one in COLUMNS
        ]
        print(f"| {row} | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
