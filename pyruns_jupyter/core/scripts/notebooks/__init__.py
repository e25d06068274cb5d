"""Notebooks: their parameters are assigned in the cell with the tag `parameters`, as in papermill."""
