#include "core/outcome.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::array<const char*, std::variant_size_v<Outcome>> kNames = {
    "measured",         "compile_failed", "launch_failed", "wrong_result",
    "nondeterministic", "out_of_bounds",  "crashed",       "timed_out",
    "out_of_memory",    "rejected",       "duplicate"};

struct Summarizer {
  std::string operator()(const Measured& m) const {
    return fmt::format("{:.2f}x [{:.2f}, {:.2f}] over the baseline, {:.3f}x over the parent",
                       m.speedup.mid, m.speedup.low, m.speedup.high, m.gain.mid);
  }
  std::string operator()(const CompileFailed& f) const {
    for (const Diagnostic& d : f.diagnostics) {
      if (d.severity == "error")
        return fmt::format("does not compile: line {}: {}", d.line, d.message);
    }
    return "does not compile: " + Shorten(f.log, 200);
  }
  std::string operator()(const LaunchFailed& f) const { return "cannot be loaded: " + f.reason; }
  std::string operator()(const WrongResult& w) const {
    return fmt::format(
        "wrong result{}: {}[{}] = {:.9g}, want {:.9g} +- {:.3g} ({} of {} elements, workload {})",
        w.in_timed_call ? " in a timed call" : "", w.output, w.index, w.got, w.want, w.allowed,
        w.mismatches, w.elements, w.workload);
  }
  std::string operator()(const Nondeterministic& n) const {
    return fmt::format("not deterministic: {}[{}] was {:.9g}, then {:.9g} (workload {})", n.output,
                       n.index, n.first, n.second, n.workload);
  }
  std::string operator()(const OutOfBounds& o) const {
    return fmt::format("out of bounds: {} of {} (workload {})", o.access, o.buffer, o.workload);
  }
  std::string operator()(const Crashed& c) const {
    return fmt::format("crashed with signal {} {}(workload {})", c.signal,
                       c.detail.empty() ? "" : c.detail + " ", c.workload);
  }
  std::string operator()(const TimedOut& t) const {
    return fmt::format("timed out: {} took more than {:.3g} s", t.stage, t.limit_s);
  }
  std::string operator()(const OutOfMemory& o) const {
    return o.requested_bytes > 0 ? fmt::format("out of memory in {}: asked for {}", o.stage,
                                               FormatBytes(o.requested_bytes))
                                 : fmt::format("out of memory in {}", o.stage);
  }
  std::string operator()(const Rejected& r) const {
    return fmt::format("rejected by rule {}: {}", r.rule, r.evidence);
  }
  std::string operator()(const DuplicateOf& d) const {
    return "compiles to the same code as " + CandidateName(d.id);
  }
};

}  // namespace

std::string CandidateName(CandidateId id) { return id < 0 ? "-" : fmt::format("c{}", id); }

const char* OutcomeName(const Outcome& outcome) { return kNames[outcome.index()]; }

std::vector<std::string> OutcomeNames() { return {kNames.begin(), kNames.end()}; }

std::string OutcomeSummary(const Outcome& outcome) {
  std::string summary = std::visit(Summarizer{}, outcome);
  // Compilers and candidates wrote parts of this: no line break and no terminal escape gets
  // through.
  for (char& c : summary) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return summary;
}

}  // namespace ks
