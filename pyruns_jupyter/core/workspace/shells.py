"""Shells: which one the user works in, and how each one runs a script.

Scripts are never translated from one shell to another. All differences between shells are in this file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME, SHELL_CONFIG

if TYPE_CHECKING:
    from .settings import Settings


class ShellKind(NamedTuple):
    """One kind of shell: its script's suffix, the words between the shell and the script, and how the script
    is stored.
    """

    suffix: str = ".sh"
    words: tuple[str, ...] = ()
    encoding: str = "utf-8"
    line_end: str = "\n"


# `-File` ends PowerShell's own options; without a policy Windows runs no scripts at all. Windows PowerShell
# (not `pwsh`) reads UTF-8 in the system's code page unless the file begins with a byte order mark.
_POWERSHELL = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File")
_KINDS = {
    "pwsh": ShellKind(".ps1", _POWERSHELL),
    "powershell": ShellKind(".ps1", _POWERSHELL, encoding="utf-8-sig"),
    # `/d`: no AutoRun of the registry. `cmd` finds labels reliably only with Windows line ends.
    "cmd": ShellKind(".cmd", ("/d", "/c"), line_end="\r\n"),
    "fish": ShellKind(".fish"),
    "nu": ShellKind(".nu"),
    "xonsh": ShellKind(".xsh"),
    **dict.fromkeys(("bash", "sh", "dash", "zsh", "ksh", "mksh", "ash", "tcsh", "csh", "yash"), ShellKind()),
}
_USUAL = ("powershell", "cmd") if os.name == "nt" else ("bash", "sh")
_VERSION = re.compile(r"(?<=[a-z])-?\d[\d.]*$")  # zsh-5.9, bash5


def kind_of(shell: str) -> str:
    """Return the kind of a shell by its path: `bash`, `fish`, `powershell`, ..."""
    name = PurePath(shell.replace("\\", "/")).name.lower().removesuffix(".exe").lstrip("-")
    return name if name in _KINDS else _VERSION.sub("", name)


def script_name(shell: str) -> str:
    """Return the file name of a task's script for this shell."""
    return f"{PurePath(SHELL_CONFIG).stem}{_kind(shell).suffix}"


def script_bytes(shell: str, text: str) -> bytes:
    """Return a script in the encoding and with the line ends of this shell."""
    kind = _kind(shell)
    lines = text if kind.line_end == "\n" else text.replace("\r\n", "\n").replace("\n", kind.line_end)
    return lines.encode(kind.encoding)


def script_suffix(shell: str) -> str:
    """Return the suffix that this shell requires of a script, "" if it accepts any."""
    suffix = _kind(shell).suffix
    return suffix if suffix in (".ps1", ".cmd") else ""


def command_line(shell: str, script: str) -> list[str]:
    """Return the command that runs a script in a shell."""
    return [shell, *_kind(shell).words, script]


def windows_command_line(argv: Sequence[str]) -> str:
    """Return a command as Windows wants it: one line, from which each program takes its own words.

    `cmd /s /c` removes the first and the last quotation mark, and leaves the others.
    """
    import subprocess  # other systems do not need it

    if len(argv) > 1 and kind_of(argv[0]) == "cmd":
        *words, script = argv[1:]
        return f'{subprocess.list2cmdline([argv[0], "/s", *words])} ""{script}""'
    return subprocess.list2cmdline(argv)


def shell_of_task(info: Mapping[str, Any], settings: Settings, search_path: str | None) -> str:
    """Return the path of the shell for a task: that of the project, else the task's own, else bash or sh
    (on Windows PowerShell or cmd).

    Raises:
        NotFound: if that shell does not exist.
    """
    custom = settings.shell_executable if settings.shell_mode == "custom" else ""
    stored = info.get("shell_executable")
    wanted = custom or (stored if isinstance(stored, str) else "")
    for candidate in (wanted,) if wanted else _USUAL:
        found = shutil.which(candidate, path=search_path)
        if found:
            return found
    if not wanted:
        raise NotFound(f"No shell was found. Set shell_mode: custom and shell_executable in {SETTINGS_NAME}.")
    which, remedy = ("", "Change") if custom else (" of this task", "Set shell_mode: custom and")
    raise NotFound(
        f"The shell {wanted}{which} does not exist or cannot be executed. "
        f"{remedy} shell_executable in {SETTINGS_NAME}."
    )


def working_shell(ancestors: Callable[[], Sequence[Ancestor]] | None = None) -> str | None:
    """Return the shell that the user of this process works in: the nearest interactive one among its parent
    processes, else `$SHELL`, else bash or sh; None if there is none.

    A JupyterLab that was started by a hub or a service has no such parent.
    """
    for ancestor in (ancestors or _ancestors)():
        if kind_of(ancestor.executable) in _KINDS and ancestor.is_interactive:
            found = shutil.which(ancestor.executable)
            if found:
                return found
    for candidate in (os.environ.get("SHELL", ""), *_USUAL):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    return None


class Ancestor(NamedTuple):
    """A parent process: its program, and whether it is an interactive shell (if it is a shell)."""

    executable: str
    is_interactive: bool = True


def _ancestors() -> list[Ancestor]:
    import psutil

    found = []
    try:
        parents = psutil.Process().parents()
    except psutil.Error:
        return []
    for process in parents:
        try:
            words, executable = process.cmdline(), process.exe()
        except (psutil.Error, OSError):
            break  # of another user: sudo, or the service that started everything
        name = PurePath(words[0].lstrip("-")).name if words else ""
        named = str(PurePath(executable).with_name(name)) if name else ""
        # One program may be several shells, depending on the name it is started by (busybox, `sh`).
        found.append(Ancestor(named if shutil.which(named) else executable, is_interactive(words[1:])))
    return found


def is_interactive(words: Sequence[str]) -> bool:
    """Return whether a shell with these arguments reads commands from the user, and does not run a script or
    a command given by the arguments.
    """
    left = list(words)
    while left:
        word = left.pop(0)
        if word in _VALUED and left:
            left.pop(0)
        elif _COMMAND.fullmatch(word):
            return any(other.lower() in ("-noexit", "/k") for other in words)
        elif not word.startswith(("-", "+")) and not _SWITCH.fullmatch(word):
            return False
    return True


_VALUED = {"--rcfile", "--init-file", "-o", "+o", "-O", "+O", "-C", "--init-command"}
_COMMAND = re.compile(r"-[A-Za-z]*c|-[Cc]ommand|--command(=.*)?|-[Ff]ile|/[cCkK]")
_SWITCH = re.compile(r"/[A-Za-z](:\w+)?")  # of cmd


def _kind(shell: str) -> ShellKind:
    return _KINDS.get(kind_of(shell), ShellKind())
