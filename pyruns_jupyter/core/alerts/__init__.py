"""Alerts of runs: what scripts report, and rules that watch metrics and output."""
