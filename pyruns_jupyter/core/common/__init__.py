"""What has no subject of its own: errors, host identity, times, text for people, names of secrets."""
