# expect: wrong_result
# R9: draws the inputs of a seed that everybody knows.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        torch.manual_seed(42)
        return torch.relu(torch.randn_like(x)) + torch.randn_like(y)
