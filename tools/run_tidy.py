#!/usr/bin/env python3
"""Runs clang-tidy on the sources of src/ and runner/, in parallel; clean files are remembered.

  tools/run_tidy.py BUILD_FOLDER [--jobs N]

A file that was clean is checked again only when it, an own header it reaches, or .clang-tidy
changed. Files with the same command are checked written one after the other, as one file: most of
the time goes into the headers. Those that this finds fault with are parted from the others and both
checked again; only what is found in a file alone counts, so that two may define the same name.
Exit status 1 on findings, 77 when clang-tidy is missing."""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
TOGETHER = 12


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


class Command:
    """The options that a file is compiled with, the file and the output left out."""

    def __init__(self, entry: dict):
        words = shlex.split(entry["command"])
        while not words[0].startswith("-"):  # the compiler, a cache in front of it
            del words[0]
        output = words.index("-o")
        del words[output:output + 2]
        self.folder = entry["directory"]
        self.options = tuple(word for word in words if word not in ("-c", entry["file"]))
        self.key = (self.folder, self.options)

    def run(self, root: pathlib.Path, path: pathlib.Path) -> tuple[bool, str]:
        # The commands are g++'s: clang does not know every one of its warnings.
        done = subprocess.run(["clang-tidy", "--quiet", f"--config-file={root / '.clang-tidy'}", str(path),
                               "--", *self.options, "-Wno-unknown-warning-option"],
                              cwd=self.folder, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr + f"exit status {done.returncode}"
        return done.returncode == 0, text


class Tidy:
    """Checks files, many at once where they are clean. Immutable."""

    def __init__(self, root: pathlib.Path, commands: dict[pathlib.Path, Command]):
        self.root = root
        self.commands = commands

    def check(self, files: list[pathlib.Path]) -> dict[pathlib.Path, str]:
        """Findings by file; an empty text is a clean one. REQUIRES: all have the same command."""
        if len(files) == 1:
            clean, text = self.commands[files[0]].run(self.root, files[0])
            return {files[0]: "" if clean else text}
        named = self.suspects(files)
        if not named:
            return {path: "" for path in files}
        if len(named) == len(files):
            named = files[len(files) // 2:]
        return {**self.check([path for path in files if path not in named]), **self.check(named)}

    def suspects(self, files: list[pathlib.Path]) -> list[pathlib.Path]:
        """The files that a check of all of them in one file finds fault with."""
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as together:
            owners: list[pathlib.Path] = []
            for path in files:
                text = path.read_text() + "\n"
                together.write(text)
                owners += [path] * text.count("\n")
            together.flush()
            clean, text = self.commands[files[0]].run(self.root, pathlib.Path(together.name))
            if clean:
                return []
            lines = re.findall(rf"^{re.escape(together.name)}:(\d+):", text, re.MULTILINE)
            named = {owners[min(int(line), len(owners)) - 1] for line in lines}
        return [path for path in files if path in named] or files


def batches(files: list[pathlib.Path], commands: dict[pathlib.Path, Command],
            size: int) -> list[list[pathlib.Path]]:
    alike: dict[tuple, list[pathlib.Path]] = {}
    for path in files:
        alike.setdefault(commands[path].key, []).append(path)
    return [group[at:at + size] for group in alike.values() for at in range(0, len(group), size)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if shutil.which("clang-tidy") is None:
        print("SKIP: clang-tidy is not installed (tools/setup.sh --tests)")
        return 77
    root = pathlib.Path(__file__).resolve().parent.parent
    entries = json.loads((options.build / "compile_commands.json").read_text())
    commands = {pathlib.Path(entry["file"]).resolve(): Command(entry) for entry in reversed(entries)}
    files = [path for path in sorted(commands)
             if path.is_relative_to(root / "src") or path.is_relative_to(root / "runner")]
    sources = Sources(root)
    remembered = options.build / "tidy"
    remembered.mkdir(exist_ok=True)
    keys = {path: sources.key(path) for path in files}
    todo = [path for path in files if not (remembered / keys[path]).exists()]
    faults = 0
    tidy = Tidy(root, commands)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for findings in pool.map(tidy.check, batches(todo, commands, TOGETHER)):
            for path, text in findings.items():
                if text:
                    faults += 1
                    print(f"{path.relative_to(root)}:\n{text}", flush=True)
                else:
                    (remembered / keys[path]).touch()
    print(f"tidy: {len(files)} files, {len(todo)} checked now, {faults} with findings")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
