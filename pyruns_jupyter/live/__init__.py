"""What goes on while somebody looks: watchers, streams of logs, events and samples, on asyncio."""
