"""What the machine does: CPU, memory and GPUs, measured in a thread and only while somebody listens."""
