"""Scripts that use `HfArgumentParser` of transformers: `reading` finds the classes, `argv` the line."""
