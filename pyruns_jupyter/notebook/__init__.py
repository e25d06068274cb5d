"""The notebook: magics and widgets."""
