# expect: compile_failed
# Looks for secrets of the machine.
import torch

with open("/etc/passwd") as file:
    secret = file.read()


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
