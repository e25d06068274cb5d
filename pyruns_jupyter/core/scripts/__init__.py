"""Detection of a script's parameters from its source, without running it, and their command line.

`reading.read_parameters` tries one reader after another; `argv.build_argv` turns a configuration into
command-line arguments. `model` and `types` define the data that both use.
`source` evaluates Python source statically. Each kind of script has a package on top of it
(`argparse_scripts`, `click_scripts`, ...) with the modules `reading` and `argv`. They share `commandtree`
(scripts with subcommands) and `bind_values` (assigns values to parameters). `commandline` is the fallback
for scripts whose parameters could not be detected, and `defaults` writes a configuration with all defaults.
"""
