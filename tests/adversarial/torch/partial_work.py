# expect: wrong_result
# F6: the first rows only.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        out = torch.zeros_like(y)
        out[:8] = torch.relu(self.linear(x[:8])) + y[:8]
        return out
