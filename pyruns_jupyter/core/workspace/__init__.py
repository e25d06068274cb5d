"""Workspaces: opening, finding, settings, shells."""
