"""Recurrent cell whose gates see the cell state; the last hidden state of a sequence."""

import torch

batch = 128
steps = 64
width = 256
hidden = 512

REDUCED = {"batch": 3, "steps": 6, "width": 7, "hidden": 5}


class Model(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.inside = torch.nn.Linear(width, 4 * hidden)
        self.again = torch.nn.Linear(hidden, 4 * hidden, bias=False)
        self.peep = torch.nn.Parameter(0.1 * torch.randn(3, hidden))

    def forward(self, x):
        hidden = x.new_zeros(x.shape[0], self.peep.shape[1])
        cell = torch.zeros_like(hidden)
        for step in range(x.shape[1]):
            i, f, g, o = (self.inside(x[:, step]) + self.again(hidden)).chunk(4, dim=-1)
            i = torch.sigmoid(i + self.peep[0] * cell)
            f = torch.sigmoid(f + 1.0 + self.peep[1] * cell)
            cell = f * cell + i * torch.tanh(g)
            hidden = torch.sigmoid(o + self.peep[2] * cell) * torch.tanh(cell)
        return hidden, cell


def get_inputs():
    return [torch.randn(batch, steps, width)]


def get_init_inputs():
    return [width, hidden]
