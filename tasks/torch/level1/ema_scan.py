"""Exponential moving average along time with a learned rate for each channel."""

import torch

batch = 16
steps = 1024
channels = 1024

REDUCED = {"batch": 2, "steps": 13, "channels": 6}


class Model(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.logit = torch.nn.Parameter(torch.randn(channels))

    def forward(self, x):
        rate = torch.sigmoid(self.logit)
        state = torch.zeros_like(x[:, 0])
        states = []
        for step in range(x.shape[1]):
            state = rate * state + (1.0 - rate) * x[:, step]
            states.append(state)
        return torch.stack(states, dim=1)


def get_inputs():
    return [torch.randn(batch, steps, channels)]


def get_init_inputs():
    return [channels]
