"""Watchers, hints of the file system and background work on asyncio."""
