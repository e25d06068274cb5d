"""One run of one task: supervisor, terminal, log file, heartbeat, how it ended."""
