# expect: wrong_result
# N1: bf16 products in an fp32 contract.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        product = x.bfloat16() @ self.linear.weight.T.bfloat16()
        return torch.relu(product.float() + self.linear.bias) + y
