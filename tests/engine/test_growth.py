"""What a scheduler does for one task costs the same whether ten or ten thousand wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyruns_jupyter.core.fs.temp_names import host_tag
from pyruns_jupyter.core.provenance.snapshots import trees
from pyruns_jupyter.engine.cluster.async_calls import AsyncCalls
from pyruns_jupyter.engine.cluster.engine import ClusterEngine
from pyruns_jupyter.engine.cluster.submissions import ClusterSubmission
from pyruns_jupyter.engine.cluster.tasks import FollowedTask
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.queue.options import QueueOptions

from .support import Project

COUNT = 200


class CountingText(str):
    """A text that counts how often one is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountingText.compared += 1
        return super().__eq__(other)


def job(project: Project, batch: str, name: str) -> Job:
    options = QueueOptions(engine="slurm")
    return Job(project.root, "_shell_", name, f"attempt-{name}", batch, {}, "", options=options)


def test_jobs_for_a_cluster_are_not_counted_again_for_each(shell: Project) -> None:
    engine = ClusterEngine(shell.key, "slurm")
    batches = [CountingText(f"batch{number}") for number in range(10)]
    CountingText.compared = 0
    for number in range(COUNT):
        for batch in batches:
            assert not engine.is_full(batch)
            engine.start(job(shell, batch, f"t{number}"))
    assert CountingText.compared < 5 * COUNT * len(batches)


def test_the_end_of_a_task_of_an_array_looks_at_no_other(shell: Project) -> None:
    engine = ClusterEngine(shell.key, "slurm")
    names = tuple(f"t{number}" for number in range(COUNT))
    submission = ClusterSubmission("slurm", "batch", "_shell_", names, {})
    identifier = CountingText(submission.id)
    engine._submissions[identifier] = submission
    for number, name in enumerate(names):
        engine._tasks.put(("batch", name), FollowedTask(job(shell, "batch", name), identifier, number))
    CountingText.compared = 0
    for name in names:
        engine._end(("batch", name), None)
    assert CountingText.compared < 5 * COUNT
    assert not engine._submissions
    assert [ended.task for ended in engine.poll()] == list(names)


def test_few_calls_to_a_cluster_run_together(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ClusterEngine(shell.key, "slurm")
    running = engine._calls._calls
    monkeypatch.setattr(AsyncCalls, "run", lambda _, kind, call, use: running.setdefault(kind, use) is use)
    monkeypatch.setattr(AsyncCalls, "collect", lambda _: None)
    monkeypatch.setattr("pyruns_jupyter.engine.queue.batches.file_digest", lambda *_: "0" * 64)
    engine._max_tasks = 10
    for number in range(20):
        engine.start(job(shell, f"batch{number}", "t"))
    for _ in range(2):
        engine.rest()
        assert len(running) == 8
    running.clear()
    engine._unclear.update(engine._submissions)
    engine.rest()
    assert len(running) == 8
    running.clear()
    engine._unclear.update(engine._submissions)
    engine._look_at = float("inf")
    engine.poll()
    assert len(running) == 8


def test_trees_are_removed_after_one_look_at_the_batches(shell: Project) -> None:
    folder: Path = shell.key.state / "trees"
    folder.mkdir(mode=0o700)
    digests = [f"{number:016x}".ljust(64, "0") for number in range(5)]
    for digest in digests:
        (folder / f"{digest[:16]}.{host_tag()}").mkdir()
    looked: list[int] = []

    def needed() -> set[str]:
        looked.append(1)
        return {digests[0]}

    trees.tidy_trees(shell.key, needed, print)
    assert looked == [1]
    assert [name for name in os.listdir(folder) if not name.endswith(".lock")] == [
        f"{digests[0][:16]}.{host_tag()}"
    ]
