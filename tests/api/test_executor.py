"""`Executor`: functions in tasks, with the interface of `concurrent.futures`."""

from __future__ import annotations

import concurrent.futures
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pyruns_jupyter
from pyruns_jupyter import Executor, Workspace
from pyruns_jupyter.api.executor import TaskFuture
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.export.archive import pack, unpack
from pyruns_jupyter.core.taskfile.task_file import read_task, unreadable
from pyruns_jupyter.engine.queue.status import read_queue
from tests.engine.support import stop_everything
from tests.support import wait_until

ENDED_SECONDS = 120.0
READ_TASK = "pyruns_jupyter.api.executor.read_task"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_everything(tmp_path)


# The functions are made here, so that they are pickled by value: the tasks cannot import this module.
def functions() -> dict[str, Callable[..., Any]]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(
        compile(
            "import os, time\n"
            "class Refused(Exception):\n"
            "    def __init__(self, code, text):\n"
            "        super().__init__(text)\n"
            "        self.code = code\n"
            "def power(base, exponent=2):\n"
            "    print('computing', base)\n"
            "    return base ** exponent\n"
            "def fail(text):\n"
            "    raise FileNotFoundError(text)\n"
            "def refuse():\n"
            "    raise Refused(7, 'no')\n"
            "def hold(path):\n"
            "    while not os.path.exists(path):\n"
            "        time.sleep(0.02)\n"
            "    return path\n"
            "def visible():\n"
            "    return os.environ.get('CUDA_VISIBLE_DEVICES')\n",
            "functions.py",
            "exec",
        ),
        names,
    )
    return names


NAMES = functions()
power, fail, refuse, hold = (NAMES[name] for name in ("power", "fail", "refuse", "hold"))


def running(*futures: TaskFuture[Any]) -> int:
    return sum(future.task.status == "running" for future in futures)


def test_a_call_is_a_task_with_its_value(folder: Path) -> None:
    with Executor(folder) as executor:
        future = executor.submit(power, 3, exponent=4)
        assert isinstance(future, concurrent.futures.Future)
        assert future.result(timeout=ENDED_SECONDS) == 81
    task = future.task
    assert (task.name, task.status, task.workspace.folder.kind) == ("power", "completed", "shell")
    assert task.value() == 81
    assert "computing 3" in task.log()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(power, 1)


def test_exceptions_are_those_of_the_function(folder: Path) -> None:
    with Executor(folder, jobs=3) as executor:
        failed, refused = executor.submit(fail, "gone"), executor.submit(refuse)
        generator = executor.submit(eval, "(n for n in range(3))")
        error = failed.exception(timeout=ENDED_SECONDS)
        assert isinstance(error, FileNotFoundError) and error.args == ("gone",)
        assert "in fail" in str(error.__cause__)
        assert str(error.__cause__).endswith("FileNotFoundError: gone\n"), str(error.__cause__)
        assert "cellrun" not in str(error.__cause__)
        assert failed.task.row.message == "FileNotFoundError: gone"
        # Its own `__init__` refuses what pickle passes to it.
        with pytest.raises(Conflict, match=r"task 'refuse' failed\. .*Refused: no") as caught:
            refused.result(timeout=ENDED_SECONDS)
        assert "in refuse" in str(caught.value.__cause__)
        with pytest.raises(TypeError, match="pickle"):
            generator.result(timeout=ENDED_SECONDS)


def test_map_and_as_completed_run_at_most_jobs_together(folder: Path) -> None:
    with Executor(folder, jobs=2, name="many") as executor:
        assert list(executor.map(power, range(5), timeout=ENDED_SECONDS)) == [0, 1, 4, 9, 16]
        held = [executor.submit(hold, str(folder / f"go{number}")) for number in range(4)]
        wait_until(lambda: running(*held) == 2)
        # The scheduler says so after it has decided about each of the others.
        wait_until(
            lambda: (
                [batch.why for batch in read_queue(folder / "_pyruns_").batches].count(
                    "Concurrency limit reached: 2 of 2 tasks are running (-j 2)."
                )
                >= 2
            )
        )
        assert running(*held) == 2
        wait_until(lambda: sum(future.running() for future in held) == 2)
        for number in range(4):
            (folder / f"go{number}").touch()
        done = concurrent.futures.as_completed(held, timeout=ENDED_SECONDS)
        assert {future.result() for future in done} == {str(folder / f"go{number}") for number in range(4)}
    assert [future.task.name for future in held] == ["many_6", "many_7", "many_8", "many_9"]


