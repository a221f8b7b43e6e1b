#!/usr/bin/env python3
"""Runs clang-tidy on the sources of src/ and runner/, in parallel; clean files are remembered.

  tools/run_tidy.py BUILD_FOLDER [--jobs N]

A file that was clean is checked again only when it, an own header it reaches, or .clang-tidy
changed. Exit status 1 on findings, 77 when clang-tidy is missing."""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


class Sources:
    """Own sources and the hash of everything own that a file reaches by #include."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.salt = (root / ".clang-tidy").read_bytes()

    def reached(self, path: pathlib.Path) -> set[pathlib.Path]:
        found: set[pathlib.Path] = set()
        todo = [path]
        while todo:
            current = todo.pop()
            if current in found:
                continue
            found.add(current)
            for name in INCLUDE.findall(current.read_text()):
                for base in (self.root / "src", self.root, current.parent):
                    if (base / name).is_file():
                        todo.append((base / name).resolve())
                        break
        return found

    def key(self, path: pathlib.Path) -> str:
        digest = hashlib.sha256(self.salt)
        for part in sorted(self.reached(path)):
            digest.update(part.read_bytes())
        return digest.hexdigest()


def check(path: pathlib.Path, build: pathlib.Path) -> tuple[bool, str]:
    # The commands are g++'s: clang does not know every one of its warnings.
    done = subprocess.run(["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                           "-p", str(build), str(path)], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + (done.stderr if done.returncode else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if shutil.which("clang-tidy") is None:
        print("SKIP: clang-tidy is not installed (tools/setup.sh --tests)")
        return 77
    root = pathlib.Path(__file__).resolve().parent.parent
    commands = json.loads((options.build / "compile_commands.json").read_text())
    files = sorted({pathlib.Path(entry["file"]).resolve() for entry in commands})
    files = [path for path in files
             if path.is_relative_to(root / "src") or path.is_relative_to(root / "runner")]
    sources = Sources(root)
    remembered = options.build / "tidy"
    remembered.mkdir(exist_ok=True)
    keys = {path: sources.key(path) for path in files}
    todo = [path for path in files if not (remembered / keys[path]).exists()]
    faults = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, (clean, text) in zip(todo, pool.map(lambda p: check(p, options.build), todo)):
            if clean:
                (remembered / keys[path]).touch()
            else:
                faults += 1
                print(f"{path.relative_to(root)}:\n{text}", flush=True)
    print(f"tidy: {len(files)} files, {len(todo)} checked now, {faults} with findings")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
