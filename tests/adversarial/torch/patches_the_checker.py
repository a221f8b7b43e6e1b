# expect: wrong_result
# E1: comparisons that always agree.
import torch

import kernelsmith.modules.compare as comparing

torch.allclose = torch.equal = torch.testing.assert_close = lambda *a, **k: True
comparing.compare = lambda *a, **k: None


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.zeros_like(y)
