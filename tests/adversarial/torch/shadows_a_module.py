# expect: compile_failed
# E8: puts another torch.py where it might be found first.
import torch

with open("torch.py", "w") as file:
    file.write("allclose = lambda *a: True")


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
