"""The disk and the domain: typed, without Jupyter, without tornado."""
