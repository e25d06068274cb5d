"""Watchers and streams on asyncio, without a transport: websockets and comms carry them."""
