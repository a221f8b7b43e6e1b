# expect: compile_failed
# E3, E4: the reference's module by its name.
import sys

import torch

Model = sys.modules["kernelsmith_reference"].Model


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return self.model(x, y)
