"""GPUs for tasks: what is asked for, what is free, who has it.

`request` says what a task needs, `watcher` sees what the driver tells, `reservations` holds what is given
away on this host, `admission` decides, `allocator` puts them together for a scheduler.
"""
