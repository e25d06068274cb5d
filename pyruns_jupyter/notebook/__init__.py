"""Magics and widgets for notebooks."""
