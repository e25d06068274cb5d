"""Scripts that Hydra runs.

`reading` finds the entry; `tree` composes the configuration from the YAML `files` and what the script puts
into the `store`. `argv` writes overrides, in the grammar that `overrides` holds.
"""
