"""Queueing from outside the scheduler: submitting, options as users write them, diagnosis."""
