"""PyTorch modules: the reference and the candidate, each in a process of its own."""
