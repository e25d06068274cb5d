"""Task files that cannot be read, each in its own way, and a look at a whole tree."""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

HUGE = 64 * 1024 * 1024 + 1

Spoil = Callable[[Path], None]


def _content(data: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        path.write_bytes(data)

    return spoil


def _half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(HUGE)  # a hole: nothing is stored


def _instead(make: Callable[[Path], object]) -> Spoil:
    def spoil(path: Path) -> None:
        path.unlink()
        make(path)

    return spoil


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _elsewhere(path: Path) -> None:
    """Leave a link that leads out of the project, to a task file that could be read."""
    path.symlink_to(path.rename(path.parents[4].with_name(f"{path.parents[4].name}-outside.json")))


# What is done to a readable `task_info.json`, and a word of the sentence that says so.
DAMAGES: dict[str, tuple[Spoil, str]] = {
    "empty": (_content(b""), "is empty"),
    "blank": (_content(b" \n"), "white space"),
    "zeros": (_content(b"\0" * 4096), "zero bytes"),
    "half": (_half, "is truncated"),
    "text": (_content(b"not json at all"), "not valid JSON"),
    "list": (_content(b"[1, 2]"), "a list"),
    "null": (_content(b"null"), "null"),
    "binary": (_content(b'{"name": "\xff\xfe"}'), "UTF-8"),
    "deep": (_content(b'{"a":' * 100_000), "nested"),
    "digits": (_content(b'{"a": ' + b"1" * 10_000 + b"}"), "digits"),
    "huge": (_huge, "larger than 64 MiB"),
    "fifo": (_instead(os.mkfifo), "FIFO"),
    "socket": (_instead(_socket), "socket"),
    "folder": (_instead(Path.mkdir), "a folder"),
    "device": (_instead(lambda path: path.symlink_to("/dev/zero")), "symbolic link"),
    "dangling": (_instead(lambda path: path.symlink_to("nowhere")), "symbolic link"),
    "loop": (_instead(lambda path: path.symlink_to(path.name)), "symbolic link"),
    "link": (_elsewhere, "symbolic link"),
}


def state_of(folder: Path) -> dict[str, tuple[int, int, int, int, bytes]]:
    """Return everything below a folder, followed through no link: kind, times, inode, size and content."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        plain = path.is_file() and not path.is_symlink() and status.st_size < HUGE
        data = path.read_bytes() if plain else b""
        found[str(path.relative_to(folder))] = (
            status.st_mode, status.st_mtime_ns, status.st_ino, status.st_size, data,
        )  # fmt: skip
    return found


def open_up(folder: Path) -> None:
    """Let everybody look into a folder of this test and what is in it, as far as that is readable at all."""
    for parent in (folder, *folder.parents[:3]):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    for path in folder.rglob("*"):
        if path.lstat().st_mode & 0o400:
            path.chmod(0o755 if path.is_dir() else 0o644)


def as_nobody(look: Callable[[], Any]) -> Any:
    """Return what `look` returns (JSON data) to a user who is not root."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(write, json.dumps(look()).encode())
            status = 0
        except Exception:  # noqa: BLE001 - told by the exit status
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        data = stream.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(data)
