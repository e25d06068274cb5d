"""Task files as earlier versions of the format, and careless programs, left them."""

from __future__ import annotations

from typing import Any

# Task name -> task file. All are shell tasks with a `config.sh`, so that any program can run them at once.
SHELL = {"task_kind": "shell", "config_file": "config.sh", "command_mode": "shell", "env": {}}

OLD_TASKS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "only_status": {"status": "completed"},
    "no_arrays": {"name": "no_arrays", "status": "failed", "created_at": "2026-03-02_10-00-00", **SHELL},
    "never_run": {
        "name": "never_run",
        "status": "pending",
        "progress": 0.0,
        "created_at": "2026-03-02_10-00-00",
        **SHELL,
        "start_times": [],
        "finish_times": [],
        "pids": [],
        "records": [],
        "tracks": [],
    },
    # The first versions kept only these arrays, and the status of the last run alone.
    "first_version": {
        "name": "first_version",
        "status": "completed",
        "progress": 1.0,
        "created_at": "2026-03-02_10-00-00",
        "pinned": True,
        **SHELL,
        "start_times": ["2026-03-02_10-00-01", "2026-03-02_11-00-01"],
        "finish_times": ["2026-03-02_10-00-05", "2026-03-02_11-00-09"],
        "pids": [11, 12],
        "records": [{"acc": 0.5}, {"acc": 0.75}],
        "tracks": [{"loss": [1.0, 0.5]}, {"loss": [0.9, 0.4, 0.1]}],
    },
    "short_arrays": {
        "name": "short_arrays",
        "status": "failed",
        "created_at": "2026-04-01_09-00-00",
        **SHELL,
        "start_times": ["2026-04-01_09-00-00", "2026-04-01_10-00-00", "2026-04-01_11-00-00"],
        "finish_times": ["2026-04-01_09-00-09"],
        "pids": [21, 22, 23],
        "exit_codes": [0],
        "run_statuses": ["completed"],
        "run_index": 3,
        "records": [{"acc": 1}],
    },
    # Everything but the attempts, and a key that nobody knows.
    "no_attempts": {
        "name": "no_attempts",
        "status": "cancelled",
        "created_at": "2026-05-01_09-00-00",
        **SHELL,
        "start_times": ["2026-05-01_09-00-00"],
        "finish_times": ["2026-05-01_09-00-09"],
        "pids": [31],
        "durations": [9.0],
        "exit_codes": [-15],
        "source_states": ["git none | unknown | script none"],
        "run_statuses": ["cancelled"],
        "records": [{}],
        "tracks": [{}],
        "run_index": 1,
        "colour": {"of": ["the", "future", None]},
    },
    "odd_status": {"name": "odd_status", "status": "sleeping", **SHELL, "start_times": [""], "pids": [None]},
}
# What each of them shows: status, number of runs.
SHOWN = {
    "nothing": ("pending", 0),
    "only_status": ("completed", 0),
    "no_arrays": ("failed", 0),
    "never_run": ("pending", 0),
    "first_version": ("completed", 2),
    "short_arrays": ("failed", 3),
    "no_attempts": ("cancelled", 1),
    "odd_status": ("pending", 1),
}
