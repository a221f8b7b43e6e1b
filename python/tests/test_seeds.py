import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no torch in build/venv; run tools/setup.sh --torch")
pytest.importorskip("triton", reason="no Triton in build/venv; run tools/setup.sh --torch")

from interpret_seeds import MODULES, trace_of, traces

from kernelsmith.seeds import main as program
from kernelsmith.seeds.compile_module import helper_text
from kernelsmith.seeds.convert import compiled_text
from kernelsmith.seeds.trace import Refusal, Trace

HERE = Path(__file__).parent
TRACES = traces()
TUPLES = {"level1-mean_and_variance"}
# Statistics of the batch: recorded from a model in evaluation, and refused as it is.
OTHER = {"level2-conv_batch_norm_silu"}

MODULE = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return x * 2

def get_inputs():
    return [torch.randn(4)]

def get_init_inputs():
    return []
"""

KERNEL = """
import triton
import triton.language as tl
from torch._inductor.runtime import triton_helpers, triton_heuristics
@triton_heuristics.{kind}(
    size_hints={{'x': 4}},
    triton_meta={{'signature': {{}}}},
    inductor_meta={{'grid_type': '{grid}', 'mutated_arg_names': {mutated}}},
)
@triton.jit
def triton_poi_fused_mul_0(in_ptr0, out_ptr0, xnumel, XBLOCK : tl.constexpr):
{extent}
    xindex = tl.program_id(0) * XBLOCK + tl.arange(0, XBLOCK)[:]
    xmask = xindex < xnumel
    tmp0 = tl.load(in_ptr0 + (xindex), xmask)
    tl.store(out_ptr0 + (xindex), {value}, xmask)
"""

CODE = """
triton_poi_fused_mul_0 = async_compile.{compiler}('triton_poi_fused_mul_0', '''{kernel}''')
def call(args):
    arg0_1, = args
    args.clear()
    buf0 = empty_strided_cuda((4, ), (1, ), torch.float32)
    {more}
    triton_poi_fused_mul_0.run(arg0_1, buf0, 4, stream=raw_stream0)
    return ({result}, )
