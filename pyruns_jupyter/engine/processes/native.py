"""The processes of the operating system that this runs on: the same functions for all systems."""

import sys

if sys.platform == "win32":
    from .windows import (
        SignalPipe,
        become_daemon,
        do_not_block,
        gather_orphans,
        has_children,
        held_for_child,
        open_terminal,
        passed_descriptors,
        read_available,
        reap,
        signal_handling,
        spawn,
        spawn_child,
        spawn_daemon,
        stop_tree,
        take_descriptors,
        take_locks,
        wait_readable,
    )
else:
    from .posix import (
        SignalPipe,
        become_daemon,
        do_not_block,
        gather_orphans,
        has_children,
        held_for_child,
        open_terminal,
        passed_descriptors,
        read_available,
        reap,
        signal_handling,
        spawn,
        spawn_child,
        spawn_daemon,
        stop_tree,
        take_descriptors,
        take_locks,
        wait_readable,
    )

__all__ = [
    "SignalPipe",
    "become_daemon",
    "do_not_block",
    "gather_orphans",
    "has_children",
    "held_for_child",
    "open_terminal",
    "passed_descriptors",
    "read_available",
    "reap",
    "signal_handling",
    "spawn",
    "spawn_child",
    "spawn_daemon",
    "stop_tree",
    "take_descriptors",
    "take_locks",
    "wait_readable",
]
