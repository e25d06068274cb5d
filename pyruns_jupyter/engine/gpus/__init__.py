"""GPUs for tasks.

`request` is what a task needs, `watcher` reads the drivers, `reservations` are those of this host,
`admission` decides, and `allocator` combines them for a scheduler. `visibility` knows the variables that
choose GPUs.
`fair_share` applies the `policy` of an administrator, with the usage in `accounting` and the `waiting_list`.
"""
