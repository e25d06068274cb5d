"""The queue on disk, shared by front ends and the scheduler: batches, jobs, options, starting a scheduler."""
