"""Image to a sequence of flattened patches of 16 by 16, channels last."""

import torch

batch = 64
channels = 3
rows = 32
cols = 32

REDUCED = {"batch": 2, "channels": 3, "rows": 2, "cols": 3}


class Model(torch.nn.Module):
    def forward(self, x):
        batch, channels, height, width = x.shape
        x = x.view(batch, channels, height // 16, 16, width // 16, 16)
        return x.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, 256 * channels)


def get_inputs():
    return [torch.randn(batch, channels, 16 * rows, 16 * cols)]


def get_init_inputs():
    return []
