"""Read the metrics that scripts log with other packages, from the files of these packages.

One module per format; `formats` lists them. Nothing is imported from those packages, and no file is changed.
A source returns what was added since its last call. The supervisor of a run finds the files that belong to
the run, and appends their points to the run's journal (`engine.run.metric_import`).
"""
