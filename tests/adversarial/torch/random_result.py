# expect: wrong_result nondeterministic
# N6: right sometimes.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y + (torch.rand(1) > 0.5).float()
