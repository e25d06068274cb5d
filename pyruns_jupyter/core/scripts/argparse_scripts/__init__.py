"""Scripts that use argparse.

`reading` evaluates the script. `parserobjects` models the parsers that its calls build, `actions` and
`converters` a single argument. `argv` builds the command line, with the arguments of each value from
`argv_words`.
"""
