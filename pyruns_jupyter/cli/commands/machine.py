"""Commands that show the state of the machine, and that start JupyterLab on it."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound

from ..context import Context
from ..parser import AddCommand


def _system(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.system.sampler import Sampler

    sample = Sampler().sample()
    memory = sample["memory"]
    lines = [
        f"CPU     {sample['cpu']['percent']:.0f} % of {sample['cpu']['cores']} cores",
        f"Memory  {memory['used'] / 2**30:.1f} of {memory['total'] / 2**30:.1f} GiB",
    ]
    for gpu in sample["gpus"]:
        used, total, load = gpu["memory_used"], gpu["memory_total"], gpu["load"]
        size = "memory not available"
        if used is not None and total:
            size = f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB"
        utilization = f"{load:.0f} %" if load is not None else "utilization not available"
        lines.append(f"GPU {gpu['index']}   {utilization}, {size}  {gpu['name']}")
    message = sample["gpu_message"]
    return context.result(args, sample, "\n".join([*lines, message] if message else lines))


def _lab(context: Context, args: argparse.Namespace) -> int:
    import signal
    import subprocess

    workspace = context.open(args.target)
    project = workspace.folder.project
    # Not `python -m jupyterlab`: Python would import it from the current folder, which may be downloaded.
    lab = Path(sys.executable).with_name("jupyter-lab")
    program = str(lab) if lab.exists() else shutil.which("jupyter-lab")
    if program is None:
        raise NotFound("JupyterLab is not installed. Install it with 'pip install jupyterlab'.")
    # JupyterLab gets Ctrl+C too, and asks whether to shut down.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call([program, f"--ServerApp.root_dir={project}"])
    finally:
        signal.signal(signal.SIGINT, previous)


def add_commands(command: AddCommand) -> None:
    """Add the commands of the machine."""
    command("system", _system, workspace=False)

    add = command("lab", _lab, workspace=False, json=False).add_argument
    add(
        "target",
        nargs="?",
        metavar="TARGET",
        default=".",
        help="script, notebook or folder to open (default: the current folder)",
    )
