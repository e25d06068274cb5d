"""Scripts whose constants a `configurator.py` overrides, as in nanoGPT: `--key=value`, or a file of them."""
