"""The demo: the Python of Pyruns in a browser, where processes, GPUs and the machine are simulated."""
