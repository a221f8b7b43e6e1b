"""The Python side of kernelsmith: compiles Triton candidates ahead of time in a sandbox."""
