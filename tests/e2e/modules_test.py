"""PyTorch modules: import, the gate, verdicts; skipped where there is no torch."""
import json
import os
import pathlib
import subprocess
import unittest

from harness import EndToEnd, main

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "build" / "venv" / "bin" / "python3"
PYTHON = os.environ.get("KSMITH_PYTHON", str(VENV) if VENV.exists() else "python3")
CORPUS = ROOT / "tests" / "adversarial" / "torch"
MODULE = """import torch
batch, rows, width = {batch}, 4096, 32
class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
    def forward(self, x):
        return {result}
def get_inputs():
    return [torch.randn(batch, rows, width)]
def get_init_inputs():
    return [width]
"""


def has_torch() -> bool:
    done = subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False)
    return done.returncode == 0


def has_gpu() -> bool:
    program = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([PYTHON, "-c", program], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(has_torch(), f"no torch in {PYTHON}; run tools/setup.sh --torch")
class Modules(EndToEnd):
    def environment(self, **changes: str) -> dict[str, str]:
        return super().environment(KSMITH_PYTHON=PYTHON, **changes)

    def write(self, name: str, result: str, batch: int = 1) -> str:
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE.format(result=result, batch=batch))
        return str(path)

    def test_a_library_module_is_admitted_with_its_reduced_sizes(self) -> None:
        file = str(ROOT / "tasks" / "torch" / "level3" / "transformer_block.py")
        done = self.json("import", "module", file, "--json")
        module = done["modules"][0]
        self.assertTrue(module["admitted"], module)
        self.assertEqual(module["workload"], "reduced")
        self.assertEqual(module["full_bytes"], 8 * 1024 * 1024 * 4)
        self.assertIn("admitted", self.ksmith("import", "module", file).stdout)

    @unittest.skipIf(has_gpu(), "this machine has a GPU: python/tests has what traces become")
    def test_seeds_without_a_gpu_say_so_and_leave_nothing(self) -> None:
        file = self.write("plain.py", "self.linear(x)")
        self.assertIn("sees no GPU", self.ksmith("seeds", file, status=1).stderr)
        self.assertFalse((self.dir / "plain.seeds").exists())
        self.assertIn("missing.py", self.ksmith("seeds", "missing.py", status=2).stderr)

    def stub(self, verdict: str) -> str:
        """A Python that has compiled already: it answers as one with a GPU would."""
        seed = ROOT / "tests" / "propose" / "torch" / "seeds" / "point_net.py"
        script = self.dir / "stub"
        report = json.dumps({"module": "m.py", "workload": "full", "torch": "2", "device": "G",
                             "seeds": [{"name": "compiled", "file": "compiled.py", "error": 0.1}]})
        script.write_text(f"""#!/usr/bin/env bash
case "$*" in
  *kernelsmith.seeds.main*--check*) echo '{verdict}' ;;
  *kernelsmith.seeds.main*)
    while [ "$1" != --out ]; do shift; done
    mkdir -p "$2"; cp {seed} "$2/compiled.py"; echo noise; echo '{report}' ;;
  *) {PYTHON} "$@" | sed "s|^executable .*|executable $0|" ;;
esac
""")
        script.chmod(0o755)
        return str(script)

    def test_a_fused_seed_is_kept_only_when_it_computes_the_same(self) -> None:
        file = self.write("m.py", "self.linear(x)")
        folder = self.dir / "m.seeds"
        for verdict, kept in (('{"error": 0.2}', True), ('{"refused": "it is off"}', False)):
            env = {**self.environment(), "KSMITH_PYTHON": self.stub(verdict)}
            done = self.ksmith("seeds", file, "--json", env=env)
            fused = json.loads(done.stdout)["seeds"][1]
            self.assertEqual(fused["name"], "fused")
            self.assertEqual("file" in fused, kept, fused)
            self.assertEqual((folder / "fused.py").exists(), kept)
        self.assertIn("refused: it is off", self.ksmith("seeds", file, env=env).stdout)

    def test_inputs_without_memory_get_a_reduced_workload_that_is_named(self) -> None:
        file = self.write("large.py", "self.linear(x)", batch=1 << 20)
        module = self.json("import", "module", file, "--json")["modules"][0]
        self.assertTrue(module["admitted"], module)
        self.assertEqual(module["workload"], "scaled")
        self.assertEqual(module["full_bytes"], (1 << 20) * 4096 * 32 * 4)

    def test_the_size_of_drawn_inputs_is_known_without_drawing_them(self) -> None:
        path = self.dir / "drawn.py"
        path.write_text(
            "import torch\nfrom torch.distributions import Pareto\nn = 1 << 18\n"
            "class Model(torch.nn.Module):\n"
            "    def forward(self, x, y):\n        return ((x - y) ** 2).mean(1)\n"
            "def get_inputs():\n"
            "    return [Pareto(1.0, 3.0).sample((n, n)), Pareto(1.0, 3.0).sample((n, n))]\n"
            "def get_init_inputs():\n    return []\n"
        )
        module = self.json("import", "module", str(path), "--json")["modules"][0]
        self.assertTrue(module["admitted"], module)
        self.assertEqual(module["full_bytes"], 2 * (1 << 36) * 4)

    def test_a_checkout_is_listed_with_reasons_and_not_copied(self) -> None:
        self.write("kb/KernelBench/level1/2_Good.py", "self.linear(x)")
        self.write("kb/KernelBench/level1/10_Zero.py", "(self.linear(x) - 1e9).clamp(0, 1)")
        self.write("kb/KernelBench/level2/1_Random.py", "torch.dropout(self.linear(x), 0.5, True)")
        done = self.json("import", "kernelbench", "kb", "--levels", "1,2", "--json", "--out", "suite.json")
        found = {m["name"]: m["reason"].split(":")[0] for m in done["modules"]}
        self.assertEqual(found, {"2_Good": "", "10_Zero": "zeros", "1_Random": "deterministic"})
        self.assertEqual(json.loads((self.dir / "suite.json").read_text()), done)
        text = self.ksmith("import", "kernelbench", "kb", "--levels", "1").stdout
        self.assertIn("level 1: 1 of 2 admitted", text)
        self.assertIn("10_Zero: zeros: zeros pass", text)
        self.assertIn("level3", self.ksmith("import", "kernelbench", "kb", status=2).stderr)

    def test_evaluate_gives_a_verdict_and_no_time(self) -> None:
        task = str(CORPUS / "reference" / "linear_relu_add.py")
        honest = ("evaluate", task, "--backend", "torch", "--kernel", str(CORPUS / "honest_other_order.py"))
        done = self.json(*honest, "--json")
        self.assertEqual(done["outcome"]["kind"], "measured")
        self.assertFalse(done["timed"])
        self.assertEqual(done["outcome"]["timings"], [])
        self.assertEqual(done["module"]["calls"], 9)
        self.assertIn("never for a speed-up", done["module"]["untimed"])
        self.assertIn("not timed", self.ksmith(*honest).stdout)

    def test_a_wrong_candidate_is_an_outcome_with_exit_status_1(self) -> None:
        task = str(CORPUS / "reference" / "linear_relu_add.py")
        wrong = str(CORPUS / "half_precision.py")
        done = self.json("evaluate", task, "--backend", "torch", "--kernel", wrong, "--json", status=1)
        self.assertEqual(done["outcome"]["kind"], "wrong_result")

    def test_a_module_that_is_not_admitted_or_not_there_is_a_message(self) -> None:
        file = self.write("random.py", "torch.rand_like(x)")
        candidate = str(CORPUS / "honest_eager.py")
        done = self.ksmith("evaluate", file, "--backend", "torch", "--kernel", candidate, status=2)
        self.assertIn("is not admitted: deterministic", done.stderr)
        done = self.ksmith("evaluate", "none.py", "--backend", "torch", "--kernel", candidate, status=2)
        self.assertIn("none.py", done.stderr)
        done = self.ksmith("evaluate", file, "--backend", "torch", "--kernel", candidate,
                           "--stages", "time,profile", status=2)
        self.assertIn("no profile", done.stderr)

    def test_evolve_times_no_cpu_tensors(self) -> None:
        if os.path.exists("/dev/nvidia0"):
            self.skipTest("there is a CUDA device")
        task = str(CORPUS / "reference" / "linear_relu_add.py")
        run = self.dir / "run"
        done = self.ksmith("evolve", task, "--backend", "torch", "--run", str(run), status=1)
        self.assertIn("no CUDA device", done.stderr)
        self.assertIn("never timed", done.stderr)
        self.assertFalse(run.exists())

    def test_evolve_wants_its_files_to_be_modules(self) -> None:
        done = self.ksmith("evolve", "none.py", "--backend", "torch", status=2)
        self.assertIn("none.py", done.stderr)
        done = self.ksmith("evolve", "matmul", "--seed-file", "x.py", status=2)
        self.assertIn("--seed-file is for PyTorch modules", done.stderr)


class WithoutTorch(EndToEnd):
    def test_a_python_without_torch_is_a_message_that_says_what_to_install(self) -> None:
        path = self.dir / "m.py"
        path.write_text("")
        bare = self.dir / "bare"
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(bare)], check=True)
        done = self.ksmith("import", "module", str(path), status=1,
                           env=self.environment(KSMITH_PYTHON=str(bare / "bin" / "python3")))
        self.assertIn("install torch 2.6", done.stderr)


if __name__ == "__main__":
    main()
