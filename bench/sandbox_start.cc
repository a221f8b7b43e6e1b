// Time from asking for a sandboxed process to having it: best, median and 90th percentile.
//
//   sandbox_start [--starts 200]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/text.h"
#include "sandbox/sandbox.h"

int main(int argc, char** argv) {
  int64_t starts = 200;
  if (argc == 3 && std::string(argv[1]) == "--starts") starts = ks::ParseInt(argv[2]).value_or(0);
  if (starts < 10) {
    fmt::print(stderr, "usage: sandbox_start [--starts N], N at least 10\n");
    return 2;
  }
  auto sandbox = ks::Sandbox::Create();
  if (!sandbox.ok()) {
    fmt::print(stderr, "sandbox_start: {}\n", sandbox.error().message);
    return 1;
  }
  std::vector<double> ms;
  for (int64_t i = 0; i < starts; ++i) {
    ks::SandboxSpec spec;
    spec.argv = {"/bin/true"};
    const auto begin = std::chrono::steady_clock::now();
    auto process = (*sandbox)->Start(spec);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begin;
    if (!process.ok() || !(*process)->Wait(10, {}).ok()) {
      fmt::print(stderr, "sandbox_start: a process could not be started or did not end\n");
      return 1;
    }
    ms.push_back(taken.count());
  }
  std::sort(ms.begin(), ms.end());
  fmt::print(
      "{{\"bench\": \"sandbox_start\", \"starts\": {}, \"best_ms\": {:.3f}, "
      "\"median_ms\": {:.3f}, \"p90_ms\": {:.3f}}}\n",
      starts, ms.front(), ms[ms.size() / 2], ms[ms.size() * 9 / 10]);
  return 0;
}
