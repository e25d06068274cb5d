"""Follows Python source without running it.

First `files` parses and `modules` finds what the script imports from its project (`origins`: what it imports
from elsewhere). Then `tracing` follows statements, with `calling` for calls, `expressions` for values and
`classes` for members; `objects` are the values that are met, `purecalls` the functions that are computed;
`constants` is the short way to the value of one expression. `functions`, `annotations`, `docstrings` and
`classfields` tell what declarations say.
"""
