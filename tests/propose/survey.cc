// propose_survey [walk N SEED | time NAME AXIS=SIZE,... DEPTH]: a tool for working on skills, not a
// test. Without arguments: how many edits each skill has on each seed, and whether each keeps the
// result. walk: N random chains of five edits; the end of each chain is compared with the seed.
// Tasks have neither timed workloads nor threads here, so specialize_sizes and threading take no
// part. time: greedy, DEPTH steps. In step 0 "base" and "parent" are the same source: where the two
// ratios printed differ, the machine is too busy for the figures to mean anything.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <set>

#include "base/rng.h"
#include "base/text.h"
#include "propose/skills/registry.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

std::vector<AxisValues> FewSizes(const Task& task) {
  std::vector<AxisValues> sizes = OddSizes(task);
  return {sizes[0], sizes[2], sizes[3], sizes[4], sizes[6]};
}

int Survey() {
  int faults = 0;
  std::map<std::string, std::map<std::string, int>> counts;
  for (const auto& skill : AllSkills()) {
    for (const std::string& name : SeedNames()) {
      const SeedCase seed = SeedNamed(name);
      const std::vector<Edit> edits = EditsOf(*skill, seed.task, seed.source);
      counts[skill->name()][name] = static_cast<int>(edits.size());
      for (const Edit& edit : edits) {
        const std::string difference =
            DifferenceOf(seed.task, seed.source, edit.source, FewSizes(seed.task));
        if (difference.empty()) continue;
        ++faults;
        fmt::print("FAULT {} on {}: {}: {}\n{}\n", skill->name(), name, edit.rationale, difference,
                   edit.source);
      }
    }
    fmt::print("{}:", skill->name());
    for (const auto& [name, count] : counts[skill->name()]) {
      if (count > 0) fmt::print(" {}={}", name, count);
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
  return faults;
}

int Walk(int walks, uint64_t first_seed) {
  int faults = 0, steps = 0;
  const auto skills = AllSkills();
  const std::vector<std::string> names = SeedNames();
  for (int walk = 0; walk < walks; ++walk) {
    Rng rng(DeriveSeed(first_seed, "walk", static_cast<uint64_t>(walk)));
    const SeedCase seed = SeedNamed(names[rng.Below(names.size())]);
    std::string source = seed.source, trail;
    for (int depth = 0; depth < 5; ++depth) {
      std::vector<std::pair<std::string, Edit>> all;
      for (const auto& skill : skills) {
        std::vector<Edit> edits = EditsOf(*skill, seed.task, source);
        if (edits.empty()) continue;
        const size_t pick = rng.Below(edits.size());
        all.emplace_back(skill->name(), edits[pick]);
      }
      const size_t pick = rng.Below(all.size());
      source = all[pick].second.source;
      trail += "\n  " + all[pick].first + ": " + all[pick].second.rationale;
      ++steps;
    }
    const std::string difference =
        DifferenceOf(seed.task, seed.source, source, FewSizes(seed.task), 1e-4);
    if (difference.empty()) continue;
    ++faults;
    fmt::print("FAULT walk {} on {}: {}{}\n{}\n", walk, seed.task.entry, difference, trail, source);
    std::fflush(stdout);
  }
  fmt::print("{} walks, {} edits, {} faults\n", walks, steps, faults);
  return faults;
}

// Greedy: from each kept kernel all edits, timed side by side; the best few go on.
int Time(const std::string& name, const std::string& sizes, int depth) {
  const SeedCase seed = SeedNamed(name);
  AxisValues axes;
  for (std::string_view part : Split(sizes, ',')) {
    const size_t equal = part.find('=');
    axes[std::string(part.substr(0, equal))] = *ParseInt(part.substr(equal + 1));
  }
  const Machine machine = TestMachine();
  BuildDirectives directives;
  directives.flags = {"-O3", "-march=" + machine.march_options[0], "-ffast-math"};
  const std::string base = WithBuildDirectives(seed.source, directives);
  std::string parent = base;
  const auto skills = AllSkills();
  for (int step = 0; step < depth; ++step) {
    std::vector<std::string> sources = {base, parent}, labels = {"base", "parent"};
    for (const auto& skill : skills) {
      for (const Edit& edit : EditsOf(*skill, seed.task, parent)) {
        sources.push_back(edit.source);
        labels.push_back(skill->name() + ": " + edit.rationale);
      }
    }
    const std::vector<double> times = TimeKernels(seed.task, sources, axes, 7);
    size_t best = 1;
    for (size_t i = 1; i < times.size(); ++i) {
      if (times[i] < times[best]) best = i;
    }
    fmt::print("step {}: {} edits; best {:.2f}x of base, {:.2f}x of parent ({})\n", step,
               sources.size() - 2, times[0] / times[best], times[1] / times[best], labels[best]);
    for (size_t i = 2; i < times.size(); ++i) {
      if (times[1] / times[i] > 1.1) fmt::print("    {:.2f} {}\n", times[1] / times[i], labels[i]);
    }
    std::fflush(stdout);
    if (best == 1) break;
    parent = sources[best];
  }
  fmt::print("{}\n", parent);
  return 0;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "walk" && argc > 3) {
    return ks::Walk(std::atoi(argv[2]), static_cast<uint64_t>(std::atoi(argv[3]))) == 0 ? 0 : 1;
  }
  if (mode == "time" && argc > 4) return ks::Time(argv[2], argv[3], std::atoi(argv[4]));
  return ks::Survey() == 0 ? 0 : 1;
}
