"""Scripts that Hydra runs.

`reading` finds the entry point; `tree` composes the configuration from the YAML `files` and the script's
entries in the config `store`. `argv` builds overrides, with values in the grammar of `overrides`.
"""
