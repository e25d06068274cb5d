"""Scripts that read their command line with `OmegaConf.from_cli()`: `key=value`."""
