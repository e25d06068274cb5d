"""One run of a task: supervisor, pseudo-terminal, log file, heartbeat, final state."""
