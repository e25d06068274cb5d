"""Sweeps: from one text with batch syntax to many configurations and their names."""
