"""The scheduler of a project: its loop, its start policy, how it dispatches jobs."""
