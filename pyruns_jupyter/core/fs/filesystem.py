"""What Linux reports about a file system or a folder that Python has no call for.

Sources: statfs(2), statx(2), linux/magic.h.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from functools import cache
from pathlib import Path

_NFS, _SMB, _CIFS, _SMB2, _CEPH, _AFS = 0x6969, 0x517B, 0xFF534D42, 0xFE534D42, 0x00C36400, 0x5346414F
_NINE_P, _FUSE, _LUSTRE, _GPFS, _VBOX = 0x01021997, 0x65735546, 0x0BD00BD0, 0x47504653, 0x786F4256
REMOTE = frozenset({_NFS, _SMB, _CIFS, _SMB2, _CEPH, _AFS, _NINE_P, _FUSE, _LUSTRE, _GPFS})
"""Types of file systems on which other hosts change files without our kernel's knowledge."""
RENUMBERED = frozenset({_SMB, _CIFS, _SMB2, _NINE_P, _FUSE, _VBOX})
"""Types of file systems that may give a file another inode number after each mount."""

# Of NFS (before version 4, or told so), Lustre and SMB. Sources: nfs(5), mount.lustre(8), mount.cifs(8).
_LOCAL_LOCKS = frozenset({"nolock", "local_lock=all", "local_lock=flock", "localflock", "nobrl"})

_AT_FDCWD, _NO_FOLLOW, _BIRTH_TIME = -100, 0x100, 0x800
_BIRTH = struct.Struct("@qI")
_BIRTH_OFFSET = 80  # of stx_btime in struct statx


def file_system_type(folder: Path) -> int:
    """Return the type of the file system that holds a folder, 0 where the system does not report it.

    Raises:
        OSError: if the folder cannot be looked up.
    """
    if sys.platform != "linux":
        return 0
    # struct statfs begins with the type, a long; 256 bytes are more than it has anywhere.
    answer = ctypes.create_string_buffer(256)
    if _library().statfs(os.fsencode(folder), answer) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
    (kind,) = struct.unpack_from("@l", answer.raw)
    return int(kind) & 0xFFFFFFFF


def local_locks(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the mount option by which locks on the file system of a folder reach no other host; empty if
    there is none. Whether a server shares the locks that it is told of cannot be found out from one host.
    """
    try:
        device = os.stat(folder).st_dev
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:  # "36 35 98:0 / /mnt rw,noatime - ext3 /dev/root rw,errors=continue"
        words = line.split()
        if len(words) < 7 or words[2] != f"{os.major(device)}:{os.minor(device)}":
            continue
        for option in ",".join([words[5], words[-1]]).split(","):
            if option in _LOCAL_LOCKS:
                return option
    return ""


def birth_time(path: Path) -> int | None:
    """Return when a file or folder (not the target of a link) was created, in nanoseconds since 1970.

    None where the system or the file system does not record it.
    """
    if sys.platform != "linux":
        return None
    answer = ctypes.create_string_buffer(256)
    try:
        failed = _library().statx(_AT_FDCWD, os.fsencode(path), _NO_FOLLOW, _BIRTH_TIME, answer)
    except AttributeError:  # a C library without statx
        return None
    (mask,) = struct.unpack_from("@I", answer.raw)
    if failed or not mask & _BIRTH_TIME:
        return None
    seconds, nanoseconds = _BIRTH.unpack_from(answer.raw, _BIRTH_OFFSET)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
