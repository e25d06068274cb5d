"""The sampler's one thread lives exactly as long as somebody listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pyruns_jupyter.system.sampler import Sampler
from pyruns_jupyter.system.samples import Sample
from tests.support import wait_until


@pytest.fixture
def sampler() -> Iterator[Sampler]:
    made = Sampler(period=0.05, kept=20)
    yield made
    made.stop()
    assert not sampling()


def sampling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pyruns-system"]


def test_nothing_runs_before_somebody_listens(sampler: Sampler) -> None:
    assert not sampler.running
    sample = sampler.sample()
    assert sample["memory"]["total"] > 0
    assert not sampler.running
    assert not sampling()


def test_one_thread_serves_all_listeners_and_ends_with_the_last(sampler: Sampler) -> None:
    heard: dict[str, list[Sample]] = {"one": [], "two": []}
    leave_one = sampler.subscribe(heard["one"].append)
    leave_two = sampler.subscribe(heard["two"].append)
    wait_until(lambda: len(heard["one"]) > 2 and len(heard["two"]) > 2)
    assert len(sampling()) == 1
    leave_one()
    leave_one()  # twice is once
    count = len(heard["two"])
    wait_until(lambda: len(heard["two"]) > count)
    leave_two()
    wait_until(lambda: not sampling())
    assert not sampler.running


def test_a_new_listener_starts_it_again_and_finds_the_history() -> None:
    sampler = Sampler(period=0.05, kept=100_000)  # none of these samples is dropped
    heard: list[Sample] = []
    leave = sampler.subscribe(heard.append)
    wait_until(lambda: len(heard) > 3)
    leave()
    again: list[Sample] = []
    leave = sampler.subscribe(again.append)
    wait_until(lambda: again)
    times = [sample["time"] for sample in sampler.history()]
    assert times == sorted(times)
    assert again[0]["time"] in times
    leave()
    sampler.stop()


def test_the_history_is_bounded(sampler: Sampler) -> None:
    heard: list[Sample] = []
    sampler.subscribe(heard.append)
    wait_until(lambda: len(heard) > 25)
    assert 0 < len(sampler.history()) <= 20


def test_a_listener_that_fails_hurts_nobody(sampler: Sampler, caplog: pytest.LogCaptureFixture) -> None:
    def fail(sample: Sample) -> None:
        raise RuntimeError("no")

    heard: list[Sample] = []
    sampler.subscribe(fail)
    sampler.subscribe(heard.append)
    wait_until(lambda: len(heard) > 2)
    assert "Could not process a sample of the CPU, memory and GPU utilization." in caplog.text


def test_stop_can_be_called_by_a_listener(sampler: Sampler) -> None:
    def stop(sample: Sample) -> None:
        sampler.stop()

    sampler.subscribe(stop)
    wait_until(lambda: not sampling())


def test_a_fresh_sample_is_used_again(sampler: Sampler) -> None:
    slow = Sampler(period=3600)
    assert slow.sample() is slow.sample()
    slow.stop()
