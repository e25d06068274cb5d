"""Scripts that use fire: `reading` finds the functions and classes, `argv` builds the command line."""
