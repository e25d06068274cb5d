"""Logs of runs: reading, searching, when each line was written, stalls."""
