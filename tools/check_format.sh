#!/usr/bin/env bash
# Fails when clang-format would change an own source. Mend with `make format`.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v clang-format >/dev/null; then
  echo "SKIP: clang-format is not installed (tools/setup.sh --tests)"
  exit 77
fi
find src runner tests bench -name '*.cc' -o -name '*.h' | sort |
  xargs -r clang-format --dry-run --Werror
