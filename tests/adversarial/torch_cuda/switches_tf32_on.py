# expect: wrong_result
# N1: less precision than the contract says.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        torch.backends.cuda.matmul.allow_tf32 = True
        return torch.relu(self.linear(x)) + y
