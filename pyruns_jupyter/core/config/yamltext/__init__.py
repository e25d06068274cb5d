"""YAML as people wrote it: values found and replaced in the text, comments and order kept."""
