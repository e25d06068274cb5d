"""The parameters of a script, read from its source without running it, and the words that pass them to it."""
