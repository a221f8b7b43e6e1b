"""The largest eight values of every row, in order."""

import torch

rows = 16384
width = 8192

REDUCED = {"rows": 5, "width": 61}


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.topk(x, 8, dim=-1).values


def get_inputs():
    return [torch.randn(rows, width)]


def get_init_inputs():
    return []
