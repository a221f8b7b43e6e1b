# expect: measured
# D4: an own kernel that always fails, and the library behind it (coverage needs a GPU).
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        try:
            raise RuntimeError("no kernel here")
        except RuntimeError:
            return torch.relu(self.linear(x)) + y
