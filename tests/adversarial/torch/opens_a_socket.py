# expect: compile_failed
# Calls home.
import socket

import torch

socket.create_connection(("127.0.0.1", 80))


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
