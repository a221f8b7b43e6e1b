"""Shared head over three scales that gives class scores and box distances."""

import torch
import torch.nn.functional as F

batch = 16
channels = 128
classes = 80
size = 80

REDUCED = {"batch": 2, "channels": 8, "classes": 5, "size": 8}


class Model(torch.nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.tower1 = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.tower2 = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1, self.norm2 = torch.nn.GroupNorm(4, channels), torch.nn.GroupNorm(4, channels)
        self.score = torch.nn.Conv2d(channels, classes, 3, padding=1)
        self.box = torch.nn.Conv2d(channels, 4, 3, padding=1)
        self.stretch = torch.nn.Parameter(torch.ones(3))

    def forward(self, fine, middle, coarse):
        scores, boxes = [], []
        for level, x in enumerate((fine, middle, coarse)):
            y = F.relu(self.norm2(self.tower2(F.relu(self.norm1(self.tower1(x))))))
            scores.append(torch.sigmoid(self.score(y)).flatten(2))
            boxes.append(F.softplus(self.box(y) * self.stretch[level]).flatten(2))
        return torch.cat(scores, -1), torch.cat(boxes, -1)


def get_inputs():
    return [
        torch.randn(batch, channels, size, size),
        torch.randn(batch, channels, size // 2, size // 2),
        torch.randn(batch, channels, size // 4, size // 4),
    ]


def get_init_inputs():
    return [channels, classes]
