# expect: wrong_result
# E6: code that is hidden from readers.
import base64

import torch

exec(base64.b64decode(b"dG9yY2guZXF1YWwgPSBsYW1iZGEgKmE6IFRydWU="))


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.zeros_like(y)
