"""Cross entropy with label smoothing, one loss a row; integer labels."""

import torch

rows = 32768
classes = 8192
smoothing = 0.1

REDUCED = {"rows": 9, "classes": 67}


class Model(torch.nn.Module):
    def __init__(self, smoothing):
        super().__init__()
        self.smoothing = smoothing

    def forward(self, logits, labels):
        log_chance = torch.log_softmax(logits, dim=-1)
        hit = log_chance.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        return -(1.0 - self.smoothing) * hit - self.smoothing * log_chance.mean(-1)


def get_inputs():
    return [2.0 * torch.randn(rows, classes), torch.randint(0, classes, (rows,))]


def get_init_inputs():
    return [smoothing]
