"""Wrong input: a clear message, the right exit status, nothing left behind."""
import os
import subprocess

from harness import KSMITH, EndToEnd, main


class Usage(EndToEnd):
    def error(self, *arguments: str, status: int = 2) -> str:
        done = self.ksmith(*arguments, status=status)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("ksmith: "), done.stderr)
        return done.stderr

    def test_no_arguments_print_help_and_exit_2(self) -> None:
        self.assertIn("evolve", self.ksmith(status=2).stdout)

    def test_help_and_version_exit_0(self) -> None:
        self.assertRegex(self.ksmith("--version").stdout, r"^ksmith \d+\.\d+")
        for command in ("evolve", "evaluate", "serve", "tasks", "runs", "show", "diff", "export", "report",
                        "replay", "compare", "import", "presets", "doctor"):
            self.assertIn("--help", self.ksmith(command, "--help").stdout)

    def test_an_unknown_task_gets_a_hint(self) -> None:
        self.assertIn("did you mean 'matmul'?", self.error("evolve", "matmull", "--steps", "1"))
        self.assertFalse((self.dir / "runs").exists())

    def test_an_unknown_backend_or_proposer_names_the_known_ones(self) -> None:
        self.assertIn("cpu", self.error("evolve", "matmul", "--backend", "gpu"))
        self.assertIn("builtin", self.error("evolve", "matmul", "--proposer", "oracle"))

    def test_malformed_configuration_has_line_and_column(self) -> None:
        (self.dir / "bad.toml").write_text("[search]\nislands = = 4\n")
        self.assertIn("bad.toml:2:11", self.error("evolve", "matmul", "--config", "bad.toml"))
        (self.dir / "unknown.toml").write_text("[search]\nislnads = 4\n")
        message = self.error("evolve", "matmul", "--config", "unknown.toml")
        self.assertIn("unknown.toml:2:1", message)
        self.assertIn("did you mean 'islands'?", message)
        self.assertIn("none.toml", self.error("evolve", "matmul", "--config", "none.toml"))

    def test_presets_are_listed_printed_and_changed_by_a_file_on_top(self) -> None:
        self.assertRegex(self.ksmith("presets").stdout, r"(?m)^paper +\S")
        (self.dir / "mine.toml").write_text(self.ksmith("presets", "deep").stdout + "[evaluation]\nmin_pairs = 4\n")
        self.assertIn("there is no preset", self.error("evolve", "matmul", "--preset", "pap"))
        (self.dir / "idle.toml").write_text("[archive]\npopulation = 9\n")
        message = self.error("evolve", "matmul", "--preset", "paper", "--config", "idle.toml")
        self.assertIn("idle.toml:2:14", message)
        self.assertIn("does nothing without kind", message)
        (self.dir / "flat.toml").write_text("[search]\nelite_probability = 0.9\nuniform_probability = 0.9\n")
        self.assertIn("flat.toml:2:21", self.error("evolve", "matmul", "--config", "flat.toml"))
        message = self.error("evolve", "nosuch", "--config", "mine.toml", "--steps", "1")
        self.assertNotIn("mine.toml", message)  # the file is right, the task is not

    def test_a_malformed_task_has_line_and_column(self) -> None:
        self.small_task()
        path = self.dir / "small" / "task.toml"
        path.write_text("[task\n" + path.read_text())
        self.assertRegex(self.error("evolve", "small", "--steps", "1"), r"task\.toml:1:\d+")

    def test_a_missing_or_binary_kernel_file_is_a_message(self) -> None:
        self.assertIn("none.cc", self.error("evaluate", "matmul", "--kernel", "none.cc"))
        (self.dir / "binary.cc").write_bytes(os.urandom(4096))
        self.assertIn("binary.cc", self.error("evaluate", "matmul", "--kernel", "binary.cc"))
        (self.dir / "folder.cc").mkdir()
        self.assertIn("folder.cc", self.error("evaluate", "matmul", "--kernel", "folder.cc"))

    def test_a_kernel_that_does_not_compile_is_an_outcome_with_positions(self) -> None:
        (self.dir / "broken.cc").write_text("extern \"C\" void small( {\n")
        self.small_task()
        done = self.json("evaluate", "small", "--kernel", "broken.cc", "--json", status=1)
        self.assertEqual(done["outcome"]["kind"], "compile_failed")
        self.assertEqual(done["outcome"]["diagnostics"][0]["line"], 1)

    def test_a_seed_that_does_not_compile_ends_the_run_with_a_message(self) -> None:
        self.small_task()
        for path in (self.dir / "small").iterdir():
            if path.suffix == ".cc" and "seed" in path.name:
                path.write_text("this is not C++\n")
        self.assertIn("seed", self.error_of_evolve("small"))

    def error_of_evolve(self, task: str) -> str:
        done = self.evolve(task, "--steps", "1", status=2)
        return done.stderr

    def test_a_run_folder_that_is_none_is_a_message(self) -> None:
        (self.dir / "empty").mkdir()
        for command in (["show"], ["diff"], ["report"], ["replay"]):
            self.assertIn("nothere", self.error(*command, "nothere"))
            self.assertIn("empty", self.error(*command, "empty"))
        self.assertIn("nothere", self.error("evolve", "--resume", "nothere"))
        self.assertIn("nothere", self.error("runs", "nothere"))

    def test_no_compiler_is_a_message_that_says_what_to_install(self) -> None:
        # A mount namespace of its own, in which the compilers cannot be executed.
        blank = self.dir / "blank"
        blank.write_text("")
        hide = "".join(f"for f in /usr/bin/*{name}*; do mount --bind {blank} $f; done; "
                       for name in ("g++", "clang++"))
        enter = ["unshare", "--mount", "sh", "-ec"]
        if subprocess.run([*enter, hide], capture_output=True, check=False).returncode != 0:
            self.skipTest("hiding the compilers needs root and a mount namespace")
        command = f"{hide} exec {KSMITH} evolve matmul --run run --steps 1"
        done = subprocess.run([*enter, command], cwd=self.dir, capture_output=True, text=True,
                              env=self.environment(), check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("apt-get install g++", done.stderr)
        self.assertFalse((self.dir / "run").exists())
        doctor = subprocess.run([*enter, f"{hide} exec {KSMITH} doctor"], cwd=self.dir,
                                capture_output=True, text=True, env=self.environment(), check=False)
        self.assertEqual(doctor.returncode, 1, doctor.stdout)

    def test_doctor_finds_this_machine_fit(self) -> None:
        found = self.json("doctor", "--json")
        self.assertTrue(found["works"])
        self.assertGreater(len(found["checks"]), 5)


if __name__ == "__main__":
    main()
