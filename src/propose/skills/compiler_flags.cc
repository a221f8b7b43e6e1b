// Skill compiler_flags: optimisation level, instruction set, relaxed floating point, unrolling,
// vector width, the other compiler.
#include <algorithm>

#include "base/text.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

using Flags = std::vector<std::string>;

bool Has(const Flags& flags, const std::string& flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

bool HasPrefix(const Flags& flags, const std::string& prefix) {
  return std::any_of(flags.begin(), flags.end(),
                     [&](const std::string& flag) { return flag.starts_with(prefix); });
}

Flags WithoutPrefix(Flags flags, const std::string& prefix) {
  std::erase_if(flags, [&](const std::string& flag) { return flag.starts_with(prefix); });
  return flags;
}

Flags With(Flags flags, const std::string& flag) {
  flags.push_back(flag);
  return flags;
}

class CompilerFlagsSkill final : public Skill {
 public:
  std::string name() const override { return "compiler_flags"; }
  std::string_view summary() const override {
    return "Compile for the machine: -O3, the best -march, -ffast-math where the tolerance admits "
           "reordering, unrolling, another vector width, the other compiler. Costs nothing in the "
           "source; relaxed floating point may break infinities used as masks.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    const BuildDirectives& now = kernel.directives();
    std::vector<Edit> edits;
    const auto add = [&](BuildDirectives next, const std::string& why, double gain) {
      if (next == now) return;
      edits.push_back({WithBuildDirectives(kernel.source(), next), why, EditKind::kFlags, gain});
    };
    const std::vector<std::string>& options = kernel.machine().march_options;
    const bool tuned = Has(now.flags, "-O3") && HasPrefix(now.flags, "-march=");
    BuildDirectives full = now;
    full.flags = WithoutPrefix(WithoutPrefix(now.flags, "-O"), "-march=");
    full.flags.insert(full.flags.begin(), "-O3");
    if (!options.empty()) full.flags.insert(full.flags.begin() + 1, "-march=" + options.front());
    if (!tuned) add(full, "Optimise fully for this machine's instruction set.", 2.0);
    AddFloatingPoint(kernel, tuned ? now : full, tuned ? 1.15 : 2.2, add);
    if (!tuned) return edits;
    AddToggles(kernel, now, add);
    return edits;
  }

 private:
  template <typename Add>
  static void AddFloatingPoint(const KernelContext& kernel, const BuildDirectives& base,
                               double gain, const Add& add) {
    BuildDirectives next = base;
    if (kernel.MayReassociate() && !Has(base.flags, "-ffast-math")) {
      next.flags = With(base.flags, "-ffast-math");
      add(next, "Let the compiler reorder floating-point operations (-ffast-math).", gain);
      next.flags = With(next.flags, "-fno-finite-math-only");
      add(next, "Let the compiler reorder, but keep infinities (-fno-finite-math-only).",
          1 + (gain - 1) * 0.6);
    } else if (Has(base.flags, "-ffast-math")) {
      if (Has(base.flags, "-fno-finite-math-only")) {
        next.flags = WithoutPrefix(base.flags, "-fno-finite-math-only");
        add(next, "Assume that no infinity or NaN occurs.", 1.03);
      } else {
        next.flags = WithoutPrefix(base.flags, "-ffast-math");
        add(next, "Take -ffast-math back: intrinsic code may not want it.", 1.01);
      }
    }
    if (!Has(base.flags, "-ffast-math") && !Has(base.flags, "-fno-math-errno")) {
      next.flags = With(With(base.flags, "-fno-math-errno"), "-fno-trapping-math");
      add(next, "Drop errno and traps of mathematical functions; results stay the same.",
          1 + (gain - 1) * 0.5);
    }
  }

  template <typename Add>
  static void AddToggles(const KernelContext& kernel, const BuildDirectives& now, const Add& add) {
    BuildDirectives next = now;
    const auto toggle = [&](const std::string& flag, const std::string& why, double gain) {
      next.flags = Has(now.flags, flag) ? WithoutPrefix(now.flags, flag) : With(now.flags, flag);
      add(next, (Has(now.flags, flag) ? "Without " : "With ") + flag + ": " + why, gain);
    };
    toggle("-funroll-loops", "longer loop bodies hide latency.", 1.04);
    if (kernel.machine().vector_bits >= 512) {
      const bool wide = Has(now.flags, "-mprefer-vector-width=512");
      next.flags = With(WithoutPrefix(now.flags, "-mprefer-vector-width="),
                        wide ? "-mprefer-vector-width=256" : "-mprefer-vector-width=512");
      add(next, wide ? "Prefer 256-bit vectors." : "Prefer 512-bit vectors.", wide ? 1.02 : 1.2);
    }
    next.flags = WithoutPrefix(now.flags, "-O");
    next.flags.insert(next.flags.begin(), "-O2");
    add(next, "Compile at -O2: less speculative unrolling and peeling.", 1.01);
    const std::string other = now.compiler == "g++" ? "clang++" : "g++";
    for (const std::string& compiler : kernel.machine().compilers) {
      if (!compiler.starts_with(other)) continue;
      next = now;
      next.compiler = other;
      add(next, "Compile with " + other + ".", 1.1);
      break;
    }
  }
};

}  // namespace

std::unique_ptr<Skill> NewCompilerFlagsSkill() { return std::make_unique<CompilerFlagsSkill>(); }

}  // namespace ks
