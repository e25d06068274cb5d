"""The task file: paths, format version, lock, runs, ownership, metadata."""
