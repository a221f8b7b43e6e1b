"""Binary focal loss of logits, averaged."""

import torch
import torch.nn.functional as F

batch = 4096
anchors = 8192

REDUCED = {"batch": 9, "anchors": 65}


class Model(torch.nn.Module):
    def forward(self, logits, target):
        cost = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        chance = torch.exp(-cost)
        weight = 0.25 * target + 0.75 * (1.0 - target)
        return (weight * (1.0 - chance).square() * cost).mean()


def get_inputs():
    return [torch.randn(batch, anchors), (torch.rand(batch, anchors) < 0.2).float()]


def get_init_inputs():
    return []
