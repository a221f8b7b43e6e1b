"""Killed, interrupted, resumed: nothing recorded is lost and nothing is left behind."""
import os
import signal
import subprocess
import sqlite3

from harness import KSMITH, EndToEnd, main


class Crash(EndToEnd):
    def evolve_in_background(self, *arguments: str) -> subprocess.Popen:
        return self.start("evolve", self.small_task(), "--run", "run", "--config", "quick.toml",
                          *arguments)

    def test_a_killed_run_resumes_and_replays_to_the_same_archive(self) -> None:
        process = self.evolve_in_background("--steps", "12")
        self.wait_for("four evaluations", lambda: self.evaluations("run") >= 4)
        process.kill()
        process.communicate()
        before = self.json("show", "run", "--json")
        self.ksmith("evolve", "--resume", "run")
        after = self.json("show", "run", "--json")
        self.assertGreater(after["evaluations"], before["evaluations"])
        for kind, count in before["outcomes"].items():
            self.assertGreaterEqual(after["outcomes"][kind], count, "a recorded outcome is lost")
        self.ksmith("replay", "run")
        self.assertTrue((self.dir / "run" / "report.html").is_file())

    def test_a_run_killed_many_times_still_reaches_its_end(self) -> None:
        process = self.evolve_in_background("--steps", "10")
        for goal in (2, 4, 6):
            self.wait_for(f"{goal} evaluations", lambda g=goal: self.evaluations("run") >= g)
            process.kill()
            process.communicate()
            process = self.start("evolve", "--resume", "run")
        process.communicate(timeout=200)
        self.assertEqual(process.returncode, 0)
        self.ksmith("replay", "run")

    def test_resume_goes_on_with_a_larger_limit(self) -> None:
        self.evolve(self.small_task(), "--steps", "3")
        first = self.json("show", "run", "--json")["evaluations"]
        self.ksmith("evolve", "--resume", "run", "--steps", "6")
        self.assertGreaterEqual(self.json("show", "run", "--json")["evaluations"], first + 3)
        self.ksmith("replay", "run")

    def test_the_first_interrupt_finishes_reports_and_says_how_to_resume(self) -> None:
        process = self.evolve_in_background("--minutes", "5")
        self.wait_for("two evaluations", lambda: self.evaluations("run") >= 2)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertIn("--resume run", out + err)
        self.assertTrue((self.dir / "run" / "report.html").is_file())

    def test_terminate_is_an_interrupt(self) -> None:
        process = self.evolve_in_background("--minutes", "5")
        self.wait_for("two evaluations", lambda: self.evaluations("run") >= 2)
        process.terminate()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)

    def test_the_second_interrupt_ends_at_once(self) -> None:
        (self.dir / "slow.toml").write_text("[evaluation]\ntime_budget_s = 60\nmax_pairs = 100000\n"
                                            "target_width = 0.0001\nmin_pairs = 90000\n")
        process = self.start("evolve", self.small_task(), "--run", "run", "--config", "slow.toml",
                             "--minutes", "5")
        self.wait_for("a run folder", lambda: (self.dir / "run").is_dir())
        self.wait_for("the seed", lambda: self.start("show", "run").communicate()[0] != "")
        process.send_signal(signal.SIGINT)
        self.wait_for("the first to arrive", lambda: not pending(process.pid, signal.SIGINT))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 130, out + err)

    def test_two_evolves_on_one_folder_are_refused(self) -> None:
        process = self.evolve_in_background("--minutes", "5")
        self.wait_for("an evaluation", lambda: self.evaluations("run") >= 1)
        second = self.ksmith("evolve", "--resume", "run", status=1)
        self.assertIn("run", second.stderr)
        process.kill()
        process.communicate()

    def test_a_new_run_does_not_overwrite_an_old_one(self) -> None:
        self.evolve(self.small_task(), "--steps", "1")
        refused = self.evolve("small", "--steps", "1", status=2)
        self.assertIn("--resume run", refused.stderr)

    def test_a_newer_run_folder_is_refused_and_left_alone(self) -> None:
        self.evolve(self.small_task(), "--steps", "1")
        path = next((self.dir / "run").glob("run.sqlite"))
        with sqlite3.connect(path) as database:
            database.execute("UPDATE meta SET value = value + 1 WHERE key = 'format'")
        database.close()
        for command in (["show", "run"], ["evolve", "--resume", "run"]):
            self.assertIn("newer", self.ksmith(*command, status=1).stderr)
        self.assertIn("newer", self.ksmith("runs", ".").stdout)

    def test_a_read_only_folder_is_a_message(self) -> None:
        if os.geteuid() == 0 and not drop_root_possible():
            self.skipTest("root may write anywhere and setpriv is missing")
        self.small_task()
        locked = self.dir / "locked"
        locked.mkdir()
        locked.chmod(0o555)
        self.dir.chmod(0o755)
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        command = [KSMITH, "evolve", "small", "--run", "locked/run", "--config", "quick.toml"]
        done = subprocess.run((prefix if os.geteuid() == 0 else []) + command, cwd=self.dir,
                              capture_output=True, text=True, env=self.environment(), check=False)
        if "Permission denied" in done.stderr and "setpriv" in done.stderr:
            self.skipTest("the binary cannot be reached without root")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("locked", done.stderr)


def pending(pid: int, number: signal.Signals) -> bool:
    """Whether a signal waits to be taken by the process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("ShdPnd:"):
                return bool(int(line.split()[1], 16) & (1 << (number - 1)))
    return False


def drop_root_possible() -> bool:
    return subprocess.run(["setpriv", "--version"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
