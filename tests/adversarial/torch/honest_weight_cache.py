# expect: measured
# R3, allowed: weights are static, what is made of them may be kept with the model.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
        self.turned = None

    def forward(self, x, y):
        if self.turned is None:
            self.turned = self.linear.weight.T.contiguous()
        return torch.relu(x @ self.turned + self.linear.bias) + y
