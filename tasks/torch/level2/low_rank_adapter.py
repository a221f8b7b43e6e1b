"""Linear layer with a low-rank correction."""

import torch

rows = 8192
width = 4096
features = 4096
rank = 16

REDUCED = {"rows": 5, "width": 20, "features": 18, "rank": 3}


class Model(torch.nn.Module):
    def __init__(self, width, features, rank):
        super().__init__()
        self.base = torch.nn.Linear(width, features)
        self.down = torch.nn.Linear(width, rank, bias=False)
        self.up = torch.nn.Linear(rank, features, bias=False)

    def forward(self, x):
        return self.base(x) + 2.0 * self.up(self.down(x))


def get_inputs():
    return [torch.randn(rows, width)]


def get_init_inputs():
    return [width, features, rank]
