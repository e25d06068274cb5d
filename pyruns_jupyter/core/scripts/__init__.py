"""The parameters of a script, read from its source without running it, and the words that pass them to it.

`reading.read_parameters` asks one reader after the other what a script takes; `argv.build_argv` turns a
configuration into its words. What both speak of is in `model` (with `shapes`: what a value looks like).
`source` follows Python source; on it stands one package for each kind of script (`argparse_scripts`,
`click_scripts`, ...), with `reading` and `argv` in each. They share `commandtree` (scripts with commands) and
`filling` (values put to parameters). `commandline` is for scripts of which nothing is understood, and
`defaults` writes the configuration with every default.
"""
