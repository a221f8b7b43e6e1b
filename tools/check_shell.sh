#!/usr/bin/env bash
# Fails when an own shell script does not parse or lacks `set -u`.
set -uo pipefail
cd "$(dirname "$0")/.."
faults=0
while read -r script; do
  bash -n "$script" || faults=$((faults + 1))
  if ! grep -qE '^set -[a-z]*u' "$script"; then
    echo "$script: no 'set -u'"
    faults=$((faults + 1))
  fi
done < <(find .ci tools tests bench -name '*.sh' -o -path '.ci/run' | sort)
echo "shell: $faults faults"
[ "$faults" -eq 0 ]
