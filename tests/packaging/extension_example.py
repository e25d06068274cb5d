"""Builds the example of an extension that uses Pyruns, without a network.

`python -m tests.packaging.extension_example FOLDER` builds it in a new folder, and writes what JupyterLab
loads to `FOLDER/labextensions/pyruns-example`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

SOURCES = ROOT / "docs" / "extension"
NAME = "pyruns-example"


def copy_sources(folder: Path) -> None:
    """Copy the example into a new folder with the packages of this project, and this project as one."""
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules", "lib", "labextension"))
    modules = folder / "node_modules"
    modules.mkdir()
    for package in (ROOT / "node_modules").iterdir():
        (modules / package.name).symlink_to(package)
    (modules / "pyruns-jupyter").symlink_to(ROOT)


def build_extension(folder: Path, *options: str) -> Path:
    """Build the example in a folder, with options of the compiler; return the folder that JupyterLab loads.

    Raises:
        AssertionError: if it does not compile, with the messages of the compiler.
    """
    path = os.pathsep.join([str(folder / "node_modules" / ".bin"), os.environ["PATH"]])
    for command in (["tsc", *options], ["jupyter-builder", "build", "."]):
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    target = folder / "labextensions" / NAME
    shutil.copytree(folder / "labextension", target)
    return target


if __name__ == "__main__":
    copy_sources(Path(sys.argv[1]))
    build_extension(Path(sys.argv[1]), "--skipLibCheck")  # a test checks all types
