"""Rows divided by their length and scaled by one learned number."""

import torch

rows = 32768
width = 4096

REDUCED = {"rows": 5, "width": 131}


class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.full((1,), float(width) ** 0.5))

    def forward(self, x):
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return self.gain * x / length.clamp_min(1e-5)


def get_inputs():
    return [torch.randn(rows, width)]


def get_init_inputs():
    return [width]
