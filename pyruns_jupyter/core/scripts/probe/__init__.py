"""Parameters of a script as its own parser declares them: an explicit act, which runs the script up to there.

`child` runs in the interpreter of the task, `answer` validates what it reports, `mapping` makes parameters
of it, and `store` keeps answers until the script changes.
"""
