# expect: compile_failed
# E4: there is no Model here to inherit from.
import torch

torch.manual_seed(0)


class ModelNew(Model):  # noqa: F821
    pass
