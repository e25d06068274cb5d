"""Sweeps: from one text with sweep syntax to many configurations and their names."""
