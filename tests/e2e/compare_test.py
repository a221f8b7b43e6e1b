"""Configurations against each other: stopped, gone on with, refused."""
import json
import signal

from harness import QUICK, EndToEnd, main


class Compare(EndToEnd):
    def arguments(self, *more: str, steps: int = 2) -> list[str]:
        for name, islands in (("one", 1), ("two", 2)):
            (self.dir / f"{name}.toml").write_text(f"{QUICK}\n[search]\nislands = {islands}\n")
        return ["compare", "one.toml", "two.toml", "--tasks", "./small", "--steps", str(steps),
                "--out", "cmp", *more]

    def runs(self) -> list[dict]:
        return json.loads((self.dir / "cmp" / "compare.json").read_text())["runs"]

    def test_a_stopped_comparison_goes_on_and_measures_nothing_twice(self) -> None:
        self.small_task()
        process = self.start(*self.arguments("--seeds", "2"))
        self.wait_for("the second search",
                      lambda: (self.dir / "cmp/two/small-1/run.sqlite").exists())
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("the same command goes on", err)
        first = self.runs()
        self.assertLess(len(first), 4)
        done = self.ksmith(*self.arguments("--seeds", "2"))
        self.assertIn("geometric mean", done.stdout)
        everything = self.runs()
        self.assertEqual(len(everything), 4)
        self.assertEqual(everything[:len(first)], first)
        for run in everything:
            self.assertEqual(run["error"], "")
            self.assertGreaterEqual(run["evaluations"], 2)
        page = (self.dir / "cmp" / "compare.html").read_text()
        self.assertNotRegex(page, r'(src|href)="https?:')
        again = self.json(*self.arguments("--seeds", "2", "--json"))
        self.assertEqual(again["runs"], everything)
        refused = self.ksmith(*self.arguments("--seeds", "2", steps=3), status=2)
        self.assertIn("another budget", refused.stderr)

    def test_a_search_that_fails_is_told_and_does_not_end_the_others(self) -> None:
        self.small_task()
        seed = self.dir / "small" / "seed.cc"
        seed.write_text(seed.read_text().replace("{", "{ return;", 1))
        done = self.ksmith(*self.arguments("--seeds", "1"), status=1)
        self.assertIn("failed", done.stdout)
        self.assertEqual(len(self.runs()), 2)
        self.assertIn("not usable", self.runs()[0]["error"])


if __name__ == "__main__":
    main()
