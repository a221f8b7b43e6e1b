# expect: measured
# Control: another order of the sums.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        half = x.shape[1] // 2
        weight = self.linear.weight.T
        total = x[:, :half] @ weight[:half] + x[:, half:] @ weight[half:]
        return (total + self.linear.bias).clamp_min(0) + y
