"""What those who queue and those who run share: batches, jobs, options, how a scheduler is started."""
