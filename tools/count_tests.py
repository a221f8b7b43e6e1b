#!/usr/bin/env python3
"""Prints the skipped tests with their reasons and the closing line of a JUnit file of ctest.

Exit status 1 when a test failed, when none ran, or when there is no file."""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def reason(case: ElementTree.Element) -> str:
    """Why a test was skipped, from what it printed."""
    text = case.findtext("system-out") or ""
    match = re.search(r"(?:^|\n)[^\n]*: Skipped\n([^\n]+)", text) or re.search(r"SKIP: ([^\n]+)", text)
    return match[1].strip() if match else "no reason printed"


def main() -> int:
    path = pathlib.Path(sys.argv[1])
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no test results: {error}\n0 passed, 1 failed, 0 skipped")
        return 1
    failed = [case for case in cases if case.get("status") == "fail"]
    passed = [case for case in cases if case.get("status") == "run"]
    skipped = [case for case in cases if case not in failed and case not in passed]
    for case in skipped:
        print(f"skipped: {case.get('name')}: {reason(case)}")
    for case in failed:
        print(f"failed: {case.get('name')}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
