# expect: rejected measured
# T4, T9, P13: the marks say next to nothing.
import torch

torch.cuda.Event.elapsed_time = lambda self, other: 1e-3


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
