"""Configurations: reading them, references within them, sweeps."""
