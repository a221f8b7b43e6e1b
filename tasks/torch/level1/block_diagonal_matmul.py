"""Matrix product with a block-diagonal matrix."""

import torch

rows = 8192
blocks = 16
width = 256

REDUCED = {"rows": 9, "blocks": 3, "width": 8}


class Model(torch.nn.Module):
    def __init__(self, blocks, width):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(blocks, width, width) / width**0.5)

    def forward(self, x):
        parts = x.view(x.shape[0], self.weight.shape[0], -1)
        return torch.einsum("rbi,bio->rbo", parts, self.weight).flatten(1)


def get_inputs():
    return [torch.randn(rows, blocks * width)]


def get_init_inputs():
    return [blocks, width]
