"""The tasks of a workspace: rows, index, edits, names, order, trash."""
