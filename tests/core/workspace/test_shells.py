"""The words that each shell gets, and which shell people work in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyruns_jupyter.core.workspace import shells
from pyruns_jupyter.core.workspace.shells import Ancestor

POWERSHELL = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]


@pytest.mark.parametrize(
    ("shell", "kind", "name", "words"),
    [
        ("/bin/bash", "bash", "config.sh", []),
        ("/usr/bin/zsh-5.9", "zsh", "config.sh", []),
        ("/bin/dash", "dash", "config.sh", []),
        ("/usr/bin/fish", "fish", "config.fish", []),
        ("/opt/nu", "nu", "config.nu", []),
        ("/opt/own shell", "own shell", "config.sh", []),
        ("/usr/bin/pwsh", "pwsh", "config.ps1", POWERSHELL),
        (r"C:\Program Files\PowerShell\7\pwsh.exe", "pwsh", "config.ps1", POWERSHELL),
        (
            r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
            "powershell",
            "config.ps1",
            POWERSHELL,
        ),
        (r"C:\Windows\System32\cmd.exe", "cmd", "config.cmd", ["/d", "/c"]),
    ],
)
def test_each_shell_is_called_in_its_own_way(shell: str, kind: str, name: str, words: list[str]) -> None:
    assert shells.kind_of(shell) == kind
    assert shells.script_name(shell) == name
    assert shells.command_line(shell, "/x/a b") == [shell, *words, "/x/a b"]


@pytest.mark.parametrize(
    ("shell", "script", "line"),
    [
        (
            r"C:\Program Files\pwsh.exe",
            r"C:\R & D\100%\it's.ps1",
            f'"C:\\Program Files\\pwsh.exe" {" ".join(POWERSHELL)} "C:\\R & D\\100%\\it\'s.ps1"',
        ),
        # `cmd` removes the first and the last quotation mark, and runs what is between them.
        (r"C:\Windows\System32\cmd.exe", r"C:\x.cmd", r'C:\Windows\System32\cmd.exe /s /d /c ""C:\x.cmd""'),
        (r"C:\Windows\cmd.exe", r"C:\R&D (1)\x.cmd", r'C:\Windows\cmd.exe /s /d /c ""C:\R&D (1)\x.cmd""'),
        ("/bin/my shell", "/x/a b", '"/bin/my shell" "/x/a b"'),
    ],
)
def test_a_command_line_of_windows(shell: str, script: str, line: str) -> None:
    assert shells.windows_command_line(shells.command_line(shell, script)) == line


def test_words_of_a_script_keep_their_quotation_marks_and_backslashes() -> None:
    argv = [
        r"C:\Python\python.exe",
        r"C:\a b\job.py",
        "--name",
        'say "hi"',
        "--dir",
        "C:\\a b\\",
        "",
        "--x=1",
    ]
    assert shells.windows_command_line(argv) == (
        r'C:\Python\python.exe "C:\a b\job.py" --name "say \"hi\"" --dir "C:\a b\\" "" --x=1'
    )


def test_scripts_are_stored_as_each_shell_reads_them() -> None:
    text = "echo é\necho 2\n"
    assert shells.script_bytes("/bin/bash", text) == text.encode()
    assert shells.script_bytes("pwsh", text) == text.encode()
    assert shells.script_bytes("powershell.exe", text) == b"\xef\xbb\xbf" + text.encode()
    assert shells.script_bytes("cmd.exe", text) == "echo é\r\necho 2\r\n".encode()
    assert shells.script_bytes("cmd.exe", "a\r\nb\n") == b"a\r\nb\r\n"
    assert [shells.script_suffix(shell) for shell in ("bash", "fish", "pwsh", "cmd.exe")] == [
        *("", "", ".ps1", ".cmd"),
    ]


@pytest.mark.parametrize(
    ("words", "interactive"),
    [
        ([], True),
        (["-l"], True),
        (["--login", "-i"], True),
        (["--init-file", "/opt/code/shellIntegration.sh"], True),
        (["--rcfile", "/x", "-i"], True),
        (["-o", "vi"], True),
        (["--init-command", "source x"], True),
        (["-noexit", "-command", "try { . x }"], True),
        (["/k", "prompt.cmd"], True),
        (["/D"], True),
        (["-c", "make lab"], False),
        (["-lc", "jupyter lab"], False),
        (["-ec", "x"], False),
        (["start.sh"], False),
        (["-e", "/usr/local/bin/start.sh", "jupyter"], False),
        (["/c", "start.cmd"], False),
        (["-File", "start.ps1"], False),
        (["-Command", "jupyter lab"], False),
    ],
)
def test_who_types_commands(words: list[str], interactive: bool) -> None:
    assert shells.is_interactive(words) is interactive


@pytest.mark.skipif(os.name == "nt", reason="programs of POSIX")
def test_the_nearest_shell_that_a_person_types_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("fish", "zsh", "python3"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    fish, zsh, python = (str(tmp_path / name) for name in ("fish", "zsh", "python3"))
    monkeypatch.setenv("SHELL", "/bin/sh")
    found = [Ancestor(python), Ancestor(zsh, False), Ancestor(fish), Ancestor(zsh)]
    assert shells.working_shell(lambda: found) == fish
    assert shells.working_shell(lambda: [Ancestor(python), Ancestor(zsh, False)]) == "/bin/sh"
    assert shells.working_shell(lambda: [Ancestor("/no/such/fish")]) == "/bin/sh"
    monkeypatch.setenv("SHELL", "/no/such/shell")
    assert shells.working_shell(list) in (None, *map(str, ("/bin/bash", "/usr/bin/bash")))
