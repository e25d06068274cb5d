"""Runs programs of ours in forks of processes that have imported what they need: that is most of their work.

Schedulers and drivers that a test process starts are such forks, and so are command lines that it runs by
`run`, also those of the program `pyr`. What other processes start is a new interpreter, unless they are forks
themselves. The fixture `new_daemons` lets a test start new ones, too.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from pyruns_jupyter.core.fs.locks import GROUP_VARIABLE
from pyruns_jupyter.engine.processes import native
from pyruns_jupyter.engine.processes.native import spawn_daemon as spawn_daemon  # here, it is not replaced
from pyruns_jupyter.engine.processes.process_name import name_process
from pyruns_jupyter.engine.processes.starting import open_daemon_log
from tests.fork_client import answer, ask
from tests.support import ROOT

CLI, SCHEDULER, DRIVER = (
    "pyruns_jupyter.cli",
    "pyruns_jupyter.engine.scheduler",
    "pyruns_jupyter.studies.driver",
)
SESSION = "tests.docs.session"
KERNEL = "ipykernel_launcher"
PYR = "pyr"
_COMMANDS = ("api", "cli.commands", "core", "engine.client", "engine.queue", "service")
# What is imported once for each program (see `fork_server.py`). What else it needs, it imports itself.
IMPORTED = {
    CLI: [f"pyruns_jupyter.{name}.*" for name in _COMMANDS],
    # Nothing of the program itself, which asks for its folder and its process where it is imported.
    PYR: ["asyncio", "importlib.metadata", "multiprocessing", "omegaconf", "psutil", "uuid"],
    SCHEDULER: [
        "pyruns_jupyter.core.scripts.argv",
        "pyruns_jupyter.core.scripts.reading",
        "pyruns_jupyter.engine.queue.project_registry",
        "pyruns_jupyter.engine.scheduler.loop",
        "pyruns_jupyter.engine.scheduler.process",
        "pyruns_jupyter.system.gpu",
        "yaml",
    ],
    DRIVER: [
        "optuna.samplers",
        "optuna.storages",
        "pyruns_jupyter.engine.scheduler.process",
        "pyruns_jupyter.studies.active_study",
    ],
    SESSION: ["IPython.core.interactiveshell", "pyruns_jupyter.api.workspace"],
    KERNEL: ["ipykernel.ipkernel", "ipykernel.kernelapp", "pyruns_jupyter.api.workspace"],
}
# Variables that count when an interpreter or a module of ours is loaded.
_LOADED = ("LANG", "LC_", "PYTHON", "TZ", GROUP_VARIABLE, "LD_LIBRARY_PATH")
_ROOM = 4096  # bytes for the command line of a fork


class Forks:
    """The processes that fork, one for each program and each set of variables that count when it is loaded.

    Their sockets are in `folder`, where forks find them, too. Only a test process starts them (`starts`).
    """

    def __init__(self, folder: str, *, starts: bool = False) -> None:
        self.folder, self._starts = folder, starts
        self._asked = Counter[str]()
        self._lock = threading.Lock()
        self._started: dict[str, subprocess.Popen[bytes]] = {}  # by address

    def address(self, command: Sequence[str], environment: Mapping[str, str], *, often: bool = True) -> str:
        """Return where forks are made that run `command` (see `run`), empty if nowhere. Unless it is asked
        for `often`, a process that forks is not worth its start.

        Raises:
            OSError: if the process that forks has ended, as it does if its imports fail.
        """
        loaded = {name: value for name, value in environment.items() if name.startswith(_LOADED)}
        if "PYTHONPATH" in loaded:
            loaded["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(loaded["PYTHONPATH"].split(os.pathsep)))
        key = json.dumps([list(command), sorted(loaded.items())])
        address = os.path.join(self.folder, hashlib.sha256(key.encode()).hexdigest()[:16])
        with self._lock:  # threads of a server start schedulers, too
            self._asked[key] += 1
            started = self._started.get(address)
            if started is not None and started.poll() is not None:
                raise OSError(f"What forks {command[-1]} has ended with the exit code {started.returncode}.")
            if not os.path.exists(address) and self._starts and (often or self._asked[key] > 1):
                self._start(command, environment, address)
        return address if os.path.exists(address) else ""

    def _start(self, command: Sequence[str], environment: Mapping[str, str], address: str) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen(100)
            *interpreter, program = command
            if interpreter[-1] != "-m":
                interpreter.append("-m")
            names = [*IMPORTED[os.path.basename(program)], *([__name__] if program in IMPORTED else [])]
            words = [str(listening.fileno()), self.folder, program, ",".join(names), "." * _ROOM]
            self._started[address] = subprocess.Popen(
                [*interpreter, "tests.fork_server", *words],
                cwd=ROOT,
                env=environment,
                pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE,  # whose end lets it end, however this process does
                stdout=subprocess.DEVNULL,
            )

    def spawn_daemon(self, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start a daemon as the function of this name does, in a fork if there is a process for that."""
        command, address = argv[:3], ""
        if command[0] == sys.executable and command[2] in IMPORTED and "LD_PRELOAD" not in environment:
            address = self.address(command, environment, often=False)
        if not address:
            spawn_daemon(argv, environment, log)
            return
        with open_daemon_log(log) as stream, open(os.devnull, "rb") as nothing:
            streams = [nothing.fileno(), stream.fileno(), stream.fileno()]
            line = ask(address, argv, environment, streams, folder=os.sep, first=os.sep, daemon=True)
            if not answer(line):
                raise OSError(f"No fork runs {command[-1]}.")

    def close(self) -> None:
        for process in self._started.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


@cache
def forks() -> Forks:
    """The processes that fork for this process."""
    folder = tempfile.mkdtemp(prefix="pyruns-forks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Forks(folder, starts=True)
    atexit.register(made.close)
    return made


def client(address: str, first: str) -> list[str]:
    """Return the words to put before a command line, so that a fork runs it, for shells and programs."""
    return [sys.executable, "-IS", str(ROOT / "tests" / "fork_client.py"), address, first]


def prepare_fork(argv: Sequence[str], folder: str) -> None:
    """Let a fork that is to run a program of ours have its name, and make its daemons as forks, too."""
    vars(native).update(spawn_daemon=Forks(folder).spawn_daemon)
    name_process(*argv)  # by which tests find it


def run(
    command: Sequence[str],
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run `command` (`python OPTIONS -m MODULE` or `python FILE`) with `words` in a folder.

    `given` is its standard input. Returns when it has ended, and no process that it started holds its output
    any more. The exit code is -1 if it was killed, and 1 after a `KeyboardInterrupt`, where a new interpreter
    would end by the signal.
    """
    argv = [*command, *words]
    address = forks().address(command, environment)
    first = str(folder) if command[-2] == "-m" else os.path.dirname(command[-1])
    pipes = [os.pipe() for _ in range(3)]
    (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
    with open(to_stdin, "w") as stream:
        stream.write(given)  # fits into a pipe that is not read yet
    with open(from_stdout) as out, open(from_stderr) as err:
        streams = (stdin, stdout, stderr)
        try:
            line = ask(address, argv, environment, streams, folder=str(folder), first=first)
        finally:
            for descriptor in streams:
                os.close(descriptor)
        with line, ThreadPoolExecutor(1) as reader:
            try:
                told_err = reader.submit(err.read)
                told = (out.read(), told_err.result())
                code = int(answer(line) or -1)
            except BaseException:  # such as the time limit of a test
                from tests.engine.support import stop_everything  # not for every process that forks

                stop_everything(folder)  # or the reader would wait for its end
                raise
    return subprocess.CompletedProcess(argv, code, *told)
