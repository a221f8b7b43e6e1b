"""The device path without a GPU: a scaffolded task with an OpenCL seed, from the gate to the report."""
import json

from harness import EndToEnd, main

SEED = """// ksmith: const BLOCK = 64
// ksmith: launch small grid=(ceil_div(cols, BLOCK), rows) block=(BLOCK) args=(x, branch, alpha, y, cols)
__kernel void small(__global const float* x, __global const float* branch, float alpha,
                    __global float* y, long cols) {
  const long col = get_global_id(0);
  const long at = get_group_id(1) * cols + col;
  if (col < cols) y[at] = x[at] + alpha * branch[at];
}
"""


class OpenCl(EndToEnd):
    def setUp(self) -> None:
        super().setUp()
        process = self.start("devices", "--json")
        listed = json.loads(process.communicate(timeout=120)[0])
        opencl = next(one for one in listed["apis"] if one["api"] == "opencl")
        if not opencl["devices"]:
            self.skipTest(f"no OpenCL device: {opencl['problem']}")
        self.small_task()
        description = self.dir / "small" / "task.toml"
        description.write_text(description.read_text().replace(
            "[seed.cpu]", '[seed.opencl]\nfile = "seed.cl"\n\n[seed.cpu]'))
        (self.dir / "small" / "seed.cl").write_text(SEED)

    def judge(self, source: str, *arguments: str, status: int) -> dict:
        (self.dir / "k.cl").write_text(source)
        return self.json("evaluate", "small", "--kernel", "k.cl", "--backend", "opencl", "--json",
                         "--config", "quick.toml", *arguments, status=status)

    def test_the_gate_admits_a_right_seed_and_refuses_a_wrong_one(self) -> None:
        self.ksmith("tasks", "check", "small", "--backend", "opencl")
        (self.dir / "small" / "seed.cl").write_text(SEED.replace("alpha *", "2 * alpha *"))
        refused = self.json("tasks", "check", "small", "--backend", "opencl", "--json", status=1)
        self.assertFalse(refused["admitted"])

    def test_an_evaluation_says_what_the_device_saw(self) -> None:
        judged = self.judge(SEED.replace("BLOCK = 64", "BLOCK = 256"), status=0)
        self.assertEqual(judged["outcome"]["kind"], "measured")
        self.assertIsNone(judged["features"])
        self.assertEqual(judged["device"]["threads_per_block"], 256)
        self.assertEqual(judged["device"]["launches"], 1)
        self.assertIn("-DBLOCK=256", judged["flags"])

    def test_failures_of_a_candidate_are_told_apart(self) -> None:
        failed = self.judge(SEED.replace("alpha *", "alhpa *"), status=1)["outcome"]
        self.assertEqual(failed["kind"], "compile_failed")
        self.assertEqual(failed["diagnostics"][0]["line"], 7)
        failed = self.judge(SEED.replace("grid=(", "grid=(nothing, "), status=1)["outcome"]
        self.assertEqual(failed["kind"], "compile_failed")
        self.assertEqual(failed["diagnostics"][0]["line"], 2)
        failed = self.judge(SEED.replace("block=(BLOCK)", "block=(99999)"), status=1)["outcome"]
        self.assertEqual(failed["kind"], "launch_failed")
        failed = self.judge(SEED.replace("+ alpha", "- alpha"), status=1)["outcome"]
        self.assertEqual(failed["kind"], "wrong_result")
        failed = self.judge(SEED.replace("if (col < cols)", ""), status=1)["outcome"]
        self.assertIn(failed["kind"], ("out_of_bounds", "wrong_result", "nondeterministic"))
        failed = self.judge("// ksmith: flags -fplugin=x\n" + SEED, status=1)["outcome"]
        self.assertEqual((failed["kind"], failed["rule"]), ("rejected", "flag"))
        text = self.ksmith("evaluate", "small", "--kernel", "k.cl", "--backend", "opencl",
                           status=1).stdout
        self.assertIn("flag", text)

    def test_a_run_is_recorded_shown_resumed_and_replayed(self) -> None:
        self.evolve("small", "--backend", "opencl", "--steps", "2")
        shown = self.json("show", "run", "--json")
        self.assertEqual(shown["backend"], "opencl")
        self.assertEqual(shown["machine"]["device"]["api"], "opencl")
        self.assertEqual(shown["archive"]["axes"][0]["name"], "memory level")
        self.assertGreaterEqual(shown["outcomes"]["measured"], 1)
        self.assertTrue((self.dir / "run" / "best.cl").is_file())
        report = (self.dir / "run" / "report.html").read_text()
        self.assertIn(shown["machine"]["device"]["name"].split("(")[0].strip(), report)
        self.assertIn(shown["archive_hash"], self.ksmith("replay", "run").stdout)
        self.ksmith("evolve", "--resume", "run", "--steps", "3")

    def test_a_device_that_is_not_there_is_named(self) -> None:
        missing = self.ksmith("evaluate", "small", "--kernel", "small/seed.cl", "--backend",
                              "opencl", "--device", "63", status=1)
        self.assertIn("63", missing.stderr)


if __name__ == "__main__":
    main()
