"""Facts about file systems and folders that Linux reports and Python has no function for.

Sources: statfs(2), statx(2), linux/magic.h.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from pathlib import Path

from pyruns_jupyter.core.common.c_library import c_library, checked

_NFS, _SMB, _CIFS, _SMB2, _CEPH, _AFS = 0x6969, 0x517B, 0xFF534D42, 0xFE534D42, 0x00C36400, 0x5346414F
_NINE_P, _FUSE, _LUSTRE, _GPFS, _VBOX = 0x01021997, 0x65735546, 0x0BD00BD0, 0x47504653, 0x786F4256
# Source: the names of file systems in stat.c of GNU coreutils.
_BEEGFS, _PANFS, _GFS2, _OCFS2, _VMHGFS = 0x19830326, 0xAAD7AAEA, 0x01161970, 0x7461636F, 0xBACBACBC
REMOTE = frozenset(
    {_NFS, _SMB, _CIFS, _SMB2, _CEPH, _AFS, _NINE_P, _FUSE, _LUSTRE, _GPFS, _VBOX}
    | {_BEEGFS, _PANFS, _GFS2, _OCFS2, _VMHGFS}
)
"""Types of file systems on which other hosts change files without our kernel's knowledge."""
RENUMBERED = frozenset({_SMB, _CIFS, _SMB2, _NINE_P, _FUSE, _VBOX})
"""Types of file systems that may give a file another inode number after each mount."""

# Options of NFS, Lustre and SMB. Sources: nfs(5), mount.lustre(8), mount.cifs(8).
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
    import ctypes

    # struct statfs begins with the type, a long; it has less than 256 bytes everywhere.
    answer = ctypes.create_string_buffer(256)
    checked(c_library().statfs(os.fsencode(folder), answer), folder)
    (kind,) = struct.unpack_from("@l", answer.raw)
    return int(kind) & 0xFFFFFFFF


def write_problem(folder: Path) -> OSError | None:
    """Return the error with which writing to the disk of a folder fails now, None if none is known."""
    if sys.platform == "win32":
        return None
    try:
        facts = os.statvfs(folder)
    except OSError as error:
        return error
    is_root = os.geteuid() == 0  # to whom a file system gives the rest that it keeps back from others
    blocks = facts.f_bfree if is_root else facts.f_bavail
    files = facts.f_ffree if is_root else facts.f_favail
    if facts.f_flag & os.ST_RDONLY:
        number = errno.EROFS
    elif (facts.f_blocks and not blocks) or (facts.f_files and not files):
        number = errno.ENOSPC
    else:
        return None
    return OSError(number, os.strerror(number), str(folder))


def local_locks(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the mount option that keeps locks on a folder's file system local to this host, else "".

    Whether a file server shares the locks it receives cannot be determined from one host.
    """
    if sys.platform == "win32":
        return ""
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

    None if the system or the file system does not record it.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    answer = ctypes.create_string_buffer(256)
    try:
        failed = c_library().statx(_AT_FDCWD, os.fsencode(path), _NO_FOLLOW, _BIRTH_TIME, answer)
    except AttributeError:  # a C library without statx
        return None
    (mask,) = struct.unpack_from("@I", answer.raw)
    if failed or not mask & _BIRTH_TIME:
        return None
    seconds, nanoseconds = _BIRTH.unpack_from(answer.raw, _BIRTH_OFFSET)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
