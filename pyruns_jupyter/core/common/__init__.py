"""Shared helpers: errors, host identity, timestamps, text for users, secret names."""
