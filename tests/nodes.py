"""Nodes of a cluster on this machine.

What a node shares with this machine is its files alone: it has another name, another boot id, and processes
that are not to be seen from here, as the nodes of a real cluster have.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
from pathlib import Path

import psutil

_ENTER = ("unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# A node of its own name and boot, whose processes nobody else sees and which end with it.
_AS_NODE = """
hostname "$1" && mount --bind "$2" /proc/sys/kernel/random/boot_id && shift 2 && exec "$@"
"""


def missing() -> str:
    """What of this machine does not allow nodes, empty when nothing."""
    if os.geteuid() != 0:
        return "only root may start nodes of a cluster"
    probe = [*_ENTER, "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "namespaces are not allowed here"
    return ""


def as_node(name: str, number: int, folder: Path, *words: str) -> list[str]:
    """The words that run a program as a node; its boot id is in a file of `folder`."""
    boot = folder / f"{name}.boot"
    boot.write_text(f"00000000-1111-2222-3333-{number:012d}\n")
    return [*_ENTER, "sh", "-c", _AS_NODE, "sh", name, str(boot), *words]


def kill_node(process: subprocess.Popen[bytes]) -> None:
    """Let a node die with all that runs on it."""
    for child in psutil.Process(process.pid).children():
        child.kill()  # its init, and with it all others
    process.kill()
    process.wait()


def free_ports(count: int) -> list[int]:
    """Return free ports, one after the other, outside of the range from which the system gives ports to
    other programs.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        sockets = [socket.socket() for _ in range(count)]
        try:
            for number, one in enumerate(sockets):
                one.bind(("127.0.0.1", port + number))
            return [port + number for number in range(count)]
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
