"""The scheduler of a project: its loop, its policy, how it starts jobs."""
