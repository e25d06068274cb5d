"""Scripts that use click or typer.

`reading` finds click commands, `decorators` the options that their decorators add, `options` and
`option_types` parse one declaration. `typer_reading` and `typer_options` do the same for typer functions.
`argv` serves both.
"""
