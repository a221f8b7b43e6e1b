"""ksmith against a real server of language models, where one is installed."""
import pathlib
import subprocess

from harness import KSMITH, EndToEnd, main

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "llm_venv" / "bin" / "python3"


class Conformance(EndToEnd):
    def test_a_real_server_is_understood(self) -> None:
        if not PYTHON.exists():
            self.skipTest("no server of language models in build/llm_venv (tools/setup.sh --models)")
        done = subprocess.run([PYTHON, ROOT / "tools" / "llm_conformance.py", KSMITH], check=False,
                              text=True, capture_output=True, timeout=280)
        if done.returncode == 77:
            self.skipTest(done.stdout.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("9 passed, 0 failed", done.stdout)


if __name__ == "__main__":
    main()
