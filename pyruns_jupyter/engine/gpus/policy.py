"""The administrator's policy for the GPUs that several users share: quotas, and fair share.

It is a file in the common folder of reservations. Every user can create files there, so it applies only if it
belongs to root or to the owner of the folder, and no other user can change it. Without the file, nothing is
limited, and nothing is recorded.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, os_sentence
from pyruns_jupyter.core.common.host_identity import user_name
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.fs.regular_files import NO_FOLLOW, READ

POLICY_NAME = "policy.yaml"
_MAX_BYTES = 65536
_DAY_SECONDS = 86400.0
_Quota = Annotated[int, Meta(ge=0, le=10_000, description="a whole number of GPUs, 0 or more")]
_Quotas = Annotated[dict[str, _Quota], Meta(description="a mapping of users to whole numbers of GPUs")]
_Days = Annotated[float, Meta(ge=0.01, le=3650, description="a number of days from 0.01 to 3650")]


class GpuPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The policy of a host.

    Attributes:
        fair_share: whether the user with less recent usage goes first when several users wait for a GPU.
        half_life_days: after which usage counts half.
        max_gpus: GPUs that a user may reserve at the same time, None for any number.
        users: other limits for single users, by name or number.
    """

    fair_share: bool = False
    half_life_days: _Days = 7.0
    max_gpus: _Quota | None = None
    users: _Quotas = field(default_factory=dict[str, int])

    @property
    def half_life(self) -> float:
        """The half-life of usage, in seconds."""
        return self.half_life_days * _DAY_SECONDS

    def quota(self, uid: int) -> int | None:
        """Return how many GPUs a user may reserve at the same time, None for any number."""
        if not self.users:
            return self.max_gpus
        return self.users.get(known_name(uid), self.users.get(str(uid), self.max_gpus))


class PolicyFile:
    """The policy in a folder of reservations, which is read again when the file changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / POLICY_NAME
        self._mark: tuple[int, ...] | None = None
        self._known: GpuPolicy | PyrunsError = GpuPolicy()

    def read(self) -> GpuPolicy:
        """Return the policy, the default without a file.

        Raises:
            PyrunsError: if the file of the administrator is damaged.
        """
        try:
            status = os.lstat(self._path)
        except FileNotFoundError:
            self._mark, self._known = None, GpuPolicy()
            return self._known
        except OSError as error:
            raise self._unreadable(os_sentence(error)) from error
        mark = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_uid, status.st_mode)
        if mark != self._mark:
            self._mark = None  # it is read again if that fails
            self._known = self._parse()
            self._mark = mark
        if isinstance(self._known, PyrunsError):
            raise self._known
        return self._known

    def _unreadable(self, reason: str) -> PyrunsError:
        return PyrunsError(f"The GPU policy {self._path} cannot be read. {reason}")

    def _parse(self) -> GpuPolicy | PyrunsError:
        try:
            text = _read_trusted(self._path)
        except OSError as error:
            raise self._unreadable(os_sentence(error)) from error
        except UnicodeDecodeError:
            return self._unreadable("It is not UTF-8 text.")
        if text is None:
            return GpuPolicy()
        try:
            return parse_policy(text)
        except InvalidInput as error:
            where = f"The GPU policy {self._path}, which the administrator set, is not valid"
            return PyrunsError(f"{where}: {error.message}")


def parse_policy(text: str) -> GpuPolicy:
    """Return the policy in a YAML text.

    Raises:
        InvalidInput: if it is not a policy.
    """
    from pyruns_jupyter.core.config.document import parse_config  # only hosts with a policy need it

    values = parse_config(text, "The text")
    users = values.get("users")
    if isinstance(users, dict):
        values["users"] = {str(name): limit for name, limit in users.items()}
    return convert(values, GpuPolicy)


_names: dict[int, str] = {}


def known_name(uid: int) -> str:
    """Return the login name of a user, or the id as text while the system does not know the name."""
    name = _names.get(uid) or user_name(uid)
    if name != str(uid):
        _names[uid] = name  # asking again may take long, and holds up other users
    return name


def untrusted_policy(folder: Path) -> str:
    """Return why the policy in a folder of reservations is ignored, "" if it is not, or does not exist."""
    path = folder / POLICY_NAME
    try:
        status = os.lstat(path)
        return _distrust(status, os.stat(folder).st_uid)
    except OSError:
        return ""


def _read_trusted(path: Path) -> str | None:
    """Return the text of the file, None if it is not the administrator's.

    Raises:
        OSError: if it cannot be read.
        UnicodeDecodeError: if it is not UTF-8.
    """
    try:
        descriptor = os.open(path, READ | NO_FOLLOW)
    except OSError:
        if _distrust(os.lstat(path), os.stat(path.parent).st_uid):
            return None
        raise
    try:
        if _distrust(os.fstat(descriptor), os.stat(path.parent).st_uid):
            return None
        return os.read(descriptor, _MAX_BYTES).decode()
    finally:
        os.close(descriptor)


def _distrust(status: os.stat_result, owner: int) -> str:
    """Return why a file is not the administrator's, who owns the folder, "" if it is."""
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        return "it is not a regular file, or has other hard links"
    if status.st_uid not in (0, owner):
        return f"it belongs to {user_name(status.st_uid)}, not to root or the owner of the folder"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users can write to it"
    return ""
