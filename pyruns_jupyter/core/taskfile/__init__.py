"""The task file and what lies beside it: paths, lock, runs, owners, metadata."""
