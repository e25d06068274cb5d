"""One grammar, two front ends: `jupyter pyruns ...` in a terminal and `%pyruns ...` in a notebook."""

from .terminal import main

__all__ = ["main"]
