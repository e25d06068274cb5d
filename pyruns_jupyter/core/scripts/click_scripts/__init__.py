"""Scripts that use click or typer.

`reading` finds the commands of click, `decorators` what stands above them, `options` and `option_types` what
one declaration says; `typer_reading` and `typer_options` do the same for functions. `argv` serves both.
"""
