#include "backend/cpu/flags.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/text.h"

namespace ks {
namespace {

// Switches with the same meaning in "-fX" and "-fno-X": code generation only.
constexpr std::array<std::string_view, 70> kSwitches = {"unroll-loops",
                                                        "unroll-all-loops",
                                                        "peel-loops",
                                                        "split-loops",
                                                        "unswitch-loops",
                                                        "tree-vectorize",
                                                        "tree-loop-vectorize",
                                                        "tree-slp-vectorize",
                                                        "vectorize",
                                                        "slp-vectorize",
                                                        "inline",
                                                        "inline-functions",
                                                        "inline-small-functions",
                                                        "inline-functions-called-once",
                                                        "omit-frame-pointer",
                                                        "strict-aliasing",
                                                        "strict-overflow",
                                                        "wrapv",
                                                        "schedule-insns",
                                                        "schedule-insns2",
                                                        "sched-pressure",
                                                        "sched-interblock",
                                                        "modulo-sched",
                                                        "rename-registers",
                                                        "tree-loop-distribution",
                                                        "tree-loop-distribute-patterns",
                                                        "tree-loop-im",
                                                        "tree-loop-ivcanon",
                                                        "tree-loop-if-convert",
                                                        "tree-loop-optimize",
                                                        "tree-vrp",
                                                        "tree-pre",
                                                        "tree-partial-pre",
                                                        "tree-ter",
                                                        "tree-sra",
                                                        "tree-dce",
                                                        "tree-dse",
                                                        "tree-fre",
                                                        "tree-ccp",
                                                        "ivopts",
                                                        "gcse",
                                                        "gcse-lm",
                                                        "gcse-sm",
                                                        "gcse-las",
                                                        "gcse-after-reload",
                                                        "web",
                                                        "ira-loop-pressure",
                                                        "loop-interchange",
                                                        "loop-unroll-and-jam",
                                                        "loop-nest-optimize",
                                                        "loop-block",
                                                        "loop-parallelize-all",
                                                        "loop-strip-mine",
                                                        "graphite-identity",
                                                        "ipa-cp-clone",
                                                        "ipa-cp",
                                                        "ipa-pta",
                                                        "prefetch-loop-arrays",
                                                        "predictive-commoning",
                                                        "version-loops-for-strides",
                                                        "split-paths",
                                                        "variable-expansion-in-unroller",
                                                        "align-functions",
                                                        "align-loops",
                                                        "align-jumps",
                                                        "align-labels",
                                                        "math-errno",
                                                        "trapping-math",
                                                        "fp-int-builtin-inexact",
                                                        "openmp-simd"};

// Switches that reorder or approximate floating point: only where the task's tolerance admits it.
constexpr std::array<std::string_view, 9> kReassociating = {"fast-math",
                                                            "unsafe-math-optimizations",
                                                            "associative-math",
                                                            "reciprocal-math",
                                                            "finite-math-only",
                                                            "signed-zeros",
                                                            "rounding-math",
                                                            "approx-func",
                                                            "excess-precision=fast"};

constexpr std::array<std::string_view, 12> kParameters = {
    "max-unroll-times",           "max-unrolled-insns",
    "max-average-unrolled-insns", "max-completely-peeled-insns",
    "max-completely-peel-times",  "max-peeled-insns",
    "simultaneous-prefetches",    "l1-cache-size",
    "l1-cache-line-size",         "l2-cache-size",
    "prefetch-latency",           "vect-max-version-for-alias-checks"};

constexpr std::array<std::string_view, 26> kPlain = {"-O0",
                                                     "-O1",
                                                     "-O2",
                                                     "-O3",
                                                     "-O",
                                                     "-Os",
                                                     "-w",
                                                     "-Wall",
                                                     "-Wextra",
                                                     "-fvect-cost-model=unlimited",
                                                     "-fvect-cost-model=dynamic",
                                                     "-fvect-cost-model=cheap",
                                                     "-fvect-cost-model=very-cheap",
                                                     "-fsimd-cost-model=unlimited",
                                                     "-fsimd-cost-model=dynamic",
                                                     "-ffp-contract=fast",
                                                     "-ffp-contract=off",
                                                     "-ffp-contract=on",
                                                     "-fno-exceptions",
                                                     "-fno-rtti",
                                                     "-fno-plt",
                                                     "-fno-stack-protector",
                                                     "-fvisibility=hidden",
                                                     "-mvzeroupper",
                                                     "-mno-vzeroupper",
                                                     "-fno-builtin"};

constexpr std::array<std::string_view, 10> kStandards = {"c++11",   "c++14",   "c++17",   "c++20",
                                                         "c++2b",   "gnu++11", "gnu++14", "gnu++17",
                                                         "gnu++20", "gnu++2b"};

template <size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool Take(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool IsInteger(std::string_view text) { return ParseInt(text).has_value(); }

bool IsIdentifier(std::string_view text) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(), is_word);
}

bool IsMacro(std::string_view text) {
  const size_t equals = text.find('=');
  if (!IsIdentifier(text.substr(0, equals))) return false;
  return equals == std::string_view::npos || IsInteger(text.substr(equals + 1)) ||
         IsIdentifier(text.substr(equals + 1));
}

bool HasMarch(const Machine& machine, std::string_view name) {
  return name == "native" || std::any_of(machine.march_options.begin(), machine.march_options.end(),
                                         [&](const std::string& option) { return option == name; });
}

// "-mavx2" needs the instruction set; "-mno-avx2" never does.
bool IsKnownIsa(const Machine& machine, std::string_view name) {
  return std::any_of(machine.isa.begin(), machine.isa.end(), [&](const std::string& isa) {
    return isa == name || ReplaceAll(isa, "sse4_", "sse4.") == name;
  });
}

constexpr const char* kNotListed =
    "not in the list of allowed flags (code generation switches only; no files, linking or "
    "instrumentation)";

class FlagJudge {
 public:
  FlagJudge(const Task& task, const Machine& machine) : task_(task), machine_(machine) {}

