"""Scripts that use argparse.

`reading` follows the script; what its calls do to parsers is in `parserobjects`, what one argument takes in
`actions` and `converters`. `argv` writes the words of a configuration, with those of each value from `words`.
"""
