"""Watchers and streams on asyncio, independent of their transport (websockets, comms)."""
