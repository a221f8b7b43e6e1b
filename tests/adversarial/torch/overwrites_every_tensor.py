# expect: out_of_bounds wrong_result
# R8: makes everything zero, the expected output too.
import gc

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        for thing in gc.get_objects():
            if isinstance(thing, torch.Tensor):
                thing.zero_()
        return torch.zeros_like(y)
