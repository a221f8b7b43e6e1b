# expect: launch_failed wrong_result
# S1: the sizes of the task as they are on a GPU.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return (torch.relu(self.linear(x)) + y).view(4096, 1024)
