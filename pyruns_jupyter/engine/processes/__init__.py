"""Processes: of functions, of runs, and of the operating systems."""