def test_queued_calls_can_be_cancelled_and_running_ones_stopped(folder: Path) -> None:
    executor = Executor(folder, jobs=1)
    first, second, third, fourth = (executor.submit(hold, str(folder / "go")) for _ in range(4))
    wait_until(first.running)
    assert not first.cancel()
    assert not TaskFuture(first.task).cancel()  # as before the executor has seen that the task is running
    assert "cancel_requested_at" not in first.task.info
    assert second.cancel() and second.cancelled() and second.cancel()
    assert second.task.status == "cancelled"
    with pytest.raises(concurrent.futures.CancelledError):
        second.result(timeout=0)
    third.task.stop()  # as another process would
    wait_until(third.cancelled)
    assert concurrent.futures.wait([second, third], timeout=ENDED_SECONDS).not_done == set()
    executor.shutdown(wait=False, cancel_futures=True)
    assert fourth.cancelled()
    first.task.stop()
    with pytest.raises(concurrent.futures.CancelledError, match="was stopped"):
        first.result(timeout=ENDED_SECONDS)
    executor.shutdown()


def test_a_killed_process_is_an_error_and_a_retry_is_not(folder: Path) -> None:
    def die_once(path: str) -> str:
        if not os.path.exists(path):
            with open(path, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"

    die_once.__module__ = "__main__"
    with Executor(folder) as executor, Executor(folder, retries=1, retry_delay=0) as again:
        killed = executor.submit(die_once, str(folder / "a"))
        retried = again.submit(die_once, str(folder / "b"))
        with pytest.raises(Conflict, match=r"The task 'die_once' failed\. .+"):
            killed.result(timeout=ENDED_SECONDS)
        assert retried.result(timeout=ENDED_SECONDS) == "survived"
    assert len(retried.task.runs) == 2


def test_a_call_that_ends_its_process_has_no_value(folder: Path) -> None:
    with Executor(folder) as executor:
        ended = [executor.submit(function, 0) for function in (sys.exit, os._exit)]
        failed = executor.submit(sys.exit, 3)
        for future in ended:
            with pytest.raises(Conflict, match=r"ended without a return value\. .* with sys\.exit\(\)\."):
                future.result(timeout=ENDED_SECONDS)
        with pytest.raises(Conflict, match="Exit code 3"):
            failed.result(timeout=ENDED_SECONDS)


@pytest.mark.parametrize("error", [PyrunsError("The scheduler cannot be started."), KeyboardInterrupt()])
def test_a_call_that_cannot_be_queued_leaves_no_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("pyruns_jupyter.engine.client.submit.ensure_scheduler", fail)
    with Executor(folder) as executor, pytest.raises(type(error)):
        executor.submit(power, 3)
    assert len(Workspace.open(folder)) == 0 and Workspace.open(folder).trashed() == []


def test_a_file_that_cannot_be_read_for_a_moment_does_not_end_a_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    error = OSError(errno.EMFILE, "Too many open files")

    def failing(path: Path) -> dict[str, Any]:
        asked.set()
        raise unreadable(path, error) from error

    with Executor(folder) as executor:
        monkeypatch.setattr(READ_TASK, failing)
        future = executor.submit(power, 3)
        assert asked.wait(ENDED_SECONDS)
        asked.clear()
        assert asked.wait(ENDED_SECONDS)
        assert not future.done()
        monkeypatch.setattr(READ_TASK, read_task)
        assert future.result(timeout=ENDED_SECONDS) == 9
        monkeypatch.setattr(READ_TASK, failing)
        damaged = executor.submit(power, 3)
        error = OSError(errno.EACCES, "Permission denied")
        with pytest.raises(Unreadable, match="cannot be read"):
            damaged.result(timeout=ENDED_SECONDS)


def test_an_unexpected_error_ends_one_call_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path) -> dict[str, Any]:
        if path.name == "bad":
            raise ZeroDivisionError
        return read_task(path)

    monkeypatch.setattr(READ_TASK, failing)
    with Executor(folder, name="bad") as executor:
        bad, good = executor.submit(power, 3), executor.submit(power, 3)
        with pytest.raises(ZeroDivisionError):
            bad.result(timeout=ENDED_SECONDS)
        assert good.result(timeout=ENDED_SECONDS) == 9


