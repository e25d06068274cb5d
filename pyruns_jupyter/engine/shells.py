"""Which shell runs a shell task, and how each kind takes its payload."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from pyruns_jupyter.core.errors import NotFound
from pyruns_jupyter.core.layout import SETTINGS_NAME
from pyruns_jupyter.core.settings import Settings


def shell_of(info: Mapping[str, Any], settings: Settings, search_path: str | None) -> str:
    """Return the path of the shell for a task: the one set for the project, else its own, else bash or sh.

    Raises:
        NotFound: when the shell that was asked for is not there.
    """
    if settings.shell_mode == "custom" and settings.shell_executable:
        found = shutil.which(settings.shell_executable, path=search_path)
        if found:
            return found
        raise NotFound(
            f"The shell {settings.shell_executable} does not exist or cannot be executed. "
            f"Change shell_executable in {SETTINGS_NAME}."
        )
    wanted = info.get("shell_executable")
    if isinstance(wanted, str) and wanted:
        found = shutil.which(wanted, path=search_path)
        if found:
            return found
        raise NotFound(
            f"The shell {wanted} of this task does not exist or cannot be executed. "
            f"Set shell_mode: custom and shell_executable in {SETTINGS_NAME}."
        )
    for candidate in ("bash", "sh"):
        found = shutil.which(candidate, path=search_path)
        if found:
            return found
    raise NotFound(f"No shell was found. Set shell_mode: custom and shell_executable in {SETTINGS_NAME}.")


def shell_argv(shell: str, payload: str) -> list[str]:
    """Return the command line that makes `shell` run the file `payload`."""
    return [shell, payload]
