"""Index of the bucket that every value falls into: integers."""

import torch

rows = 8192
cols = 8192
buckets = 255

REDUCED = {"rows": 9, "cols": 33, "buckets": 13}


class Model(torch.nn.Module):
    def __init__(self, buckets):
        super().__init__()
        self.borders = torch.nn.Parameter(torch.randn(buckets))

    def forward(self, x):
        return torch.bucketize(x, torch.sort(self.borders).values)


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return [buckets]