def test_options_are_those_of_the_tasks(folder: Path) -> None:
    executor = Executor(folder, gpus=0, time_limit="1h")
    assert executor.submit(NAMES["visible"]).result(timeout=ENDED_SECONDS) == ""
    with Executor(folder, time_limit=0.2, grace=0) as short:
        late = short.submit(hold, str(folder / "never"))
        with pytest.raises(Conflict, match="time limit"):
            late.result(timeout=ENDED_SECONDS)


def test_what_cannot_run_is_refused(folder: Path) -> None:
    (folder / "train.py").write_text("print(1)\n")
    with pytest.raises(NotFound):
        Executor(folder / "nowhere")
    for options in ({"gpus": "many"}, {"name": "a/b"}, {"jobs": 0}, {"nonsense": 1}):
        with pytest.raises(InvalidInput):
            Executor(folder, **options)
    with pytest.raises(InvalidInput, match="folder of the script"):
        Executor(Workspace.open(folder / "train.py"))
    executor = Executor(folder)
    with pytest.raises(InvalidInput, match=r"call to power cannot be pickled"):
        executor.submit(power, threading.Lock())
    with pytest.raises(InvalidInput, match="does not exist"):
        Executor(folder, after="nobody")
    assert len(Workspace.open(folder)) == 0


def test_a_module_next_to_the_program_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = folder / "project"
    (folder / "elsewhere").mkdir()
    project.mkdir()
    (folder / "elsewhere" / "helper_of_the_test.py").write_text("def f(x):\n    return x + 1\n")
    monkeypatch.syspath_prepend(str(folder / "elsewhere"))
    import helper_of_the_test  # type: ignore[import-not-found]

    with Executor(project) as executor:
        assert executor.submit(helper_of_the_test.f, 1).result(timeout=ENDED_SECONDS) == 2


def test_calls_outlive_the_process(folder: Path) -> None:
    program = (
        "import os, time\n"
        "from pyruns_jupyter import Executor\n"
        "def work(n):\n"
        f"    while not os.path.exists({str(folder / 'go')!r}): time.sleep(0.02)\n"
        "    return n\n"
        f"executor = Executor({str(folder)!r}, jobs=1)\n"
        "for n in range(3): executor.submit(work, n)\n"
    )
    script = folder / "program.py"
    script.write_text(program)
    root = Path(pyruns_jupyter.__file__).parents[1]
    subprocess.run(
        [sys.executable, str(script)],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=ENDED_SECONDS,
    )
    tasks = Workspace.open(folder).tasks()
    assert all(task.status in ("queued", "running") for task in tasks)
    (folder / "go").touch()
    tasks.wait(timeout=ENDED_SECONDS)
    assert sorted(task.value() for task in tasks) == [0, 1, 2]


def test_an_imported_call_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    with Executor(folder) as executor:
        task = executor.submit(power, 2).task
    given = task.folder / "given.pkl"
    given.write_bytes(given.read_bytes()[:-1] + b"x")  # the signature is of another user
    target = tmp_path / "target"
    target.mkdir()
    with (tmp_path / "t.zip").open("wb") as stream:
        pack(task.workspace.folder, [task.name], stream)
    found = unpack(tmp_path / "t.zip", target)
    theirs = Workspace(found.workspace)["power"].run().wait(timeout=ENDED_SECONDS)
    assert theirs.status == "failed"
    assert "are not loaded" in theirs.log() and "Executor" in theirs.log()


def test_many_threads_may_submit(folder: Path) -> None:
    with Executor(folder, jobs=4) as executor, concurrent.futures.ThreadPoolExecutor(4) as threads:
        futures = list(threads.map(lambda n: executor.submit(power, n), range(12)))
        deadline = time.monotonic() + ENDED_SECONDS
        assert [one.result(timeout=deadline - time.monotonic()) for one in futures] == [
            n * n for n in range(12)
        ]
    assert len({future.task.name for future in futures}) == 12
