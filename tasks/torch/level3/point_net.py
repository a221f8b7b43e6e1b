"""Shared network over points, maximum over the cloud, joined with every point again."""

import torch
import torch.nn.functional as F

batch = 32
points = 4096
features = 64
width = 256

REDUCED = {"batch": 2, "points": 13, "features": 5, "width": 8}


class Model(torch.nn.Module):
    def __init__(self, features, width):
        super().__init__()
        self.point1, self.point2 = torch.nn.Linear(features, width), torch.nn.Linear(width, width)
        self.joined, self.last = torch.nn.Linear(2 * width, width), torch.nn.Linear(width, features)

    def forward(self, x):
        local = F.relu(self.point2(F.relu(self.point1(x))))
        cloud = local.amax(1, keepdim=True).expand_as(local)
        return self.last(F.relu(self.joined(torch.cat((local, cloud), dim=-1))))


def get_inputs():
    return [torch.randn(batch, points, features)]


def get_init_inputs():
    return [features, width]
