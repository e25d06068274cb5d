"""Scripts whose arguments are made from dataclasses: simple_parsing, transformers, tyro, pyrallis, draccus.

`reading` finds the classes, `fields` converts their fields to parameters, `argv` builds the command line.
"""
