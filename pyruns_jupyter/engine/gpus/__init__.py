"""GPUs for tasks.

`request` is what a task needs, `watcher` reads the driver, `reservations` are those of this host, `admission`
decides, and `allocator` combines them for a scheduler.
"""
