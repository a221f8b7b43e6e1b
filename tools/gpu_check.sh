#!/usr/bin/env bash
# Everything that needs a GPU, in one command: tests, the adversarial corpus, task seeds, benches.
#
#   tools/gpu_check.sh USER@HOST [run options]   pack here, run there over ssh, fetch bench/results
#   tools/gpu_check.sh pack                      only the portable bundle: build/gpu_bundle/
#   tools/gpu_check.sh run [--parts a,b] [--seconds N] [--out DIR]
#                                                in a bundle or a checkout, on a machine with a GPU
#
# Parts: info tests corpus tasks bench torch modules evolve (all, in this order). --seconds: for each search of
# `evolve` (default 20); --searches: so many side by side (default: a third of the cores); --tasks,
# --backends: a,b (default: all; cuda,triton). Prints one table at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

bundle=build/gpu_bundle
programs=(ksmith device_bench backend_device_test adversarial_device_test adversarial_torch_cuda_test)

pack() {
  rm -rf "$bundle" && mkdir -p "$bundle/bin" "$bundle/tools" "$bundle/bench" || return 1
  local program
  for program in "${programs[@]}"; do
    cp "build/release/bin/$program" "$bundle/bin/" || return 1
    strip "$bundle/bin/$program"
  done
  cp -r tasks tests/adversarial "$bundle/" && cp tools/gpu_check.sh "$bundle/tools/" &&
    cp bench/*.py "$bundle/bench/" || return 1
  git rev-parse --short HEAD >"$bundle/commit"
  printf 'packed %s (%s)\n' "$bundle" "$(du -sh "$bundle" | cut -f1)"
}

remote() {
  local host=$1 there=kernelsmith-gpu-check
  shift
  pack || exit 1
  tar -C "$bundle" -cz . | ssh "$host" "rm -rf $there && mkdir $there && tar -C $there -xz" || exit 1
  ssh "$host" "cd $there && tools/gpu_check.sh run --out results $*"
  local status=$?
  mkdir -p bench/results
  ssh "$host" "tar -C $there/results -cz ." | tar -C bench/results -xz
  exit "$status"
}

# one-search BIN OUT RUNS URL SECONDS BACKEND TASK: of `evolve`.
one_search() {
  local bin=$1 out=$2 run=$3/$6-$7 url=$4 seconds=$5 backend=$6 name=$7
  timeout $((seconds + 60)) "$bin/ksmith" evolve "$name" --backend "$backend" --steps 199 --jobs 6 \
    --minutes "$(python3 -c "print($seconds / 60)")" --run "$run" --evaluator "$url" >"$run.log" 2>&1 ||
    { tail -n 3 "$run.log"; return 1; }
  "$bin/ksmith" show "$run" --json >"$out/evolve-$backend-$name.json" &&
    printf '%s %s %s\n' "$backend" "$name" "$(grep '^best' "$run.log" | tail -n 1)"
}

case "${1:-}" in
  pack) pack; exit ;;
  one-search) shift; one_search "$@"; exit ;;
  run) shift ;;
  '' | -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) remote "$@" ;;
esac

parts=info,tests,corpus,tasks,bench,torch,modules,evolve
seconds=20
searches=$(($(nproc) / 3 + 1))
out=bench/results
backends=cuda,triton
only=
while [ $# -gt 0 ]; do
  case "$1" in
    --parts) parts=$2 ;;
    --seconds) seconds=$2 ;;
    --searches) searches=$2 ;;
    --out) out=$2 ;;
    --backends) backends=$2 ;;
    --tasks) only=$2 ;;
    *) printf 'gpu_check: unknown option %s\n' "$1" >&2; exit 2 ;;
  esac
  shift 2
done
bin=bin
[ -x bin/ksmith ] || bin=build/release/bin
mkdir -p "$out"
export KS_CORPUS_DIR=$PWD/adversarial
[ -d "$KS_CORPUS_DIR" ] || KS_CORPUS_DIR=$PWD/tests/adversarial
failed=()

has() { case ",$parts," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }
note() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }
# step NAME COMMAND...: runs it, remembers a failure, goes on.
step() {
  local name=$1
  shift
  "$@" || failed+=("$name")
}
count_tests() { grep -E '^\[  (PASSED|FAILED|SKIPPED) \] |tests? ran|FAILED  \]|Skipped' "$1" | tail -n 40; }

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L | grep -q GPU; then
  printf 'gpu_check: no NVIDIA GPU here; everything is skipped\n'
  exit 0
fi
{
  date -u +%Y-%m-%dT%H:%M:%SZ
  cat commit 2>/dev/null || git rev-parse --short HEAD
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
} >"$out/gpu_machine.txt"

if has info; then
  note info
  cat "$out/gpu_machine.txt"
  step doctor "$bin/ksmith" doctor
  "$bin/ksmith" devices
fi
if has tests; then
  note tests
  step tests timeout 180 "$bin/backend_device_test" --gtest_brief=1 >"$out/gpu_tests.log" 2>&1
  count_tests "$out/gpu_tests.log"
fi
if has corpus; then
  note 'adversarial corpus'
  step corpus timeout 400 "$bin/adversarial_device_test" --gtest_brief=1 \
    --gtest_filter='*cuda*:*triton*:*IsThere*' >"$out/gpu_corpus.log" 2>&1
  count_tests "$out/gpu_corpus.log"
fi
names=${only:-$("$bin/ksmith" tasks --json | python3 -c \
  'import json,sys; print(",".join(t["name"] for t in json.load(sys.stdin)["tasks"]))')}
if has tasks; then
  note 'task seeds'
  for backend in ${backends//,/ }; do
    for name in ${names//,/ }; do
      "$bin/ksmith" evaluate "$name" --kernel "$(ls tasks/"$name"/seed*."$(
        [ "$backend" = cuda ] && echo cu || echo py)" 2>/dev/null | head -n 1)" \
        --backend "$backend" --json >"$out/seed.json" 2>"$out/seed.err"
      python3 - "$backend" "$name" "$out" <<'PY' || failed+=("seed $backend $name")
import json, sys
backend, name, out = sys.argv[1:]
try:
    result = json.load(open(f"{out}/seed.json"))
    outcome = result["outcome"]
    timing = (outcome.get("timings") or [{}])[0]
    print(f"{backend:7} {name:24} {outcome['kind']:12} {timing.get('median_ns', 0) / 1e6:10.4f} ms "
          f"{'' if outcome['kind'] == 'measured' else json.dumps(outcome)[:300]}")
    sys.exit(outcome["kind"] != "measured")
except (ValueError, KeyError) as error:
    print(f"{backend:7} {name:24} {type(error).__name__} {open(f'{out}/seed.err').read()[:300]}")
    sys.exit(1)
PY
    done
  done
  rm -f "$out"/seed.json "$out"/seed.err
fi
if has bench; then
  note bench
  for backend in ${backends//,/ }; do
    for bench in throughput canary honesty; do
      step "$bench $backend" timeout 150 "$bin/device_bench" "$bench" --backend "$backend" \
        --jobs "$(nproc)" >"$out/device_${bench}_$backend.json"
      cat "$out/device_${bench}_$backend.json"
    done
  done
fi
if has torch; then
  note 'torch, eager and compiled'
  step torch timeout 300 python3 bench/torch_baselines.py --compile --folder tasks \
    --out "$out/torch_baselines.json"
fi
# Modules: what cheats, then some of our own against themselves, then a search with two starts.
check_modules() {
  local corpus=$KS_CORPUS_DIR module runs
  runs=$(mktemp -d)
  step 'modules corpus' timeout 240 "$bin/adversarial_torch_cuda_test" --gtest_brief=1 >"$out/modules_corpus.log" 2>&1
  grep -E '^[a-z_0-9]+: ' "$out/modules_corpus.log"
  count_tests "$out/modules_corpus.log"
  for module in level1/embedding_bag level2/alibi_attention level3/point_net; do
    sed 's/\bModel\b/ModelNew/g' "tasks/torch/$module.py" >"$runs/eager.py"
    step "module $module" timeout 90 "$bin/ksmith" evaluate "tasks/torch/$module.py" --kernel "$runs/eager.py" \
      --backend torch --json >"$out/module_$(basename "$module").json"
    head -c 600 "$out/module_$(basename "$module").json"
  done
  step 'modules evolve' timeout 120 "$bin/ksmith" evolve "$corpus/torch/reference/linear_relu_add.py" \
    --backend torch --seed-file "$corpus/torch_cuda/honest_triton.py" --steps 2 --run "$runs/run" >"$out/modules_evolve.log" 2>&1
  tail -n 8 "$out/modules_evolve.log"
  "$bin/ksmith" show "$runs/run" --json >"$out/modules_evolve.json"
  rm -rf "$runs"
}
if has modules; then
  note modules
  check_modules
fi
# Every GPU serves; searches of all tasks go on side by side and send it their candidates.
evolve_all() {
  local runs port=8471 gpus devices=() served=() backend server
  runs=$(mktemp -d)
  gpus=$("$bin/ksmith" devices --json | python3 -c 'import json, sys
print(sum(len(a["devices"]) for a in json.load(sys.stdin)["apis"] if a["api"] == "cuda"))')
  [ "$gpus" -gt 0 ] || gpus=1
  for backend in ${backends//,/ }; do
    served+=(--backend "$backend")
    for ((gpu = 0; gpu < gpus; ++gpu)); do devices+=("$backend:$gpu"); done
  done
  "$bin/ksmith" serve "${served[@]}" --devices "$(IFS=,; echo "${devices[*]}")" --port "$port" \
    --cache "$runs/cache" >"$out/serve.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
  done
  for backend in ${backends//,/ }; do printf "$backend %s\n" ${names//,/ }; done |
    xargs -P "$searches" -L 1 tools/gpu_check.sh one-search "$bin" "$out" "$runs" "http://127.0.0.1:$port" "$seconds" ||
    failed+=(evolve)
  curl -s "http://127.0.0.1:$port/metrics" >"$out/serve_metrics.txt"
  kill "$server" && wait "$server"
  rm -rf "$runs"
}
if has evolve; then
  note "evolve, $seconds s a search, $searches at a time, at most 200 evaluations"
  evolve_all
fi
note table
python3 bench/device_table.py "$out" | tee "$out/device_table.md"
printf '\n%s\n' "${failed[*]:+failed: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ]
