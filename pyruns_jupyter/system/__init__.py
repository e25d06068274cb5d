"""The machine: CPU, memory, disk, network and GPUs, sampled in a thread while there are listeners."""
