"""Many questions to a file system: in order, and never many answers at once."""

from __future__ import annotations

import threading
import time

import pytest

from pyruns_jupyter.core.fs import parallel
from pyruns_jupyter.core.fs.parallel import map_files
from tests.support import wait_until


@pytest.mark.parametrize("slow_seconds", [-1.0, 60.0])
@pytest.mark.parametrize("count", [0, 1, 32, 33, 500])
def test_answers_come_in_order(monkeypatch: pytest.MonkeyPatch, slow_seconds: float, count: int) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", slow_seconds)

    def ask(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return -number

    assert list(map_files(ask, range(count))) == [-number for number in range(count)]


def test_few_answers_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", -1.0)
    asked: list[int] = []
    answers = map_files(asked.append, range(1000))
    for _ in range(40):
        next(answers)
    wait_until(lambda: len(asked) >= 40 + parallel._AHEAD)
    time.sleep(0.2)
    assert len(asked) == 40 + parallel._AHEAD
    answers.close()  # type: ignore[attr-defined]  # it is a generator
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("pyruns-files")])
    assert len(asked) <= 40 + 2 * parallel._AHEAD


def test_questions_are_asked_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", -1.0)
    met = threading.Barrier(8, timeout=60)

    def ask(number: int) -> int:
        return met.wait() if number >= parallel._TRIED else -1

    answers = list(map_files(ask, range(parallel._TRIED + 8)))
    assert sorted(answers[parallel._TRIED :]) == list(range(8))


def test_a_processor_that_is_busy_for_a_moment_is_no_slow_file_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", 0.04)

    def ask(number: int) -> int:
        time.sleep(0.9 if number in (3, 4) else 0)  # more than 0.04 s on average
        return threading.get_ident()

    assert set(map_files(ask, range(200))) == {threading.get_ident()}


def test_an_error_in_a_thread_ends_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", -1.0)
    raised: list[MemoryError] = []

    def ask(number: int) -> int:
        if number == 100:
            raise MemoryError
        return number

    def collect() -> None:
        try:
            list(map_files(ask, range(500)))
        except MemoryError as error:
            raised.append(error)

    threading.Thread(target=collect, daemon=True).start()
    wait_until(lambda: raised)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("pyruns-files")])


def test_a_thread_that_cannot_start_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_SLOW_SECONDS", -1.0)
    start, held = threading.Thread.start, threading.Event()

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "pyruns-files_3":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            list(map_files(lambda number: number < parallel._TRIED or held.wait(), range(500)))
    held.set()
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("pyruns-files")])
