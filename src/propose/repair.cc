#include "propose/repair.h"

#include <algorithm>

#include "base/text.h"
#include "core/kernel_source.h"

namespace ks {
namespace {

Edit Repair(std::string source, std::string why, double gain) {
  return {std::move(source), std::move(why), EditKind::kFlags, gain};
}

std::string WithoutLinesHolding(const std::string& source, const std::string& words) {
  std::string out;
  for (std::string_view line : Split(source, '\n')) {
    if (line.find(words) == std::string_view::npos) out += std::string(line) + "\n";
  }
  return out;
}

void AddFlagRepairs(const std::string& source, std::vector<Edit>& edits) {
  const BuildDirectives now = ParseBuildDirectives(source);
  const auto has = [&](const std::string& flag) {
    return std::find(now.flags.begin(), now.flags.end(), flag) != now.flags.end();
  };
  if (!has("-ffast-math")) return;
  BuildDirectives next = now;
  if (!has("-fno-finite-math-only")) {
    next.flags.push_back("-fno-finite-math-only");
    edits.push_back(Repair(WithBuildDirectives(source, next),
                           "Wrong with -ffast-math: keep infinities and NaN.", 1.5));
  }
  next = now;
  std::erase_if(next.flags, [](const std::string& flag) {
    return flag == "-ffast-math" || flag == "-fno-finite-math-only";
  });
  next.flags.push_back("-fno-math-errno");
  edits.push_back(
      Repair(WithBuildDirectives(source, next), "Wrong with -ffast-math: take it back.", 1.3));
}

}  // namespace

std::vector<Edit> RepairEdits(const std::string& source, const Outcome& outcome) {
  std::vector<Edit> edits;
  const bool wrong = std::holds_alternative<WrongResult>(outcome);
  const bool compile = std::holds_alternative<CompileFailed>(outcome);
  const bool timeout = std::holds_alternative<TimedOut>(outcome);
  if (wrong) AddFlagRepairs(source, edits);
  if (wrong || compile) {
    for (const char* pragma : {"#pragma GCC ivdep", "#pragma omp simd"}) {
      if (source.find(pragma) == std::string::npos) continue;
      edits.push_back(Repair(WithoutLinesHolding(source, pragma),
                             std::string("Remove every ") + pragma + ".", 1.2));
    }
  }
  if (compile || timeout) {
    BuildDirectives next = ParseBuildDirectives(source);
    if (next.compiler != "g++") {
      next.compiler = "g++";
      edits.push_back(Repair(WithBuildDirectives(source, next), "Go back to g++.", 1.4));
    }
  }
  return edits;
}

}  // namespace ks
