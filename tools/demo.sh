#!/usr/bin/env bash
# About two minutes of evolution on the matmul task, then where the report is.
#   tools/demo.sh KSMITH RUN_FOLDER
set -euo pipefail
ksmith=$1
run=$2
if [ -e "$run" ]; then  # keep earlier demonstrations
  number=2
  while [ -e "$run-$number" ]; do number=$((number + 1)); done
  run=$run-$number
fi
printf 'demo: %s evolve matmul --minutes 2 --run %s\n' "$ksmith" "$run"
"$ksmith" evolve matmul --minutes 2 --run "$run"
"$ksmith" show "$run"
printf '\nThe report, for any browser: %s/report.html\n' "$run"
printf 'The kernel:                  %s export %s --best best.cc\n' "$ksmith" "$run"
