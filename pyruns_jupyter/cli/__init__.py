"""The command line `jupyter pyruns`; the magics `%pyruns` use the same commands."""

from .terminal import main

__all__ = ["main"]
