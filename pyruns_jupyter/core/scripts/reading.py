"""The parameters of a script, read from its source; the script is never run."""

from __future__ import annotations

import ast
import hashlib
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.scripts.source.cache import FileCache
from pyruns_jupyter.core.scripts.source.effects import idle_problem
from pyruns_jupyter.core.scripts.source.files import VERSION, nodes_of, why_unreadable
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.modules import (
    Project,
    may_be_newer,
    package_folders,
    relative_levels,
)
from pyruns_jupyter.core.taskfile.paths import NOTEBOOK_SUFFIX

from . import commandline
from .absl_scripts import reading as absl_reading
from .argparse_scripts import reading as argparse_reading
from .click_scripts import reading as click_reading
from .click_scripts import typer_reading
from .configurator_scripts import reading as configurator_reading
from .dataclass_scripts import reading as dataclass_reading
from .fire_scripts import reading as fire_reading
from .hydra_scripts import reading as hydra_reading
from .model import Parameter, Problem, ScriptParameters
from .notebooks import reading as notebook_reading
from .omegaconf_scripts import reading as omegaconf_reading
from .parser_libraries import nothing_found
from .script_constants import constant_parameters
from .types import shape_of_value

_LOADS = ("pyruns.load", "pyruns_jupyter.load")
_OWN_READING = "__PYRUNS_CONFIG__"
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # records are for servers; others show the problem as a sentence
_Reader = Callable[[Project], "ScriptParameters | None"]
_cache: FileCache[tuple[object, ...], ScriptParameters] = FileCache(16)


def read_parameters(
    source: str | bytes,
    *,
    template: str | None = None,
    filename: str = "script",
    path: Path | None = None,
    within: Path | None = None,
    root: Path | None = None,
    python: str = "",
) -> ScriptParameters:
    """Return the parameters of a script from its source.

    `template` is the YAML text whose keys are the parameters of a script that calls `load()`. `path` is the
    location of the script; without it, imports of the project's own modules are not resolved. Only files in
    `within` are read when it is set. `root` is the folder of the project; by default the nearest parent of
    the script with a project marker file. `python` is the interpreter of the task: classes of its packages
    that the script's own classes extend are read, too.

    Raises:
        InvalidInput: the source is not Python (with line, column and Python's message) and the interpreter
            of the task is not newer than this one, or the template is not YAML.
    """
    text = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    key = (
        str(path),
        str(within),
        str(root),
        python,
        filename,
        isinstance(source, str),
        hashlib.blake2b(text, digest_size=16).digest(),
    )
    found = _cache.get(key)
    if found is None and filename.lower().endswith(NOTEBOOK_SUFFIX):
        found = _cache.put(key, notebook_reading.read(text, filename), {})
    elif found is None:
        packages = package_folders(python) if python else ()
        try:
            project = Project(path, source, filename, within, root, packages)
        except InvalidInput as error:
            cause = error.__context__
            if not isinstance(cause, SyntaxError) or not may_be_newer(python):
                raise
            return _command([_newer(cause, filename)])
        found = _read(project)
        idle = idle_problem(project.main)
        if idle is not None:
            found = replace(found, problems=(idle, *found.problems), idle=idle)
        found = replace(found, relative=relative_levels(project.main.tree))
        project.release()
        _cache.put(key, found, project.consulted)
    if found.kind != "load" or template is None:
        return found
    return replace(found, parameters=yaml_parameters(template))


def _readers() -> tuple[_Reader, ...]:
    """Return the readers in the order in which they are tried."""
    return (
        # Dataclass parsers are argparse parsers too; a Hydra script may contain one for other uses.
        hydra_reading.read,
        dataclass_reading.read,
        argparse_reading.read,
        click_reading.read,
        typer_reading.read,
        fire_reading.read,
        configurator_reading.read,
        absl_reading.read,
        omegaconf_reading.read,
        argparse_reading.read_uncalled,
        _read_load,
    )


def _read(project: Project) -> ScriptParameters:
    deep: list[Problem] = []
    for reader in _readers():
        try:
            found = reader(project)
            if found is not None and found.kind == "command":
                # A parser of argparse that runs; the other readers would find one that does not.
                found = argparse_reading.read(project)
                if found is None:
                    break
        except RecursionError:
            deep = [Problem("Line 1: The script is nested too deeply to analyze completely.", 1)]
            continue
        except PyrunsError:
            raise
        except Exception as error:  # noqa: BLE001  # no fault of ours may keep a script from being opened
            return _unread(project, error)
        if found is not None:
            return found
    if any(
        isinstance(node, ast.Constant) and node.value == _OWN_READING for node in nodes_of(project.main.tree)
    ):
        return ScriptParameters("none", problems=tuple(project.problems))
    nothing = nothing_found(project)
    if nothing is not None:
        return _command([nothing, *argparse_reading.problems(project), *project.problems, *deep])
    found = _command([*argparse_reading.problems(project), *project.problems, *deep])
    return replace(found, parameters=(*found.parameters, *constant_parameters(project.main)))


def _command(problems: list[Problem]) -> ScriptParameters:
    return ScriptParameters("command", (commandline.parameter(),), tuple(problems), open=True)


def _newer(error: SyntaxError, filename: str) -> Problem:
    """Return the problem of a script that only the interpreter of the task may be able to read."""
    line = error.lineno or 1
    return Problem(
        f"The Python of the server ({VERSION}) cannot read {filename}, line {line}: {why_unreadable(error)}. "
        "The Python of the tasks is another one and may be able to: ask the script for its parameters, or "
        f"write its arguments in {commandline.KEY}.",
        line,
    )


def _unread(project: Project, error: Exception) -> ScriptParameters:
    """Return the free command line, as the fallback when a bug of ours stops the detection."""
    _log.error("the parameters of %s could not be read", project.main.name, exc_info=error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}, line {frame.lineno}"
    told = Problem(
        f"The parameters could not be read because of a bug in Pyruns ({place}). "
        f"{type(error).__name__}: {error}. "
        f"Write the arguments in {commandline.KEY}.",
        0,
    )
    return _command([told, *project.problems])


def yaml_parameters(text: str) -> tuple[Parameter, ...]:
    """Return one parameter for each value of a YAML text: dotted key, type by value, comment as help.

    Raises:
        InvalidInput: the text is not valid.
    """
    return tuple(
        Parameter(
            name=leaf.key,
            type="str" if leaf.batch else _value_type(leaf.value),
            default=leaf.value,
            help=leaf.comment,
            group=".".join(leaf.path[:-1]),
            item_type=_value_type(leaf.value),
            line=leaf.line,
        )
        for leaf in Template.parse(text).leaves
    )


def _value_type(value: object) -> str:
    return "none" if value is None else shape_of_value(value).shown


def _read_load(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that calls `load` of the package; None when it does not."""
    tree = project.main.tree
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and external_name(tree, node.func) in _LOADS:
            first = node.args[0] if node.args else None
            path = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            return ScriptParameters("load", (), tuple(project.problems), True, path)
    return None
