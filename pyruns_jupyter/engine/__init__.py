"""Running tasks: one scheduler per project, one supervisor per running task, both on their own."""
