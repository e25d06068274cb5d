"""Searching and sorting 10,000 tasks in memory, compared to a bare `sorted` of as many names.

    python bench/query.py [TASKS]

Each figure is the best of several rounds: parsing, filtering, sorting and the first page of 200. Which keys
the tasks have is known from the index and configurations are loaded, as in a workspace that is open.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from pyruns_jupyter.core.query import Sources, select
from pyruns_jupyter.core.taskfile.runs import STATUSES
from pyruns_jupyter.core.tasks.row import TaskRow, with_values

ROUNDS = 7
QUERIES = [
    ("", "created"),
    ("", "name"),
    ("status:failed,running", "created"),
    ("lr<0.01", "created"),
    ("lr:1e-4..1e-2 opt:adam,sgd -status:failed", "acc"),
    ("acc>=0.9 OR (status:failed started>2d)", "-acc,name"),
    ("resnet adam", "duration"),
    ("nothing-like-this", "created"),
    (r"/seed=\d*7$/", "name"),
    ("has:acc no:note is:pinned", "lr"),
    ("batch_size>=64", "loss"),
]


def make_rows(count: int) -> list[TaskRow]:
    """Return the rows of a sweep that partly ran."""
    draw = random.Random(1)
    base = TaskRow("", "pending", "python", False, None, 0, 0, None, None, None, None, None)
    rows = []
    for number in range(count):
        status = STATUSES[draw.randrange(6)]
        lr = draw.choice([1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
        swept = {"optimizer.lr": lr, "opt": draw.choice(["adam", "sgd", "lion"]), "seed": number % 97}
        ended = status in ("completed", "failed")
        rows.append(
            with_values(
                base,
                name=f"ablation_{number}_resnet_lr={lr}",
                status=status,
                pinned=number % 1000 == 0,
                created_at=1.79e9 + number // 50,
                runs=int(ended),
                run=int(ended),
                started_at=1.79e9 + draw.random() * 1e6 if ended else None,
                duration=draw.random() * 1e4 if ended else None,
                swept=swept,
                figures={"acc": draw.random(), "loss": draw.random() * 3} if ended else {},
            )
        )
    draw.shuffle(rows)
    return rows


def best(work: Callable[[], object]) -> float:
    """Return the shortest time of several rounds, in ms."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """Print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows = make_rows(count)
    configs = {row.name: {**row.swept, "batch_size": 32 * (1 + row.swept["seed"] % 4)} for row in rows}
    shapes = Counter(row.shape for row in rows)
    sources = Sources(lambda: configs, shapes=shapes)
    names = [row.name for row in rows]
    bare = best(lambda: sorted(names, key=str.casefold))
    print(f"{count:,} tasks; a bare sorted(names, key=str.casefold): {bare:.1f} ms\n")
    print("| search | sort | found | ms | times a bare sort |\n| --- | --- | --- | --- | --- |")
    for text, sort in QUERIES:
        found = select(rows, text, sort=sort, sources=sources)
        took = best(lambda text=text, sort=sort: select(rows, text, sort=sort, sources=sources))  # type: ignore[misc]  # a default in a lambda has no type
        shown = text.replace("|", "\\|") or " "
        print(f"| `{shown}` | {sort} | {found.total:,} | {took:.1f} | {took / bare:.1f} |")


if __name__ == "__main__":
    main()
