"""Scripts whose arguments are made from dataclasses: simple_parsing, transformers, tyro, pyrallis, draccus.

`reading` finds the classes, `fields` the parameters that their fields become, `argv` writes the words.
"""
