"""Workspaces: opening, discovery, settings, shells."""
