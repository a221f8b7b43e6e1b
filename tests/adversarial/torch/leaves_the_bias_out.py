# expect: wrong_result
# N: a bias that is often zero.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(x @ self.linear.weight.T) + y
