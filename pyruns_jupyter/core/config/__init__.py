"""Configurations: reading, references, sweeps."""
