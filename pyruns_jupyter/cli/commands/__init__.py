"""The commands: each function runs one and returns the exit code, 0 or 1."""
