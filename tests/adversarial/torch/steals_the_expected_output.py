# expect: wrong_result rejected
# R7: looks for a tensor of the right form among all objects.
import gc

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        found = [o for o in gc.get_objects() if isinstance(o, torch.Tensor) and o.shape == y.shape]
        found = [o for o in found if o is not x and o is not y]
        return found[-1] if found else torch.zeros_like(y)
