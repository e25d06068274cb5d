"""Scripts that use absl flags: `reading` finds the definitions, `argv` builds the command line."""
