#!/usr/bin/env python3
"""Times the task library's operations in PyTorch on a GPU: eager, torch.compile, the vendor library.

The same shapes as the tasks' `gpu` time workloads; a median of event-timed calls with the second-level
cache flushed before each, as the evaluator does. Prints a table and writes JSON.

  bench/torch_baselines.py [--tasks a,b] [--compile] [--out bench/results/torch_baselines.json]
"""
import argparse
import json
import pathlib
import sys
import time
import tomllib
from collections.abc import Callable

import torch
import torch.nn.functional as F

Tensors = dict[str, torch.Tensor]
Axes = dict[str, int]
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16, "i32": torch.int32,
          "i64": torch.int64}


def causal_attention(t: Tensors, a: Axes) -> torch.Tensor:
    return F.scaled_dot_product_attention(t["q"][None], t["k"][None], t["v"][None], is_causal=True)


def attention_block(t: Tensors, a: Axes) -> torch.Tensor:
    qkv = t["x"] @ t["w_qkv"] + t["b_qkv"]
    q, k, v = (part.view(a["batch"], a["length"], a["heads"], a["dim"]).transpose(1, 2)
               for part in qkv.chunk(3, dim=-1))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return y.transpose(1, 2).reshape(a["batch"], a["length"], -1) @ t["w_out"] + t["b_out"]


def gemm_group_norm(t: Tensors, a: Axes) -> torch.Tensor:
    h = F.silu(t["x"] @ t["weight"] + t["bias"]) + t["shift"]
    return F.group_norm(h, a["groups"], t["gamma"], t["beta"])


OPERATIONS: dict[str, Callable[[Tensors, Axes], torch.Tensor]] = {
    "argmax": lambda t, a: t["x"].argmax(1),
    "attention": causal_attention,
    "attention_block": attention_block,
    "batched_matmul": lambda t, a: torch.bmm(t["a"], t["b"]),
    "conv2d": lambda t, a: F.conv2d(t["x"], t["weight"], t["bias"]),
    "conv2d_relu_hardswish": lambda t, a: F.hardswish(F.relu(
        F.conv2d(t["x"], t["weight"], t["bias"]))),
    "cross_entropy": lambda t, a: F.cross_entropy(t["logits"], t["labels"], reduction="none"),
    "cumsum": lambda t, a: t["x"].cumsum(1),
    "depthwise_conv": lambda t, a: F.conv2d(
        t["x"], t["weight"][:, None], padding=1, groups=a["channels"]),
    "gelu": lambda t, a: F.gelu(t["x"], approximate="tanh"),
    "gemm_group_norm": gemm_group_norm,
    "histogram": lambda t, a: torch.bincount(t["keys"], minlength=a["bins"]),
    "layer_norm": lambda t, a: F.layer_norm(t["x"], [a["cols"]], t["gamma"], t["beta"]),
    "log_softmax": lambda t, a: F.log_softmax(t["x"], 1),
    "matmul": lambda t, a: t["a"] @ t["b"],
    "matmul_bf16": lambda t, a: t["a"] @ t["b"],
    "matmul_outer": lambda t, a: t["a"] @ t["b"],
    "matmul_tall_k": lambda t, a: t["a"] @ t["b"],
    "matmul_tf32": lambda t, a: t["a"] @ t["b"],
    "matvec": lambda t, a: t["a"] @ t["x"],
    "max_pool2d": lambda t, a: F.max_pool2d(t["x"][None], 4, stride=1, padding=1),
    "rms_norm": lambda t, a: t["x"] / torch.sqrt((t["x"] ** 2).mean(1, keepdim=True) + 1e-5),
    "softmax": lambda t, a: t["x"].softmax(1),
    "spmv": lambda t, a: torch.mv(t["csr"], t["x"]),
    "sum_middle": lambda t, a: t["x"].sum(1),
    "swish": lambda t, a: F.silu(t["x"]),
    "transpose": lambda t, a: t["x"].t().contiguous(),
}
# Eager PyTorch calls a vendor library (cuBLAS, cuDNN, cuSPARSE) for these.
LIBRARY = {"matmul", "matmul_bf16", "matmul_tf32", "matmul_outer", "matmul_tall_k", "batched_matmul",
           "matvec", "conv2d", "depthwise_conv", "spmv", "attention"}


