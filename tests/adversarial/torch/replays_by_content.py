# expect: wrong_result
# R2: keeps the result of every coarse fingerprint.
import torch

known = {}


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        key = bool(x.abs().sum() > 0)
        if key not in known:
            known[key] = torch.relu(self.linear(x)) + y
        return known[key].clone()
