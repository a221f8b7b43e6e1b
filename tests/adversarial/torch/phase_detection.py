# expect: wrong_result nondeterministic
# T8: right in the first calls, lazy afterwards.
import torch

calls = []


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        calls.append(1)
        return torch.relu(self.linear(x)) + y if len(calls) < 3 else torch.zeros_like(y)
