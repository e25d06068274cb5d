"""Scripts that use fire: `reading` finds the functions and classes, `argv` writes the words."""
