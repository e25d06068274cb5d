"""Fixtures for every test: a server with authentication on, a fake NVML library, the reference program."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from tests.amd_gpus import FakeAmdSmi, recorded
from tests.support import ROOT, reference_program

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

# How long an example takes depends on what else the machine does. The examples are the same in each run;
# `pytest --hypothesis-profile=thorough` looks for others.
settings.register_profile(
    "same", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "thorough", parent=settings.get_profile("same"), max_examples=2000, derandomize=False, database=None
)
settings.load_profile("same")

pytest_plugins = ("pytest_jupyter.jupyter_server",)

# The keys of the tests' projects stay out of the user's home; all processes of a test inherit the folder.
# Each worker of pytest-xdist has its own, since some tests look at all of it.
if STATE_VARIABLE not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    os.environ[STATE_VARIABLE] = tempfile.mkdtemp(prefix="pyruns-state-")
    atexit.register(shutil.rmtree, os.environ[STATE_VARIABLE], ignore_errors=True)

# Folders in the order in which their tests begin: those that take long and wait for other programs first.
ORDER = [
    *("docs", "packaging", "side_by_side", "hub", "slurm", "dask", "cli", "hydra_launcher"),
    *("studies", "engine", "server", "slowhome", "demo", "agents", "api", "notebook"),
]

SPAWN_DAEMON = "pyruns_jupyter.engine.processes.native.spawn_daemon"  # for most tests, not imported
FAKE_NVML_SOURCE = Path(__file__).with_name("fakenvml") / "fakenvml.c"


def pytest_configure(config: pytest.Config) -> None:
    """Let examples not depend on constants of the modules that a process happens to have imported.

    Hypothesis parses each of them, which takes a process up to ten seconds.
    """
    if config.getoption("--hypothesis-profile") != "thorough":
        providers._get_local_constants = providers.Constants  # type: ignore[attr-defined] # no public setting


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect without the garbage collector, which would go through all tests again and again."""
    gc.disable()
    try:
        # Workers begin together, and each would compile the assertions of all files.
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        if worker and session.config.args_source.name == "TESTPATHS":
            import_a_part(int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def import_a_part(number: int, count: int) -> None:
    """Import the files of one of ``count`` workers, so that the others find them compiled."""
    for file in sorted((ROOT / "tests").rglob("test_*.py"))[number::count]:
        with suppress(Exception, pytest.skip.Exception):  # pytest imports it again, and tells what is wrong
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that take long, so that workers, which take file after file, end at the same time."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(ORDER)}
    items.sort(key=lambda item: places.get(item.path.parent, len(places)))


@pytest.fixture(scope="session", autouse=True)
def no_processes_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end, kill what failed tests left running in their folders."""
    yield
    from tests.engine.support import stop_everything  # not for everybody who collects tests

    stop_everything(f"{tmp_path_factory.getbasetemp()}/")


@pytest.fixture(scope="session", autouse=True)
def daemons_are_forks() -> Iterator[None]:
    """Schedulers and drivers that a test process starts do not begin with their imports (see `forks.py`)."""
    if sys.platform != "linux":
        yield
        return
    from tests.forks import forks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SPAWN_DAEMON, forks().spawn_daemon)
        yield


@pytest.fixture
def new_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedulers and drivers start as they do for users: in a new interpreter."""
    from tests.forks import spawn_daemon

    monkeypatch.setattr(SPAWN_DAEMON, spawn_daemon)


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """The extension is on, and every route asks who is there."""
    return {
        "ServerApp": {
            "jpserver_extensions": {"pyruns_jupyter": True},
            "allow_unauthenticated_access": False,
        }
    }


@pytest.fixture
def jp_nbconvert_templates() -> None:
    """None: they would be copied for each server, and no test uses them."""


@dataclass(frozen=True)
class FakeGpu:
    """One device of the fake NVML library. Memory in MiB, load in percent, power in milliwatts."""

    name: str = "Fake GPU"
    total: int = 81920
    used: int = 1024
    load: int = 0
    memory_load: int = 0
    temperature: int = 40
    power: int = 100_000
    processes: tuple[tuple[int, int], ...] = ()

    def line(self) -> str:
        """The device as the library reads it (see fakenvml/fakenvml.c)."""
        fields = (self.name, self.total, self.used, self.load, self.memory_load, self.temperature, self.power)
        processes = ",".join(f"{pid}:{used}" for pid, used in self.processes)
        return ";".join(map(str, fields)) + (f";{processes}" if processes else "")


@dataclass(frozen=True)
class FakeNvml:
    """A compiled fake of libnvidia-ml.so.1 and the file that holds its devices.

    The library is found only by a process that *starts* with ``environment``; ``write`` changes the devices
    while such a process runs.
    """

    folder: Path
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.folder), "FAKE_NVML_STATE": str(self.state)}

    def write(self, gpus: Iterable[FakeGpu]) -> None:
        temporary = self.state.with_suffix(".new")
        temporary.write_text("".join(gpu.line() + "\n" for gpu in gpus), encoding="utf-8")
        temporary.replace(self.state)


@pytest.fixture(scope="session")
def fake_nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a freshly compiled fake libnvidia-ml.so.1."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.fail("a C compiler (gcc) is needed to build the fake NVML library")
    folder = tmp_path_factory.mktemp("fakenvml")
    library = folder / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{library.name}"]
    subprocess.run([compiler, *flags, "-o", str(library), str(FAKE_NVML_SOURCE)], check=True)
    return folder


@pytest.fixture
def fake_nvml(fake_nvml_library: Path, tmp_path: Path) -> FakeNvml:
    """Two idle fake GPUs."""
    fake = FakeNvml(fake_nvml_library, tmp_path / "gpus.txt")
    fake.write([FakeGpu(name="Fake GPU 0"), FakeGpu(name="Fake GPU 1")])
    return fake


@pytest.fixture
def fake_amdsmi(tmp_path: Path) -> FakeAmdSmi:
    """Two idle AMD GPUs."""
    fake = FakeAmdSmi(tmp_path / "amdsmi.json")
    fake.write([recorded(0xA1B2C3D4E5F60001), recorded(0xA1B2C3D4E5F60002)])
    return fake


@pytest.fixture(scope="session")
def reference_pyr() -> Path:
    """The program ``pyr`` of pyruns 0.3.17. Give every process of it a HOME of its own."""
    path = reference_program()
    if path is None:
        pytest.skip("PYRUNS_REFERENCE does not name the program pyr (`make env-pyr` installs it)")
    return path
