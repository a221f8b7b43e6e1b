#!/usr/bin/env python3
"""Fails when a document links to a file of the tree that is not there, or a required one is missing."""
import pathlib
import re
import sys

REQUIRED = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/terminology.md",
            "docs/operations.md", "docs/measurement.md", "docs/task_format.md", "docs/store_format.md",
            "docs/json_output.md", "docs/service_api.md", "docs/adding_a_backend.md", "docs/adding_a_skill.md")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = [f"{name} is missing" for name in REQUIRED if not (root / name).is_file()]
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("bench/**/*.md")]
    for document in documents:
        for number, line in enumerate(document.read_text().splitlines(), 1):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                if not (document.parent / target).exists():
                    faults.append(f"{document.relative_to(root)}:{number}: no file {target}")
    for fault in faults:
        print(fault)
    print(f"documents: {len(documents)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
