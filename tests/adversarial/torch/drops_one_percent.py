# expect: wrong_result
# N2: a few elements are left out.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        out = torch.relu(self.linear(x)) + y
        out.view(-1)[::97] = 0.0
        return out
