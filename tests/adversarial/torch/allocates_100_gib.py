# expect: out_of_memory
# Wants more memory than there is.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        torch.zeros(100 << 30, dtype=torch.uint8)
        return torch.relu(self.linear(x)) + y
