"""Tasks of a workspace: rows, index, edits, names, order, trash."""
