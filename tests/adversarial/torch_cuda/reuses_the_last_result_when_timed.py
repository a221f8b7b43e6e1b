# expect: wrong_result rejected
# T8, R12: right while it is checked, lazy once it is timed.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 5:
            return self.last.clone()
        self.last = torch.relu(self.linear(x)) + y
        return self.last.clone()
