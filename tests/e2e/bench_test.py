"""A suite under a protocol: end to end, killed, stopped, gone on with, refused."""
import json
import pathlib
import re
import shutil
import signal

from harness import EndToEnd, main


class Bench(EndToEnd):
    def suite(self, *names: str) -> None:
        """A folder of tasks, each quick to judge."""
        (self.dir / "suite").mkdir()
        for name in names:
            self.ksmith("tasks", "new", name, "--folder", f"suite/{name}")
            description = self.dir / "suite" / name / "task.toml"
            description.write_text(description.read_text().replace("rows = 512", "rows = 2048"))

    def arguments(self, *more: str, steps: int = 2) -> list[str]:
        return ["bench", "suite", "--steps", str(steps), "--config", "quick.toml", "--out", "out", *more]

    def spoil(self, name: str) -> None:
        seed = self.dir / "suite" / name / "seed.cc"
        seed.write_text(seed.read_text().replace("{", "{ return;", 1))

    def answer(self, name: str) -> pathlib.Path:
        return self.dir / "out" / "tasks" / name / "answer.json"

    def written(self) -> dict:
        return json.loads((self.dir / "out" / "bench.json").read_text())

    def test_a_killed_benchmark_goes_on_and_measures_nothing_twice(self) -> None:
        self.suite("one", "two")
        process = self.start(*self.arguments())
        self.wait_for("the first answer", self.answer("one").exists)
        self.wait_for("the second search", lambda: self.evaluations("out/tasks/two") > 0)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        first = self.answer("one").read_bytes()
        judged = self.evaluations("out/tasks/two")
        done = self.ksmith(*self.arguments("--html", "page.html"))
        self.assertIn("amsr", done.stdout)
        self.assertIn("not as published: 2 rounds, not 40", done.stdout)
        self.assertEqual(self.answer("one").read_bytes(), first)
        self.assertGreaterEqual(self.evaluations("out/tasks/two"), judged)
        bench = self.written()
        self.assertEqual([task["name"] for task in bench["tasks"]], ["one", "two"])
        for task in bench["tasks"]:
            self.assertEqual(task["state"], "correct", task)
            self.assertEqual(task["rounds"], 2)
            self.assertGreater(task["speedup"]["mid"], 0)
            self.assertGreater(task["device_seconds"], 0)
            self.assertTrue((self.dir / task["run"] / "best.cc").exists())
        self.assertEqual(json.loads(first)["trials"], 100)
        metrics = bench["metrics"][0]["by_task"]
        self.assertEqual((metrics["tasks"], metrics["corr"]), (2, 1))
        counted = [t["speedup"]["mid"] for t in bench["tasks"] if t["speedup"]["mid"] >= 1]
        self.assertAlmostEqual(metrics["amsr"]["mid"], sum(counted) / 2)
        page = (self.dir / "page.html").read_text()
        self.assertEqual(page, (self.dir / "out" / "bench.html").read_text())
        self.assertNotRegex(page, r'(src|href)="https?:')
        again = self.json(*self.arguments("--json"))
        self.assertEqual(again["tasks"], bench["tasks"])
        self.assertEqual(again["metrics"], bench["metrics"])
        refused = self.ksmith(*self.arguments(steps=3), status=2)
        self.assertIn("another budget", refused.stderr)

    def test_a_stopped_benchmark_says_how_far_it_came(self) -> None:
        self.suite("one", "two")
        process = self.start(*self.arguments())
        self.wait_for("the first answer", self.answer("one").exists)
        second = self.ksmith(*self.arguments(), status=1)
        self.assertIn("is filling this folder", second.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("stopped after 1 of 2 tasks; the same command goes on", err)
        self.assertIn("one", out)
        self.assertEqual(self.written()["planned"], 2)
        self.assertEqual(len(self.written()["tasks"]), 1)

    def test_a_run_killed_before_it_began_is_begun_again(self) -> None:
        self.suite("one")
        run = self.dir / "out" / "tasks" / "one"
        run.mkdir(parents=True)
        (run / "run.sqlite").write_bytes(b"")
        self.ksmith(*self.arguments(steps=1))
        self.assertEqual(self.written()["tasks"][0]["state"], "correct")

    def test_searches_share_a_service(self) -> None:
        self.suite("one", "two", "three")
        server = self.start("serve", "--port", "0", "--cache", "cache")
        try:
            url = re.search(r"http://[0-9.:]+", server.stdout.readline()).group()
            done = self.ksmith(*self.arguments("--evaluator", url, "--searches", "3", steps=1))
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)
        self.assertEqual([task["state"] for task in self.written()["tasks"]], ["correct"] * 3)
        self.assertIn("[3/3]", done.stderr)

    def test_a_task_that_fails_is_a_row_that_counts_zero(self) -> None:
        self.suite("bad", "good")
        self.spoil("bad")
        done = self.ksmith(*self.arguments(steps=1))
        self.assertIn("not usable", done.stdout)
        bad, good = self.written()["tasks"]
        self.assertEqual((bad["state"], bad["speedup"], good["state"]), ("failed", None, "correct"))
        self.assertIn("not usable", bad["reason"])
        self.assertEqual(self.written()["metrics"][0]["by_task"]["corr"], 0.5)

    def test_a_benchmark_without_any_result_has_failed(self) -> None:
        self.suite("bad")
        self.spoil("bad")
        self.assertIn("failed", self.ksmith(*self.arguments(steps=1), status=1).stdout)

    def test_a_task_that_changed_since_is_not_judged_as_if_it_had_not(self) -> None:
        self.suite("one", "two")
        self.ksmith(*self.arguments(steps=1))
        self.answer("one").unlink()
        description = self.dir / "suite" / "one" / "task.toml"
        description.write_text(description.read_text().replace("rows = 2048", "rows = 1024"))
        self.ksmith(*self.arguments(steps=1))
        one, two = self.written()["tasks"]
        self.assertEqual((one["state"], two["state"]), ("failed", "correct"))
        self.assertIn("has changed since", one["reason"])
        # Also where a verdict is kept.
        description = self.dir / "suite" / "two" / "task.toml"
        description.write_text(description.read_text().replace("rows = 2048", "rows = 1024"))
        self.ksmith(*self.arguments(steps=1), status=1)
        self.assertEqual([task["state"] for task in self.written()["tasks"]], ["failed"] * 2)

    def test_what_is_wrong_is_said_before_anything_is_written(self) -> None:
        self.suite("one")
        (self.dir / "empty").mkdir()
        shutil.copytree(self.dir / "suite", self.dir / "modules")
        shutil.rmtree(self.dir / "modules" / "one")
        (self.dir / "modules" / "a.py").write_text("class Model: pass\n")
        for arguments, status, message in (
                (["nosuch"], 2, "no suite 'nosuch'"),
                (["empty"], 2, "holds nothing to search"),
                (["modules"], 2, "--backend torch"),
                (["suite/one"], 2, "is one task"),
                (["suite", "--protocol", "mine"], 2, "paper"),
                (["suite", "--tasks", "two"], 2, "no task 'two'"),
                (["suite", "--devices", "5"], 2, "one device"),
                (["suite", "--backend", "nosuch"], 2, "nosuch"),
                (["suite", "--proposer", "nosuch"], 2, "nosuch"),
                (["suite", "--evaluator", "http://127.0.0.1:1"], 1, "127.0.0.1:1")):
            done = self.ksmith("bench", *arguments, "--out", "out", status=status)
            self.assertIn(message, done.stderr, arguments)
            self.assertFalse((self.dir / "out").exists(), arguments)


if __name__ == "__main__":
    main()
