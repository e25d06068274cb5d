"""Keeping what the script writes in the scratch folder.

Files that Python code opens for writing, and folders that it makes, are created below the scratch folder
instead. Anything else that would change files outside it is refused: on Linux by Landlock, which also holds
for libraries in C and for other processes, and everywhere by an audit hook, for Python code.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import os
import shutil
import sys
from typing import Any

from .session import Session

# Audit events of changes, and which of their arguments are the paths that change.
_CHANGES = {
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "shutil.move": (0, 1),
    "shutil.rmtree": (0,),
}
_WITHOUT_FOLDER = ("os.truncate", "shutil.move")  # the others may have a `dir_fd` at the end
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MAX_COPIED = 16 << 20  # bytes of a file that is opened for appending
# Landlock, from linux/landlock.h: reading and executing stay allowed.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_FILE_WRITE, _TRUNCATE, _REFER = 1 << 1, 1 << 14, 1 << 13
_FOLDER_WRITES = sum(1 << bit for bit in range(4, 13))
_OTHER_PLACES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/shm")


def confine(session: Session) -> None:
    """Confine the writes of this process to the scratch folder of the session."""
    _redirect(session)
    _refuse(session)
    session.confined = _restrict(session.scratch)


def _restrict(folder: str) -> bool:
    """Restrict writing with Landlock; return whether the system has it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None, use_errno=True)
        call = library.syscall
        call.restype = ctypes.c_long
        version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION)
        if version < 1:
            return False
        handled = _FILE_WRITE | _FOLDER_WRITES
        handled |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
        attributes = ctypes.c_uint64(handled)
        ruleset = call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(8), 0)
        if ruleset < 0:
            return False
        for place in (folder, *_OTHER_PLACES):
            _allow(call, ruleset, place, handled)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        found = bool(call(_RESTRICT_SELF, ruleset, 0) == 0)
        os.close(ruleset)
        return found
    except (OSError, AttributeError, ValueError, ctypes.ArgumentError):
        return False


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def _allow(call: Any, ruleset: int, place: str, handled: int) -> None:
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    allowed = handled if os.path.isdir(place) else handled & (_FILE_WRITE | _TRUNCATE)
    rule = _Beneath(allowed, descriptor)
    call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(descriptor)


def _outside(session: Session, path: Any) -> str:
    """Return the absolute path of a file that must not be changed; "" for one that may be."""
    try:
        name = os.fsdecode(os.fspath(path))
    except TypeError:
        return ""
    name = os.path.abspath(name)
    if name.startswith(("/dev/", "/proc/")) or name in (session.scratch, session.result):
        return ""
    return "" if name.startswith(session.scratch + os.sep) else name


def _redirect(session: Session) -> None:
    plain_open, os_open, mkdir = builtins.open, os.open, os.mkdir

    def overlay(path: Any) -> str:
        """Return the file below the scratch folder for one outside it; "" when there is none."""
        name = _outside(session, path)
        return session.scratch + "/written" + name if name else ""

    def placed(path: Any, keep: bool) -> str | None:
        """Return the place to write `path` to, with its present content if that is kept."""
        place = overlay(path)
        if not place or (
            not os.path.isdir(os.path.dirname(os.path.abspath(os.fsdecode(path))))
            and not (os.path.isdir(os.path.dirname(place)))
        ):
            return None  # as without the probe: inside the scratch folder, or in a folder that is missing
        os.makedirs(os.path.dirname(place), exist_ok=True)
        session.written[os.path.abspath(os.fsdecode(path))] = None
        if (
            keep
            and not os.path.exists(place)
            and os.path.isfile(path)
            and os.path.getsize(path) <= _MAX_COPIED
        ):
            shutil.copyfile(path, place)
        return place

    def open_here(file: Any, mode: str = "r", *words: Any, **given: Any) -> Any:
        if isinstance(file, (str, bytes, os.PathLike)) and isinstance(mode, str):
            if any(letter in mode for letter in "wax+"):
                file = placed(file, "w" not in mode) or file
            elif session.written and os.path.exists(overlay(file)):
                file = overlay(file)
        return plain_open(file, mode, *words, **given)

    def os_open_here(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & _WRITES and dir_fd is None and isinstance(path, (str, bytes, os.PathLike)):
            path = placed(path, not flags & os.O_TRUNC) or path
        return os_open(path, flags, mode, dir_fd=dir_fd)

    def mkdir_here(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        place = overlay(path) if dir_fd is None else ""
        if not place or os.path.exists(path):
            return mkdir(path, mode, dir_fd=dir_fd)
        session.written[os.path.abspath(os.fsdecode(path))] = None
        made = ""
        for part in place[len(session.scratch) + 1 :].split(os.sep):
            made = made + os.sep + part
            if not os.path.isdir(session.scratch + made):
                mkdir(session.scratch + made, 0o700)
        return None

    def instead(original: Any) -> Any:
        """Return a function that renames or removes a file below the scratch folder for one outside it."""

        def change(path: Any, *words: Any, **given: Any) -> Any:
            place = overlay(path) if isinstance(path, (str, bytes, os.PathLike)) and not given else ""
            if not place or not os.path.exists(place):
                return original(path, *words, **given)
            return original(place, *(placed(word, False) or word for word in words))

        return change

    for name in ("rename", "replace", "remove", "unlink", "rmdir"):
        setattr(os, name, instead(getattr(os, name)))
    builtins.open = open_here
    io.open = open_here
    os.open = os_open_here
    os.mkdir = mkdir_here


def _refuse(session: Session) -> None:
    def hook(event: str, words: Any) -> None:
        if event == "open":
            path, _, flags = words
            if isinstance(flags, int) and flags & _WRITES:
                _check(session, path)
            elif isinstance(path, str):
                session.note_read(path)
        elif event in _CHANGES:
            folder = words[-1] if event not in _WITHOUT_FOLDER and len(words) > 1 else -1
            if folder in (-1, None):  # else the path is relative to an open folder
                for index in _CHANGES[event]:
                    _check(session, words[index])

    sys.addaudithook(hook)


def _check(session: Session, path: Any) -> None:
    if isinstance(path, (str, bytes, os.PathLike)) and _outside(session, path):
        raise PermissionError(
            errno.EACCES,
            "pyruns: no files are changed while the script is asked for its parameters",
            os.fsdecode(path),
        )
