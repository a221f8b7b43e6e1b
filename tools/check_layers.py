#!/usr/bin/env python3
"""Fails when a file of src/ or runner/ includes a module that tools/layers.txt does not allow it,
or when x.cc includes something before x.h: coming first proves that the header compiles alone."""
import pathlib
import re
import sys


def read_table(path: pathlib.Path) -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            module, _, allowed = line.partition(":")
            table[module.strip()] = set(allowed.split())
    return table


def own_header_first(path: pathlib.Path, base: pathlib.Path) -> bool:
    header = path.with_suffix(".h")
    first = re.search(r'^\s*#\s*include\s+["<]([^">]+)[">]', path.read_text(), re.MULTILINE)
    if path.suffix != ".cc" or not header.is_file():
        return True
    return first is not None and header in (base / first[1], path.parent / first[1])


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    table = read_table(root / "tools" / "layers.txt")
    include = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/([^"]+)"')
    faults = []
    files = [*root.glob("src/*/**/*.h"), *root.glob("src/*/**/*.cc"), *root.glob("runner/**/*.h"),
             *root.glob("runner/**/*.cc")]
    for path in sorted(files):
        parts = path.relative_to(root).parts
        module = "/".join(parts[:-1]) if parts[0] == "runner" else parts[1]
        if module not in table:
            faults.append(f"{path}: module '{module}' has no line in tools/layers.txt")
            continue
        if not own_header_first(path, root / "src"):
            faults.append(f"{path}: its own header must be the first that it includes")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = include.match(line)
            if not match or match[1] == module or match[1] not in table:
                continue
            allowed = table[module]
            if "*" in allowed or match[1] in allowed or f"{match[1]}/{match[2]}" in allowed:
                continue
            faults.append(f"{path}:{number}: {module} may not include {match[1]}")
    for fault in faults:
        print(fault)
    print(f"layers: {len(files)} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
