"""Soft Dice score of every class of a segmentation."""

import torch

batch = 16
classes = 21
height = 512
width = 512

REDUCED = {"batch": 2, "classes": 4, "height": 9, "width": 11}


class Model(torch.nn.Module):
    def forward(self, logits, target):
        chance = torch.softmax(logits, dim=1)
        hit = (chance * target).sum((2, 3))
        mass = chance.sum((2, 3)) + target.sum((2, 3))
        return 1.0 - (2.0 * hit + 1.0) / (mass + 1.0)


def get_inputs():
    return [torch.randn(batch, classes, height, width), torch.rand(batch, classes, height, width)]


def get_init_inputs():
    return []
