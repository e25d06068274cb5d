"""Creating tasks: preview, checks, writing task folders, duplicates."""
