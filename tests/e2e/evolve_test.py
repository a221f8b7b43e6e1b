"""The main job: evolve, look at it, take the kernel away."""
import pathlib
import re
import json
import signal
import subprocess

from harness import EndToEnd, main

OUTCOMES = {"measured", "compile_failed", "launch_failed", "wrong_result", "nondeterministic",
            "out_of_bounds", "crashed", "timed_out", "out_of_memory", "rejected", "duplicate"}


class Evolve(EndToEnd):
    def test_a_run_records_reports_and_exports_what_it_found(self) -> None:
        self.evolve(self.small_task(), "--steps", "6")
        run = self.dir / "run"
        report = (run / "report.html").read_text()
        self.assertIn("<html", report)
        self.assertNotRegex(report, r'(src|href)="https?:')
        shown = self.json("show", "run", "--json")
        self.assertEqual(shown["task"], "small")
        self.assertEqual(shown["backend"], "cpu")
        self.assertGreaterEqual(shown["evaluations"], 6)
        self.assertGreater(shown["seconds"], 0)
        self.assertEqual(sum(shown["outcomes"].values()), shown["evaluations"])
        self.assertLessEqual(set(shown["outcomes"]), OUTCOMES)
        speedup = shown["best"]["speedup"]
        self.assertLessEqual(speedup["low"], speedup["mid"])
        self.assertLessEqual(speedup["mid"], speedup["high"])
        self.assertGreaterEqual(shown["best"]["steps_from_seed"], 0)
        self.assertRegex(shown["archive_hash"], r"^[0-9a-f]{64}$")
        self.ksmith("export", "run", "--best", "best.cc")
        subprocess.run(["g++", "-std=c++20", "-c", "best.cc", "-o", "best.o"], cwd=self.dir,
                       check=True)
        self.assertIn("extern \"C\"", (self.dir / "best.cc").read_text())
        self.ksmith("export", "run", "--events", "events.jsonl")
        events = [json.loads(line) for line in (self.dir / "events.jsonl").read_text().splitlines()]
        self.assertEqual([event["sequence"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[0]["body"]["kind"], "run_started")
        self.assertEqual(events[-1]["body"]["kind"], "run_stopped")
        judged = self.json("evaluate", "small", "--kernel", "best.cc", "--json")
        self.assertEqual(judged["outcome"]["kind"], "measured")

    def test_a_library_task_runs_by_name_and_stops_at_a_speedup(self) -> None:
        self.evolve("matvec", "--until", "1.0001", "--minutes", "2")
        self.assertEqual(self.json("show", "run", "--json")["task"], "matvec")

    def test_the_default_run_folder_is_named_after_task_and_date(self) -> None:
        self.ksmith("evolve", self.small_task(), "--steps", "1", "--config", "quick.toml")
        self.ksmith("evolve", "small", "--steps", "1", "--config", "quick.toml")
        names = sorted(path.name for path in (self.dir / "runs").iterdir())
        self.assertEqual(len(names), 2)
        for name in names:
            self.assertRegex(name, r"^small-\d{4}-\d\d-\d\d-\d+$")
        listed = self.json("runs", "--json")
        self.assertEqual(len(listed["runs"]), 2)
        self.assertIn(names[0], self.ksmith("runs").stdout)

    def test_several_tasks_share_what_the_skills_did(self) -> None:
        self.small_task()
        self.small_task("other")
        command = ("--tasks", "small,other", "--steps", "4")
        done = self.evolve(*command)
        self.assertIn("[2/2] other", done.stdout)
        self.ksmith("export", "run/other", "--events", "events.jsonl")
        first = json.loads((self.dir / "events.jsonl").read_text().splitlines()[0])
        tried = [int(line.split()[0]) for line in first["body"]["prior_skills"].splitlines()]
        self.assertEqual(sum(tried), 4)
        for run in ("run/small", "run/other"):
            self.assertIn("same", self.ksmith("replay", run).stdout)
        # Nothing is left to do: the same command says what there is.
        again = self.evolve(*command)
        self.assertNotIn("kernel ", again.stdout)
        self.assertIn("run/other", again.stdout)

    def test_a_stop_ends_the_series_and_the_same_command_goes_on(self) -> None:
        self.small_task()
        self.small_task("other")
        command = ("evolve", "small,other", "--steps", "3", "--run", "run", "--config", "quick.toml")
        process = self.start(*command)
        self.assertIn("[1/2] small", process.stdout.readline() + process.stdout.readline())
        process.send_signal(signal.SIGTERM)  # while the first run is opened
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertNotIn("[2/2]", out)
        self.assertIn("the same command with --run run goes on", err)
        # A run that was killed before its record began is no obstacle.
        (self.dir / "run" / "other").mkdir(parents=True, exist_ok=True)
        (self.dir / "run" / "other" / "run.sqlite").write_bytes(b"")
        self.assertIn("[2/2] other", self.ksmith(*command).stdout)
        self.assertEqual(len(self.json("runs", "run", "--json")["runs"]), 2)

    def test_a_series_without_any_task_is_wrong_usage(self) -> None:
        refused = self.ksmith("evolve", "--tasks", "all", "--backend", "nonsense", status=2)
        self.assertIn("no task of the library has a seed", refused.stderr)

    def test_the_same_seed_replays_to_the_same_archive(self) -> None:
        self.evolve(self.small_task(), "--steps", "5", "--seed", "3")
        replayed = self.ksmith("replay", "run")
        self.assertIn(self.json("show", "run", "--json")["archive_hash"], replayed.stdout)

    def test_one_line_a_step_without_a_terminal_and_no_colour_codes(self) -> None:
        done = self.evolve(self.small_task(), "--steps", "4")
        everything = done.stdout + done.stderr
        self.assertNotIn("\x1b", everything)
        self.assertGreaterEqual(len(re.findall(r"(?m)^.*\bc\d+\b.*$", everything)), 4)

    def test_diff_shows_seed_against_best_and_any_two(self) -> None:
        self.evolve(self.small_task(), "--steps", "4")
        self.ksmith("diff", "run")
        two = self.ksmith("diff", "run", "c0", "c1")
        self.assertIn("c1", two.stdout)
        self.assertIn("c99", self.ksmith("diff", "run", "c0", "c99", status=2).stderr)

    def test_report_is_written_again_on_demand(self) -> None:
        self.evolve(self.small_task(), "--steps", "2")
        report = self.dir / "run" / "report.html"
        report.unlink()
        self.ksmith("report", "run")
        self.assertTrue(report.is_file())
        self.ksmith("report", "run", "--out", "elsewhere.html")
        self.assertTrue((self.dir / "elsewhere.html").is_file())


class Tasks(EndToEnd):
    def test_the_library_has_the_eighteen_tasks(self) -> None:
        names = {task["name"] for task in self.json("tasks", "--json")["tasks"]}
        self.assertLessEqual(
            {"matmul", "batched_matmul", "matvec", "transpose", "conv2d", "depthwise_conv",
             "softmax", "log_softmax", "layer_norm", "rms_norm", "gelu", "sum_middle", "argmax",
             "cumsum", "cross_entropy", "attention", "histogram", "spmv"}, names)

    def test_a_new_task_passes_the_gate(self) -> None:
        self.small_task()
        self.ksmith("tasks", "check", "small")

    def test_a_new_task_does_not_overwrite_a_folder(self) -> None:
        self.small_task()
        self.assertIn("small", self.ksmith("tasks", "new", "small", status=2).stderr)

    def test_a_task_with_a_wrong_seed_is_refused_by_the_gate(self) -> None:
        self.small_task()
        seed = next(path for path in pathlib.Path(self.dir / "small").iterdir()
                    if path.suffix == ".cc" and "seed" in path.name)
        seed.write_text(re.sub(r"= ", "= 1 + ", seed.read_text()))
        self.ksmith("tasks", "check", "small", status=1)


if __name__ == "__main__":
    main()