def extent(expression: str, axes: Axes) -> int:
    return int(eval(expression, {"__builtins__": {}}, dict(axes)))  # the repository's own task files


def make_inputs(task: dict, axes: Axes) -> Tensors:
    generator = torch.Generator(device="cuda").manual_seed(1)
    tensors: Tensors = {}
    for spec in task["input"]:
        if "shape" not in spec or spec.get("scalar"):
            continue
        shape = [extent(str(e), axes) for e in spec["shape"]]
        dtype = DTYPES[spec["dtype"]]
        if dtype.is_floating_point:
            tensors[spec["name"]] = torch.randn(shape, device="cuda", generator=generator).to(dtype)
        else:
            top = next((axes[k] for k in ("classes", "bins", "cols") if k in axes), 2)
            tensors[spec["name"]] = torch.randint(0, top, shape, device="cuda", dtype=dtype,
                                                  generator=generator)
    if "col_idx" in tensors:  # equal row lengths: the same work as the task's average row
        rows, nnz = axes["rows"], axes["nnz"]
        pointers = torch.linspace(0, nnz, rows + 1, device="cuda").to(torch.int32)
        tensors["csr"] = torch.sparse_csr_tensor(pointers, tensors["col_idx"], tensors["values"],
                                                 (rows, axes["cols"]))
    return tensors


def median_ms(call: Callable[[], torch.Tensor], samples: int = 30) -> float:
    flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    begin = time.monotonic()
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    if time.monotonic() - begin > 2:
        samples = 7
    pairs = []
    for _ in range(samples):
        flush.zero_()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        pairs.append((start, end))
    torch.cuda.synchronize()
    times = sorted(start.elapsed_time(end) for start, end in pairs)
    return times[len(times) // 2]


def measure(name: str, folder: pathlib.Path, with_compile: bool) -> dict:
    task = tomllib.loads((folder / name / "task.toml").read_text())
    axes = next(w["axes"] for w in task["workload"] if w["role"] == "time" and w.get("on") != "cpu")
    torch.backends.cuda.matmul.allow_tf32 = task["task"].get("precision") == "tf32"
    torch.backends.cudnn.allow_tf32 = False
    tensors = make_inputs(task, axes)
    operation = OPERATIONS[name]
    row = {"task": name, "axes": axes, "library": name in LIBRARY,
           "eager_ms": median_ms(lambda: operation(tensors, axes))}
    if with_compile:
        torch._dynamo.reset()
        compiled = torch.compile(lambda t: operation(t, axes))
        begin = time.monotonic()
        compiled(tensors)
        torch.cuda.synchronize()
        row["compile_s"] = round(time.monotonic() - begin, 2)
        row["compiled_ms"] = median_ms(lambda: compiled(tensors))
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("tasks"))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path("bench/results/torch_baselines.json"))
    args = parser.parse_args()
    names = args.tasks.split(",") if args.tasks else sorted(OPERATIONS)
    result = {"bench": "torch_baselines", "torch": torch.__version__,
              "device": torch.cuda.get_device_name(),
              "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "rows": []}
    for name in names:
        try:
            row = measure(name, args.folder, args.compile)
        except Exception as error:  # one operation that fails must not lose the others
            row = {"task": name, "error": f"{type(error).__name__}: {error}"[:300]}
        result["rows"].append(row)
        args.out.write_text(json.dumps(result, indent=1) + "\n")
        print(f"{name:24} eager {row.get('eager_ms', 0):9.4f} ms  compiled "
              f"{row.get('compiled_ms', 0):9.4f} ms  {row.get('error', '')}", flush=True)
        torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    sys.exit(main())
