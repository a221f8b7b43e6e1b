"""Two layers of a recurrence whose gate looks at the input only."""

import torch

batch = 32
steps = 256
width = 512

REDUCED = {"batch": 2, "steps": 9, "width": 6}


class Recurrence(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.gate, self.value = torch.nn.Linear(width, width), torch.nn.Linear(width, width)

    def forward(self, x):
        x = self.norm(x)
        gate, value = torch.sigmoid(self.gate(x)), self.value(x)
        state = torch.zeros_like(x[:, 0])
        states = []
        for step in range(x.shape[1]):
            state = (1.0 - gate[:, step]) * state + gate[:, step] * value[:, step]
            states.append(state)
        return torch.stack(states, dim=1)


class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = torch.nn.ModuleList(Recurrence(width) for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x


def get_inputs():
    return [torch.randn(batch, steps, width)]


def get_init_inputs():
    return [width]
