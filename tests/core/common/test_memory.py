"""Memory while many objects are made at once, and what is given back then."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from pyruns_jupyter.core.common.memory import paused_collector


def test_it_is_as_before_afterwards() -> None:
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.skipif(sys.platform != "linux", reason="only its C library keeps much")
def test_free_memory_is_given_back_after_many_objects() -> None:
    """Most of the first pieces are released, but the last ones keep the heap from shrinking."""
    script = """
import sys
import psutil
from pyruns_jupyter.core.common.memory import release_free_memory

pieces = [bytes(2000) for _ in range(40_000)]
pieces = pieces[-100:]
taken = []
for made in (0, 9_999, 10_000):
    release_free_memory(made)
    taken.append(psutil.Process().memory_info().rss / 2**20)
print(taken[0] - taken[1], taken[1] - taken[2])
"""
    found = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    few, many = map(float, found.stdout.split())
    assert few < 1
    assert many > 50
