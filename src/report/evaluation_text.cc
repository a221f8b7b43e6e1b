// `ksmith evaluate`: one evaluation for people.
#include <fmt/format.h>

#include "base/text.h"
#include "report/numbers.h"
#include "report/show.h"
#include "report/table.h"

namespace ks {
namespace {

using Align = Column::Align;

std::string Field(const Style& style, std::string_view name, std::string_view value) {
  return fmt::format("  {}{}\n", Paint(style, Ink::kDim, PadRight(name, 11)), PrintableLine(value));
}

std::string FeaturesText(const CodeFeatures& f) {
  std::vector<std::string> parts;
  parts.push_back(f.vector_bits > 0 ? fmt::format("{} bit vectors", f.vector_bits) : "scalar");
  parts.push_back(fmt::format("{} loops, {} deep", f.loop_count, f.loop_depth));
  if (f.accumulators > 0) {
    parts.push_back(
        fmt::format("{} accumulator{}", f.accumulators, f.accumulators == 1 ? "" : "s"));
  }
  if (f.uses_fma) parts.push_back("FMA");
  if (f.uses_gather) parts.push_back("gathers");
  if (f.uses_nontemporal) parts.push_back("non-temporal stores");
  if (f.uses_prefetch) parts.push_back("prefetch");
  if (f.uses_threads) parts.push_back("threads");
  if (f.uses_scratch) parts.push_back("scratch memory");
  if (f.calls_in_loops > 0) parts.push_back(fmt::format("{} calls in loops", f.calls_in_loops));
  parts.push_back(FormatBytes(static_cast<double>(f.code_bytes)) + " of code");
  return Join(parts, ", ");
}

std::string DeviceText(const DeviceFeatures& f) {
  std::vector<std::string> parts;
  parts.push_back(fmt::format("{} launch{}", f.launches, f.launches == 1 ? "" : "es"));
  if (f.threads_per_block > 0) parts.push_back(fmt::format("{} threads", f.threads_per_block));
  if (f.registers > 0) parts.push_back(fmt::format("{} registers", f.registers));
  if (f.spill_bytes > 0) parts.push_back(fmt::format("{} B spilled a thread", f.spill_bytes));
  if (f.shared_bytes > 0) {
    parts.push_back(FormatBytes(static_cast<double>(f.shared_bytes)) + " shared");
  }
  if (f.occupancy > 0) parts.push_back(FormatPercent(f.occupancy) + " occupancy");
  if (f.blocks_per_sm > 0) {
    parts.push_back(FormatRatio(f.blocks_per_sm) + " blocks a multiprocessor");
  }
  if (f.load_bits > 0) parts.push_back(fmt::format("{} bit loads", f.load_bits));
  if (f.uses_tensor_cores) parts.push_back("tensor cores");
  if (f.uses_async_copy) parts.push_back("async copies");
  if (f.uses_shuffle) parts.push_back("shuffles");
  if (f.uses_atomics) parts.push_back("atomics");
  if (f.scratch_bytes > 0) {
    parts.push_back(FormatBytes(static_cast<double>(f.scratch_bytes)) + " scratch");
  }
  return Join(parts, ", ");
}

std::string ModuleText(const ModuleFacts& facts, const Style& style) {
  std::string out = Field(style, "sizes",
                          facts.note.empty() ? facts.workload : facts.workload + ": " + facts.note);
  if (facts.calls > 0) {
    out += Field(style, "checked",
                 fmt::format("{} calls against the {} oracle, contract {}", facts.calls,
                             facts.oracle, facts.precision));
  }
  if (facts.coverage >= 0) {
    out += Field(style, "coverage",
                 fmt::format("{:.0f} % of the device's time in own kernels", 100 * facts.coverage));
  }
  if (facts.graphs) out += Field(style, "timed as", "a CUDA graph, as was its rival");
  if (!facts.untimed.empty()) out += Field(style, "not timed", facts.untimed);
  return out;
}

std::string TimingsTable(const std::vector<WorkloadTiming>& timings, const Style& style) {
  Table table({{"workload", Align::kLeft, 40},
               {"median", Align::kRight},
               {"p99", Align::kRight},
               {"cv", Align::kRight},
               {"pairs", Align::kRight},
               {"compared with", Align::kRight},
               {"faster by", Align::kRight},
               {"GFLOP/s", Align::kRight},
               {"GB/s", Align::kRight},
               {"roofline", Align::kRight}});
  const auto known = [](double value) { return value > 0 ? FormatRatio(value) : std::string("-"); };
  for (const WorkloadTiming& t : timings) {
    table.Add({{t.workload},
               {FormatNs(t.median_ns)},
               {FormatNs(t.p99_ns)},
               {FormatPercent(t.cv)},
               {std::to_string(t.pairs)},
               {t.parent_median_ns > 0 ? FormatNs(t.parent_median_ns) : "-"},
               {FormatGain(t.gain)},
               {known(t.gflops)},
               {known(t.gbytes_per_s)},
               {t.roofline_fraction > 0 ? FormatPercent(t.roofline_fraction) : "-"}});
  }
  return table.Render(style, 2);
}

std::string MeasuredText(const Measured& m, const Style& style) {
  std::string out =
      Field(style, "speed-up",
            FormatSpeedup(m.speedup) + " over the baseline" + (m.confirmed ? ", confirmed" : ""));
  out += Field(style, "gain", FormatGain(m.gain) + (m.gain_significant ? " (significant)" : ""));
  if (!m.bottleneck.empty()) out += Field(style, "bottleneck", m.bottleneck);
  return out + "\n" + TimingsTable(m.timings, style);
}

std::string ProfileText(const DeviceProfile& profile, const Style& style) {
  std::string out = Field(
      style, "profile",
      fmt::format("{}, {} of its ceiling ({})", PrintableLine(profile.bottleneck),
                  profile.roofline_fraction > 0 ? FormatPercent(profile.roofline_fraction) : "-",
                  profile.source == "ncu" ? "counters of " + PrintableLine(profile.kernel)
                                          : "from bytes, operations and resources"));
  if (!profile.note.empty()) out += Field(style, "", PrintableLine(profile.note));
  Table table({{"counter", Align::kLeft, 48}, {"value", Align::kRight}, {"unit", Align::kLeft}});
  for (const ProfileFact& fact : profile.facts) {
    table.Add({{fact.name}, {fmt::format("{:.6g}", fact.value)}, {fact.unit}});
  }
  return out + "\n" + table.Render(style, 2);
}

// "   12 | text" and the caret under `column`.
std::string QuotedLine(const Diagnostic& diagnostic, const std::vector<std::string_view>& lines,
                       const Style& style) {
  const auto index = static_cast<size_t>(diagnostic.line) - 1;
  if (diagnostic.line < 1 || index >= lines.size()) return "";
  const std::string_view raw = lines[index];
  std::string out = fmt::format("{:>5} | {}\n", diagnostic.line, PrintableLine(raw));
  if (diagnostic.column < 1) return out;
  // Columns are counted in bytes; the part before the caret decides how far right it stands.
  const auto before = std::min(raw.size(), static_cast<size_t>(diagnostic.column) - 1);
  const int indent = DisplayWidth(PrintableLine(raw.substr(0, before)));
  return out + fmt::format("      | {}{}\n", std::string(static_cast<size_t>(indent), ' '),
                           Paint(style, Ink::kGreen, "^"));
}

}  // namespace

std::string DiagnosticsText(const std::vector<Diagnostic>& diagnostics, const std::string& file,
                            const std::string& source, const Style& style) {
  const std::vector<std::string_view> lines = Split(source, '\n');
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    std::string place = PrintableLine(file);
    if (d.line > 0) place += fmt::format(":{}", d.line);
    if (d.line > 0 && d.column > 0) place += fmt::format(":{}", d.column);
    const Ink ink = d.severity == "error"     ? Ink::kRed
                    : d.severity == "warning" ? Ink::kYellow
                                              : Ink::kCyan;
    out += fmt::format("{}: {} {}\n", Paint(style, Ink::kBold, place),
                       Paint(style, ink, PrintableLine(d.severity) + ":"), Printable(d.message));
    out += QuotedLine(d, lines, style);
  }
  return out;
}

