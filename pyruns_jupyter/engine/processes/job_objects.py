"""Job Objects of Windows: a process, and all that it starts, as a group that the kernel knows.

Source: Microsoft's documentation of `winnt.h` and `jobapi2.h`. The structures are those of 64 bits.
"""

from __future__ import annotations

import ctypes
import os
import sys

_EXTENDED_LIMITS, _PROCESS_IDS = 9, 3  # JOBOBJECTINFOCLASS
_KILL_ON_CLOSE, _BREAKAWAY_OK = 0x2000, 0x0800  # JOB_OBJECT_LIMIT_...
_MAX_PROCESSES = 4096


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = [
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("min_working_set", ctypes.c_size_t),
        ("max_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    ]


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = [
        ("basic", BasicLimits),
        ("counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    ]


class ProcessIds(ctypes.Structure):
    """JOBOBJECT_BASIC_PROCESS_ID_LIST."""

    _fields_ = [
        ("assigned", ctypes.c_uint32),
        ("listed", ctypes.c_uint32),
        ("pids", ctypes.c_size_t * _MAX_PROCESSES),
    ]


if sys.platform == "win32":
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.CreateJobObjectW.restype = ctypes.c_void_p
    _kernel.GetCurrentProcess.restype = ctypes.c_void_p

    class ProcessJob:
        """A Job Object with this process and its descendants. Their last processes end with this one."""

        def __init__(self) -> None:
            """Raises OSError if the system refuses it."""
            self._handle = ctypes.c_void_p(_kernel.CreateJobObjectW(None, None))
            limits = ExtendedLimits()
            # Breaking away is for the schedulers that a task starts.
            limits.basic.flags = _KILL_ON_CLOSE | _BREAKAWAY_OK
            size = ctypes.c_uint32(ctypes.sizeof(limits))
            process = ctypes.c_void_p(_kernel.GetCurrentProcess())
            if not (
                self._handle.value
                and _kernel.SetInformationJobObject(
                    self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), size
                )
                and _kernel.AssignProcessToJobObject(self._handle, process)
            ):
                raise ctypes.WinError(ctypes.get_last_error())

        def pids(self) -> list[int]:
            """Return the pids of the descendants of this process that run."""
            found = ProcessIds()
            size = ctypes.c_uint32(ctypes.sizeof(found))
            asked = self._handle, _PROCESS_IDS, ctypes.byref(found), size, None
            if not _kernel.QueryInformationJobObject(*asked):
                raise ctypes.WinError(ctypes.get_last_error())
            return [int(pid) for pid in found.pids[: found.listed] if pid != os.getpid()]
