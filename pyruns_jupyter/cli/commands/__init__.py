"""The commands: each function runs one and returns the exit code, 0 or 1."""

from . import create, inspect, maintain, organise, run, study

MODULES = (create, run, study, inspect, organise, maintain)
