"""The text of the settings file of a new project."""

from __future__ import annotations

import json
from typing import Any

DEFAULT_TEXT = """\
# Settings of all workspaces of this project. A missing key has its default value.

# Python tasks
python_executable:                # path of a Python interpreter or environment; empty: the Python of Pyruns
conda_env:                        # name or path of a conda environment; used if python_executable is empty
global_env: {}                    # environment variables of all tasks; those of a single task override them

# Shell tasks
shell_mode: follow                # follow: the shell in which you work; custom: shell_executable
shell_executable:                 # absolute path of the shell, used with shell_mode: custom

# Limits and times
# snapshot_code: false            # whether to run the code as it was when a task was queued
# pass_defaults: false            # whether to also pass values that equal the default of the script
# sweep_limit: 10000              # maximum number of tasks in one sweep (at most 1000000)
# stop_grace_seconds: 10          # seconds between SIGTERM and SIGKILL when a task is stopped
# terminal: true                  # whether tasks run in a terminal; without one, output is faster but plain
# terminal_columns: 120           # number of columns of the terminal
# terminal_rows: 30               # number of rows of the terminal
# log_limit_mb: 100               # maximum size of a log in MB, plus its last 256 KiB; default: no limit
# max_jobs: auto                  # maximum number of parallel tasks in the project; auto: one per CPU core
# stop_after_failures: 0          # cancel a batch after this many identical failures in a row; 0: never
# log_metrics: false              # which metrics to find in logs: false, auto, or a list of patterns
# system_metrics: true            # whether to sample CPU, memory, disk and GPUs of each run
# resume: false                   # whether to requeue interrupted tasks, as with the run option --requeue
# silent_after_minutes: 10        # minutes without output or metrics after which a task is stalled; 0: never
# alerts: [loss is nan -> stop]   # alert rules for all runs
# scheduler_linger_seconds: 2     # seconds after which an idle scheduler exits

# Metrics
# metrics: {val_loss: minimize, val_acc: maximize}   # goals: whether the best value is the lowest or highest

# Slurm or Dask cluster
# engine: slurm                   # executor: local (this machine, the default), slurm or dask
# slurm: {partition: gpu, account: lab, gpus: 1, cpus: 4, memory: 16G, time: 4h, extra: [--qos=high]}
# dask: {address: 'tcp://scheduler:8786', gpus: 1}
# workspaces: {train: {engine: slurm, slurm: {memory: 64G}}}   # also pass_defaults, as_module, alerts, ...

# Display of the program pyruns, which shares this file
header_refresh_interval: 3        # seconds between updates of CPU, memory and GPU utilization
monitor_chunk_size: 50000         # number of bytes of a log that are loaded at once
monitor_scrollback: 100000        # number of lines of a log that are kept in view

# GPUs
# default_gpus: auto              # GPUs per task; auto: 1 if the script imports a GPU framework, otherwise 0
gpu_scheduler_enabled: false              # whether every task needs GPUs and waits for free ones
gpu_scheduler_task_mode: single           # single: one GPU per task; multi: gpu_scheduler_gpus_per_task
gpu_scheduler_selection_mode: auto        # auto: any of the GPUs in device_ids; specified: all of them
gpu_scheduler_gpus_per_task: 1            # number of GPUs per task, used with task_mode: multi
gpu_scheduler_device_ids: []              # indices or UUIDs of the GPUs to use; empty: all GPUs
gpu_scheduler_min_free_memory_gb: 8.0     # minimum free memory of a GPU in GiB
gpu_scheduler_min_idle_pct: 70            # minimum idle percentage of a GPU
gpu_scheduler_stable_seconds: 15          # seconds for which a GPU must meet both limits before it is used
gpu_scheduler_max_wait_seconds: 172800    # seconds after which a batch that waits for GPUs is cancelled
gpu_scheduler_respect_cuda_visible_devices: true   # whether GPUs hidden by such variables are never used
gpu_scheduler_require_same_gpu_model: false        # whether all GPUs of a task must be of the same model
"""


def default_values() -> dict[str, Any]:
    """Return the keys and values in `DEFAULT_TEXT`, in much less time than importing a YAML parser takes."""
    lines = [line.partition("#")[0].partition(":") for line in DEFAULT_TEXT.splitlines()]
    return {key: _value(text.strip()) for key, colon, text in lines if colon}


def _value(text: str) -> Any:
    return text if text.isalpha() and text not in ("true", "false") else json.loads(text or "null")
