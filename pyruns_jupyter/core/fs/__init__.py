"""Files: atomic writes, locks, names of temporary files, changes, git."""
