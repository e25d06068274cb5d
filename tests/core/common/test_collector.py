"""The garbage collector is paused only inside a block."""

from __future__ import annotations

import gc

from pyruns_jupyter.core.common.collector import paused_collector


def test_it_is_as_before_afterwards() -> None:
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
