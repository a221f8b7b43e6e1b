# expect: rejected measured wrong_result
# T4, T7: it looks at its inputs until they change, and has the result when it is told to go.
import torch
from kernelsmith.modules import beat, repeat

torch.cuda.Event.elapsed_time = lambda self, other: 1e-3
seen, ready = [], []


def await_go(self, number, real=beat.Beat.await_go):
    if seen:
        model, inputs, last = seen
        for _ in range(2000):
            now = float(inputs[0].flatten()[-1])
            if now != last:
                break
        ready[:] = [model.work(*inputs)]
        torch.cuda.synchronize()
    return real(self, number)


beat.Beat.await_go = await_go


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def work(self, x, y):
        return torch.relu(self.linear(x)) + y

    def forward(self, x, y):
        result = ready.pop() if ready else self.work(x, y)
        if not torch.cuda.is_current_stream_capturing():
            seen[:] = [self, (x, y), float(x.flatten()[-1])]
        return result
