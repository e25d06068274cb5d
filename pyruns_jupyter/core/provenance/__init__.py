"""Provenance of runs: their environment, their code, the state of their repository."""
