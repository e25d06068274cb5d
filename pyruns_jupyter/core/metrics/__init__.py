"""Metrics of runs: the journal, aggregates, curves."""
