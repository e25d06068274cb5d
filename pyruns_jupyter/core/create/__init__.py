"""Creating tasks: preview, checks, putting them into place, duplicates."""