  // Null: allowed.
  const char* WhyNot(std::string_view flag) const {
    if (Contains(kPlain, flag)) return nullptr;
    if (flag == "-Ofast") return Reassociating();
    if (flag == "-fopenmp" || flag == "-pthread") {
      return task_.max_threads > 1 ? nullptr : "this task allows one thread";
    }
    if (Take(&flag, "-std=")) return Contains(kStandards, flag) ? nullptr : "unknown standard";
    if (Take(&flag, "-D")) {
      return IsMacro(flag) ? nullptr : "a macro may only be an integer or a name";
    }
    if (Take(&flag, "--param=")) return WhyNotParameter(flag);
    if (Take(&flag, "-march=")) return WhyNotMarch(flag);
    if (Take(&flag, "-mtune=")) {
      return flag == "generic" || HasMarch(machine_, flag) ? nullptr : "unknown processor";
    }
    if (Take(&flag, "-mprefer-vector-width=")) {
      return flag == "none" || flag == "128" || flag == "256" || flag == "512" ? nullptr
                                                                               : "unknown width";
    }
    if (Take(&flag, "-f")) return WhyNotSwitch(flag);
    if (Take(&flag, "-mno-")) return IsIdentifier(flag) ? nullptr : kNotListed;
    if (Take(&flag, "-m")) return WhyNotIsa(flag);
    return kNotListed;
  }

 private:
  const char* Reassociating() const {
    return task_.allow_reassociation ? nullptr : "this task does not allow reordered arithmetic";
  }

  const char* WhyNotSwitch(std::string_view name) const {
    Take(&name, "no-");
    if (Contains(kReassociating, name)) return Reassociating();
    const size_t equals = name.find('=');
    if (equals != std::string_view::npos && !IsInteger(name.substr(equals + 1))) return kNotListed;
    return Contains(kSwitches, name.substr(0, equals)) ? nullptr : kNotListed;
  }

  const char* WhyNotMarch(std::string_view name) const {
    return HasMarch(machine_, name) ? nullptr : "this machine does not have that instruction set";
  }

  const char* WhyNotIsa(std::string_view name) const {
    if (!IsIdentifier(ReplaceAll(std::string(name), ".", "_"))) return kNotListed;
    return IsKnownIsa(machine_, name) ? nullptr : "this machine does not have that instruction set";
  }

  const char* WhyNotParameter(std::string_view text) const {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || !IsInteger(text.substr(equals + 1))) return kNotListed;
    return Contains(kParameters, text.substr(0, equals)) ? nullptr : kNotListed;
  }

  const Task& task_;
  const Machine& machine_;
};

}  // namespace

std::optional<Rejected> CheckFlags(const std::vector<std::string>& flags, const Task& task,
                                   const Machine& machine) {
  const FlagJudge judge(task, machine);
  for (const std::string& flag : flags) {
    if (const char* why = judge.WhyNot(flag))
      return Rejected{"flag", Shorten(flag, 80) + ": " + why};
  }
  return std::nullopt;
}

}  // namespace ks