"""


def trace(**change: str) -> Trace:
    kernel = {
        "kind": "pointwise",
        "grid": "Grid1D",
        "mutated": "[]",
        "extent": "    xnumel = 4",
        "value": "tmp0 * 2.0",
    }
    code = {"compiler": "triton", "more": "pass_ = buf0", "result": "buf0"}
    kernel.update({k: v for k, v in change.items() if k in kernel})
    code.update({k: v for k, v in change.items() if k in code})
    text = CODE.format(kernel=KERNEL.format(**kernel), **code)
    source = change.get("source", "L['x']")
    return Trace(code=text, sources=[source], helpers=helper_text(), torch="0")


@pytest.fixture(scope="session")
def errors() -> dict[str, object]:
    program = [sys.executable, str(HERE / "interpret_seeds.py")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", sorted(set(TRACES) - OTHER))
def test_computes_what_the_module_computes(name: str, errors: dict[str, object]) -> None:
    assert isinstance(errors[name], float), errors[name]
    assert errors[name] < 1.0, "what the check allows"
    assert errors[f"{name} eager"] < 1.0


def test_refuses_a_seed_whose_result_differs(errors: dict[str, object]) -> None:
    assert "what the check allows" in str(errors["level2-conv_batch_norm_silu"])


@pytest.mark.parametrize("name", sorted(TRACES))
def test_stands_alone_and_is_the_same_twice(name: str) -> None:
    path, record = TRACES[name]
    given = trace_of(record, name not in TUPLES, helper_text())
    seed = compiled_text(path.read_text(), path.name, given)
    assert seed == compiled_text(path.read_text(), path.name, given)
    for word in ("_inductor", "triton_helpers", "triton_heuristics", "reinterpret_tensor"):
        assert word not in seed
    tree = ast.parse(seed)
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert "ModelNew" in classes and "Model" not in classes
    kernels = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.decorator_list]
    assert len(kernels) >= 1
    for kernel in kernels:
        assert seed.count(kernel.name) >= 2, "it is called"


def test_lets_the_module_change_its_own_state_as_it_does_itself() -> None:
    code = trace(mutated="['in_ptr1']").code
    code = code.replace("arg0_1, = args", "arg0_1, arg1_1 = args")
    code = code.replace("(in_ptr0, out_ptr0", "(in_ptr0, in_ptr1, out_ptr0")
    code = code.replace("run(arg0_1,", "run(arg0_1, arg1_1,")
    sources = ["L['x']", "L['self']._modules['norm']._buffers['running_mean']"]
    seed = compiled_text(MODULE, "m.py", Trace(code, sources, helper_text(), "0"))
    assert "(x, self.norm.running_mean, buf0," in seed.replace("\n", "").replace(" " * 12, "")
    sources[1] = "L['self']._modules['norm']._parameters['weight']"
    with pytest.raises(Refusal, match="writes to self"):
        compiled_text(MODULE, "m.py", Trace(code, sources, helper_text(), "0"))


def test_gives_a_buffer_of_its_own_to_what_overwrites_old_memory() -> None:
    code = trace(more="buf1 = buf0; del buf0  # reuse", result="buf1").code
    again = code.replace("run(arg0_1, buf0", "run(arg0_1, buf1")
    seed = compiled_text(MODULE, "m.py", Trace(again, ["L['x']"], helper_text(), "0"))
    assert "del buf0\n        buf1 = torch.empty((4,), dtype=torch.float32" in seed
    kept = again.replace("out_ptr0", "in_out_ptr0")
    seed = compiled_text(MODULE, "m.py", Trace(kept, ["L['x']"], helper_text(), "0"))
    assert "buf1" not in seed and "return buf0" in seed


def test_writes_library_calls_in_the_words_of_torch() -> None:
    more = "extern_kernels._mm_plus_mm(arg0_1, arg0_1, arg0_1, arg0_1, out=buf0)"
    seed = compiled_text(MODULE, "m.py", trace(more=more))
    assert "torch.mm(x, x, out=buf0)\n" in seed
    assert "torch.addmm(buf0, x, x, out=buf0)\n" in seed
    more = "buf1 = torch.ops.aten.full.default([4], 1, device=device(type='cuda', index=0))"
    seed = compiled_text(MODULE, "m.py", trace(more=more))
    assert "buf1 = torch.ops.aten.full.default([4], 1, device=x.device)" in seed


def test_takes_blocks_from_the_trace_and_lets_the_grid_follow() -> None:
    given = trace()
    chosen = {"triton_poi_fused_mul_0": {"XBLOCK": 2, "num_warps": 1, "num_stages": 1}}
    tuned = Trace(given.code, given.sources, given.helpers, "0", configs=chosen)
    seed = compiled_text(MODULE, "m.py", tuned)
    assert "XBLOCK=2, num_warps=1" in seed
    assert 'triton.cdiv(4, meta["XBLOCK"])' in seed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extent": "    pass"}, "dynamic shapes"),
        ({"kind": "template"}, "template"),
        ({"grid": "CooperativeReductionGrid"}, "grid of the kind"),
        ({"compiler": "cpp_pybinding"}, "runs elsewhere"),
        ({"mutated": "['in_ptr0']"}, "writes to x"),
        ({"result": "arg0_1"}, "returns one of its inputs"),
        ({"source": "L['x'].shape"}, "comes from"),
        ({"source": "L['self'].weight"}, "no argument of forward"),
        ({"source": "___stack"}, "comes from"),
        ({"more": "buf1 = torch.ops.aten.rand.default([4])"}, "random"),
        ({"more": "buf1 = extern_kernels.new_thing(arg0_1)"}, "no counterpart"),
        ({"more": "buf1 = empty_strided_cpu((4, ), (1, ), torch.float32)"}, "on the CPU"),
        ({"more": "for i in range(3): pass"}, "statement that is not known"),
        ({"value": "triton_helpers.not_there(tmp0)"}, "calls torch's 'not_there'"),
    ],
)
def test_refuses_what_it_cannot_write_out(change: dict[str, str], reason: str) -> None:
    assert "ModelNew" in compiled_text(MODULE, "m.py", trace())
    with pytest.raises(Refusal, match=reason):
        compiled_text(MODULE, "m.py", trace(**change))


@pytest.mark.skipif(
    pytest.importorskip("torch").cuda.is_available(), reason="this machine has a GPU"
)
def test_says_that_a_gpu_is_needed(tmp_path: Path) -> None:
    module = MODULES / "level1" / "mish.py"
    program = [sys.executable, "-m", "kernelsmith.seeds.main", str(module), "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        program, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "sees no GPU" in json.loads(done.stdout)["error"]
    assert not list(tmp_path.iterdir())


def test_answers_in_one_line_whatever_a_candidate_prints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_of(*_: object) -> dict[str, object]:
        sys.stdout.write("no end of line")
        os.write(1, b"x" * 100_000)
        return {"error": 0.5}

    monkeypatch.setattr(program, "check_of", check_of)
    module = tmp_path / "module.py"
    module.write_text(MODULE)
    assert program.main([str(module), "--check", str(module)]) == 0
    captured = capfd.readouterr()
    assert json.loads(captured.out) == {"error": 0.5}
    assert "x" * 100_000 in captured.err
