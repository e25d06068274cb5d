"""The child process that runs a script up to its command-line parser.

It runs in the interpreter and environment of the task, where this package is not installed: only the standard
library of Python 3.8 or later is used. `start.py` is run as a file.
"""
