"""Notebooks: what they take is assigned in the cell with the tag `parameters`, as papermill has it."""
