"""Two linear layers of the same input, one gating the other."""

import torch
import torch.nn.functional as F

rows = 8192
width = 1024
features = 2816

REDUCED = {"rows": 5, "width": 16, "features": 23}


class Model(torch.nn.Module):
    def __init__(self, width, features):
        super().__init__()
        self.gate = torch.nn.Linear(width, features, bias=False)
        self.value = torch.nn.Linear(width, features, bias=False)

    def forward(self, x):
        return F.silu(self.gate(x)) * self.value(x)


def get_inputs():
    return [torch.randn(rows, width)]


def get_init_inputs():
    return [width, features]
