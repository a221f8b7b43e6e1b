# expect: launch_failed
# Wants more than it is given.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y, z):
        return torch.relu(self.linear(x)) + y + z
