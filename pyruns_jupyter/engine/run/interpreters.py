"""The Python interpreter of a task, and the activation of its virtual or conda environment.

Activation happens here, not in a wrapper around the task, so the process of the task is the script itself.
Source of the variables: the documentation of `venv` and of `conda activate`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME
from pyruns_jupyter.core.workspace.settings import Settings

_TIMEOUT_SECONDS = 60.0  # of conda, or a script of an environment
_MAX_LISTED = 8  # environments in a message


def interpreter_of(settings: Settings, usual: str, environment: dict[str, str]) -> str:
    """Return the path of the interpreter of script tasks, and activate its environment in `environment`.

    That is `python_executable` of the settings (an interpreter, or the folder of an environment), else the
    interpreter of `conda_env`, else `usual`, that of the front end.

    Raises:
        NotFound: when there is no such interpreter or environment.
        InvalidInput: when an activation script of the environment fails.
    """
    python = python_of(settings, usual, environment)
    # Not resolved: the interpreter of a virtual environment is a link to one outside it.
    prefix = Path(os.path.abspath(python)).parent.parent
    if (prefix / "pyvenv.cfg").is_file():
        environment["VIRTUAL_ENV"] = str(prefix)
        environment.pop("PYTHONHOME", None)
        _put_first(environment, Path(python).parent)
    elif (prefix / "conda-meta").is_dir():
        _activate_conda(prefix, environment)
    return python


def python_of(settings: Settings, usual: str, environment: Mapping[str, str], *, patient: bool = True) -> str:
    """Return the path of the interpreter, as `interpreter_of` does, without activating anything.

    Unless `patient`, conda itself is not called, which takes seconds.

    Raises:
        NotFound: when there is no such interpreter or environment.
    """
    if settings.python_executable:
        place = Path(settings.python_executable).expanduser()
        return _python_in(place) if place.is_dir() else _found(str(place), environment.get("PATH"))
    if settings.conda_env:
        return _python_in(_conda_prefix(settings, environment, patient))
    return _found(usual, environment.get("PATH"))


def _found(executable: str, search_path: str | None) -> str:
    found = shutil.which(executable, path=search_path)
    if found:
        return found
    raise NotFound(
        f"The Python interpreter {executable} does not exist or cannot be executed. "
        f"Change python_executable in {SETTINGS_NAME}."
    )


def _conda_prefix(settings: Settings, environment: Mapping[str, str], patient: bool) -> Path:
    """Return the folder of the conda environment that the settings name, by name or path."""
    wanted = settings.conda_env
    if "/" in wanted or os.sep in wanted:
        prefix = Path(wanted).expanduser()
        if (prefix / "conda-meta").is_dir():
            return prefix
        raise NotFound(
            f"The folder {wanted}, which is conda_env in {SETTINGS_NAME}, is not a conda environment."
        )
    known: dict[str, Path] = {}
    for prefix in _known_prefixes(settings, environment, patient):
        name = prefix.name if prefix.parent.name == "envs" else "base"
        known.setdefault(name, prefix)
        if name == wanted:
            return prefix
    found = f" Found: {', '.join(sorted(known)[:_MAX_LISTED])}." if known else " conda was not found."
    raise NotFound(f"The conda environment {wanted!r} in {SETTINGS_NAME} does not exist.{found}")


def _known_prefixes(settings: Settings, environment: Mapping[str, str], patient: bool) -> Iterator[Path]:
    """Yield the folders of conda environments; those that are found quickly come first."""
    seen = set()
    for prefix in _candidates(settings, environment, patient):
        if prefix not in seen and (prefix / "conda-meta").is_dir():
            seen.add(prefix)
            yield prefix


def _candidates(settings: Settings, environment: Mapping[str, str], patient: bool) -> Iterator[Path]:
    conda = shutil.which(settings.conda_executable, path=environment.get("PATH"))
    programs = [program for program in (conda, environment.get("CONDA_EXE")) if program]
    roots = [Path(program).resolve().parent.parent for program in programs]
    roots += [Path(root) for name in ("MAMBA_ROOT_PREFIX", "CONDA_ROOT") if (root := environment.get(name))]
    yield from roots
    folders = [root / "envs" for root in roots]
    for name in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"):
        folders += [Path(entry) for entry in environment.get(name, "").split(os.pathsep) if entry]
    home = Path(environment.get("HOME") or Path.home())
    for folder in [*folders, home / ".conda" / "envs"]:
        if folder.is_dir():
            yield from sorted(folder.iterdir())
    try:
        listed = read_text(home / ".conda" / "environments.txt")
    except (OSError, Unreadable):
        listed = ""
    yield from (Path(line) for line in listed.split("\n") if line)
    if conda and patient:
        yield from _listed_by_conda(conda, environment)


def _listed_by_conda(conda: str, environment: Mapping[str, str]) -> list[Path]:
    import subprocess  # slow to import, and few tasks use conda

    try:
        found = subprocess.run(
            [conda, "env", "list", "--json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        return [Path(prefix) for prefix in json.loads(found.stdout)["envs"]]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return []


def _python_in(prefix: Path) -> str:
    for place in ("bin/python", "python.exe", "Scripts/python.exe"):
        if os.access(prefix / place, os.X_OK):
            return str(prefix / place)
    raise NotFound(
        f"There is no Python interpreter in {prefix}. Change python_executable or conda_env in "
        f"{SETTINGS_NAME}."
    )


def _put_first(environment: dict[str, str], folder: Path) -> None:
    entries = environment.get("PATH", os.defpath).split(os.pathsep)
    if entries[0] != str(folder):
        rest = [entry for entry in entries if entry != str(folder)]
        environment["PATH"] = os.pathsep.join([str(folder), *rest])


def _activate_conda(prefix: Path, environment: dict[str, str]) -> None:
    name = prefix.name if prefix.parent.name == "envs" else "base"
    if environment.get("CONDA_PREFIX") == str(prefix):
        _put_first(environment, prefix / "bin")
        return  # the task was queued from it
    environment["CONDA_PREFIX"] = str(prefix)
    environment["CONDA_DEFAULT_ENV"] = name
    environment["CONDA_SHLVL"] = "1"
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PYTHONHOME", None)
    _put_first(environment, prefix / "bin")
    try:
        variables = json.loads(read_text(prefix / "conda-meta" / "state"))["env_vars"]
        environment.update({str(key): str(value) for key, value in variables.items()})
    except (OSError, Unreadable, ValueError, KeyError, TypeError, AttributeError):
        pass  # it sets no variables
    scripts = sorted((prefix / "etc" / "conda" / "activate.d").glob("*.sh"))
    if scripts:
        environment.update(_sourced(scripts, environment))


def _sourced(scripts: list[Path], environment: dict[str, str]) -> dict[str, str]:
    """Return the environment after activation scripts, which come with compilers, CUDA and others."""
    import subprocess

    shell = shutil.which("bash") or shutil.which("sh") or "/bin/sh"
    words = 'for one in "$@"; do . "$one" >&2 || exit 1; done; exec env -0'
    try:
        done = subprocess.run(
            [shell, "-c", words, "activate", *map(str, scripts)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InvalidInput(
            f"The conda environment {scripts[0].parents[3]} cannot be activated: {error}.", field="conda_env"
        ) from error
    found = dict(
        entry.split("=", 1)
        for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0")
        if "=" in entry
    )
    for name in ("_", "SHLVL", "PWD", "OLDPWD"):
        found.pop(name, None)
    return found
