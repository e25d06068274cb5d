"""Running tasks as jobs of a cluster: the same supervisor, started where the cluster wants it."""
