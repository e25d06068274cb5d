"""Static evaluation of Python source: nothing is run.

`files` parses, and `modules` resolves imports from the project (`import_map`: imports from elsewhere).
`tracing` evaluates statements, with `calling` for calls, `expressions` for values and `classes` for members.
`objects` are the kinds of values, `safe_builtins` the functions whose result is computed. `constants`
evaluates one expression. `functions`, `annotations`, `docstrings` and `classfields` read declarations.
"""
