"""Queueing tasks from outside the scheduler: submission, option parsing, diagnosis."""
