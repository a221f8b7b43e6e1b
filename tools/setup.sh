#!/usr/bin/env bash
# Installs what the build needs on Debian 12 and unpacks the grammars. Idempotent: does only what
# is missing, and needs neither root nor network when nothing is.
#
#   tools/setup.sh           packages for `make build` and `make demo`
#   tools/setup.sh --tests   also what only the tests and the lint need
#   tools/setup.sh --bench   also what only the benchmarks need
#   tools/setup.sh --devices also NVRTC and Triton in build/venv, for the tests of device compilers
#   tools/setup.sh --torch   also torch and Triton in build/venv, for PyTorch modules
#   tools/setup.sh --models  also a server of language models in build/llm_venv, for its conformance test
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(g++ cmake ninja-build python3 python3-pip python3-setuptools python3-wheel
  nlohmann-json3-dev libcli11-dev libfmt-dev libtomlplusplus-dev libsqlite3-dev libtree-sitter-dev
  libzstd-dev libseccomp-dev libssl-dev libboost1.81-dev)
test_packages=(ccache clang clang-format clang-tidy libgtest-dev chromium chromium-driver
  python3-selenium procps pocl-opencl-icd ocl-icd-libopencl1)
bench_packages=(libopenblas-dev)
# Without them those tests are skipped. NVRTC's headers come with a CUDA toolkit.
# NumPy: for Triton's interpreter in tests; 2.4 and newer do not work with Triton 3.6.
device_wheels=(triton==3.6.0 nvidia-cuda-nvrtc==13.0.88 numpy==2.3.5 pytest ruff)
# Pinned: another release may bring gigabytes of CUDA libraries along.
torch_wheels=(torch==2.13.0 triton==3.6.0 numpy==2.3.5 pytest ruff)
model_wheels=(xllamacpp==2026.10.11549 gguf==0.19.0)

# name version sha256 of the source distribution
grammars=(
  "cpp 0.23.4 6a59c4cebb1ad1dc2e8d586cf8a72b39d21b8108b7b139d089719e81a339e41d"
  "python 0.23.6 354bfa0a2f9217431764a631516f85173e9711af2c13dbd796a8815acfe505d9"
)

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
  local missing=() package log
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local install="apt-get install -y --no-install-recommends ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      fail "these packages are missing and installing them needs root. Run: sudo $install"
    fi
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
      --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install them. Is this machine online? To see more, run: $install"
  fi
  rm -f "$log"
}

# The generated C of a grammar comes from its PyPI source distribution. pip checks the hash.
fetch_grammar() {
  local language=$1 version=$2 sha256=$3
  local name=tree-sitter-$language folder=build/third_party/tree_sitter_$language
  if [ -f "$folder/version" ] && [ "$(cat "$folder/version")" = "$sha256" ] &&
    [ -f "$folder/parser.c" ] && [ -f "$folder/scanner.c" ]; then
    return 0
  fi
  say "fetching a grammar ($name $version)"
  local work
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha256" >"$work/requirements.txt"
  # Debian's interpreter by name: another python3 may come first on PATH without pip or setuptools.
  # No build isolation: the setuptools that is installed reads the metadata, nothing else is fetched.
  if ! /usr/bin/python3 -m pip download --quiet --no-deps --no-build-isolation --no-cache-dir \
    --no-binary :all: --require-hashes --disable-pip-version-check --dest "$work" \
    --requirement "$work/requirements.txt" >"$work/log" 2>&1 </dev/null; then
    tail -n 15 "$work/log" >&2
    fail "pip could not fetch $name $version. Is this machine online?"
  fi
  tar -xzf "$work"/tree?sitter?"$language"-*.tar.gz -C "$work"
  mkdir -p "$folder"
  cp "$work"/tree?sitter?"$language"-"$version"/src/{parser,scanner}.c "$folder/"
  printf '%s\n' "$sha256" >"$folder/version"
  rm -rf "$work"
  trap - EXIT
}

# make_environment FOLDER WHEEL...
make_environment() {
  local folder=$1 wheel missing=()
  shift
  [ -x "$folder/bin/python3" ] || /usr/bin/python3 -m venv "$folder"
  for wheel in "$@"; do
    "$folder/bin/python3" -m pip show --quiet "${wheel%%==*}" >/dev/null 2>&1 ||
      missing+=("$wheel")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing into $folder: ${missing[*]}"
  "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check "${missing[@]}" ||
    fail "pip could not install ${missing[*]}. Is this machine online?"
}

devices=false
torch=false
models=false
packages=("${build_packages[@]}")
for argument in "$@"; do
  case "$argument" in
    --tests) packages+=("${test_packages[@]}") ;;
    --bench) packages+=("${bench_packages[@]}") ;;
    --devices)
      devices=true
      packages+=(python3-venv)
      ;;
    --torch)
      torch=true
      packages+=(python3-venv)
      ;;
    --models)
      models=true
      packages+=(python3-venv)
      ;;
    *) fail "unknown argument '$argument' (known: --tests, --bench, --devices, --torch, --models)" ;;
  esac
done
command -v dpkg-query >/dev/null ||
  fail "this is not Debian. Install the like of: ${packages[*]}"
install_packages "${packages[@]}"
for grammar in "${grammars[@]}"; do
  read -r language version sha256 <<<"$grammar"
  fetch_grammar "$language" "$version" "$sha256"
done
if $devices; then make_environment build/venv "${device_wheels[@]}"; fi
if $torch; then make_environment build/venv "${torch_wheels[@]}"; fi
if $models; then make_environment build/llm_venv "${model_wheels[@]}"; fi
say "ready"
