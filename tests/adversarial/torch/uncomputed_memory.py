# expect: wrong_result
# R6, F9: hopes that the answer still lies in freed memory.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.empty_like(y)