std::string EvaluationText(const EvaluationInput& input, const Style& style) {
  KS_CHECK(input.evaluation != nullptr);
  const Evaluation& e = *input.evaluation;
  const Measured* measured = AsMeasured(e.outcome);
  std::string headline = PrintableLine(OutcomeSummary(e.outcome));
  if (measured != nullptr && !input.timed) headline = "passed every stage asked for (not timed)";
  std::string out =
      fmt::format("{} {}: {}\n", PrintableLine(input.task), PrintableLine(input.file),
                  Paint(style, measured != nullptr ? Ink::kGreen : Ink::kRed, headline));
  if (!e.compiler.empty()) out += Field(style, "compiler", e.compiler + " " + e.flags);
  if (e.device) {
    out += Field(style, "code", DeviceText(*e.device));
  } else if (!e.binary_hash.empty()) {
    out += Field(style, "code", FeaturesText(e.features));
  }
  if (e.module) out += ModuleText(*e.module, style);
  out += Field(style, "took",
               fmt::format("compile {}, check {}, time {}, waiting {}",
                           FormatNs(1e9 * e.seconds.compile), FormatNs(1e9 * e.seconds.check),
                           FormatNs(1e9 * e.seconds.time), FormatNs(1e9 * e.seconds.queue)));
  if (measured != nullptr && input.timed) out += MeasuredText(*measured, style);
  if (e.profile) out += ProfileText(*e.profile, style);
  if (!e.held_out.empty()) {
    out += "\n  held-out workloads (not part of the speed-up)\n" + TimingsTable(e.held_out, style);
  }
  if (const auto* failed = std::get_if<CompileFailed>(&e.outcome)) {
    out += '\n';
    out += DiagnosticsText(failed->diagnostics, input.file, input.source, style);
    if (failed->diagnostics.empty()) out += Printable(failed->log) + "\n";
  }
  if (!e.warnings.empty()) {
    out += '\n';
    out += DiagnosticsText(e.warnings, input.file, input.source, style);
  }
  return out;
}

}  // namespace ks
