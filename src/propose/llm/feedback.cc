#include "propose/llm/feedback.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxDiagnostics = 12;
constexpr size_t kMaxLogBytes = 2000;
constexpr size_t kMaxLineBytes = 240;

std::string Ratio(const Interval& interval) {
  return fmt::format("{:.3g}x [{:.3g}, {:.3g}]", interval.mid, interval.low, interval.high);
}

std::string LineOf(std::string_view source, int number) {
  const std::vector<std::string_view> lines = Split(source, '\n');
  if (number < 1 || static_cast<size_t>(number) > lines.size()) return "";
  return Shorten(lines[static_cast<size_t>(number) - 1], kMaxLineBytes);
}

std::string DiagnosticsText(const std::vector<Diagnostic>& diagnostics, std::string_view source) {
  std::string text;
  size_t shown = 0;
  for (const Diagnostic& one : diagnostics) {
    if (shown == kMaxDiagnostics) {
      text += fmt::format("- and {} more\n", diagnostics.size() - shown);
      break;
    }
    ++shown;
    text += fmt::format("- {} at line {}, column {}: {}\n", one.severity, one.line, one.column,
                        Shorten(one.message, 4 * kMaxLineBytes));
    if (const std::string line = LineOf(source, one.line); !Trim(line).empty()) {
      text += fmt::format("    {}\n", line);
    }
  }
  return text;
}

std::string TimingLine(const WorkloadTiming& timing) {
  std::string line =
      fmt::format("- {}: {} (p99 {}), {} over its parent", timing.workload,
                  FormatNs(timing.median_ns), FormatNs(timing.p99_ns), Ratio(timing.gain));
  if (timing.gflops > 0) line += fmt::format(", {:.3g} GFLOP/s", timing.gflops);
  if (timing.gbytes_per_s > 0) line += fmt::format(", {:.3g} GB/s", timing.gbytes_per_s);
  if (timing.roofline_fraction > 0) {
    line += fmt::format(", {:.0f} % of the roofline", 100 * timing.roofline_fraction);
  }
  return line + "\n";
}

std::string MeasuredText(const Measured& measured) {
  std::string text = fmt::format("Correct. {} over the baseline, {} over its parent{}.\nTimes:\n",
                                 Ratio(measured.speedup), Ratio(measured.gain),
                                 measured.gain_significant ? "" : " (not a significant gain)");
  for (const WorkloadTiming& timing : measured.timings) text += TimingLine(timing);
  if (!measured.bottleneck.empty()) text += fmt::format("Bottleneck: {}.\n", measured.bottleneck);
  return text;
}

std::string FeaturesText(const Evaluation& evaluation) {
  if (evaluation.device) {
    const DeviceFeatures& f = *evaluation.device;
    return fmt::format(
        "Compiled: {} registers a thread, {} bytes spilled, {} bytes of shared memory a block, {} "
        "threads a block, occupancy {:.0f} %, {:.3g} blocks a multiprocessor, loads of {} bits{}"
        "{}{}.\n",
        f.registers, f.spill_bytes, f.shared_bytes, f.threads_per_block, 100 * f.occupancy,
        f.blocks_per_sm, f.load_bits, f.uses_tensor_cores ? ", tensor cores" : "",
        f.uses_async_copy ? ", asynchronous copies" : "", f.uses_atomics ? ", atomics" : "");
  }
  if (evaluation.binary_hash.empty()) return "";
  const CodeFeatures& f = evaluation.features;
  return fmt::format(
      "Compiled with {} {}: vectors of {} bits{}, {} accumulators in the innermost loop, {} calls "
      "left inside loops{}{}.\n",
      evaluation.compiler, evaluation.flags, f.vector_bits, f.uses_fma ? ", FMA" : "",
      f.accumulators, f.calls_in_loops, f.uses_gather ? ", gathers" : "",
      f.uses_threads ? ", threads" : "");
}

}  // namespace

std::string FeedbackText(const Evaluation& evaluation, std::string_view source) {
  std::string text;
  if (const auto* measured = AsMeasured(evaluation.outcome)) {
    text = MeasuredText(*measured);
  } else if (const auto* failed = std::get_if<CompileFailed>(&evaluation.outcome)) {
    text = "It does not compile:\n" + DiagnosticsText(failed->diagnostics, source);
    if (failed->diagnostics.empty()) text += Shorten(failed->log, kMaxLogBytes) + "\n";
  } else {
    text = fmt::format("It failed: {}\n", OutcomeSummary(evaluation.outcome));
    if (const auto* wrong = std::get_if<WrongResult>(&evaluation.outcome)) {
      text += fmt::format("{} of {} elements of '{}' are wrong; the largest error is {:.4g}.\n",
                          wrong->mismatches, wrong->elements, wrong->output, wrong->max_error);
    } else if (const auto* rejected = std::get_if<Rejected>(&evaluation.outcome)) {
      text +=
          fmt::format("Rule: {}. {}\n", rejected->rule, Shorten(rejected->evidence, kMaxLogBytes));
    }
  }
  text += FeaturesText(evaluation);
  if (!evaluation.warnings.empty()) {
    text += "Warnings:\n" + DiagnosticsText(evaluation.warnings, source);
  }
  return text;
}

std::string AttemptLine(const Member& member) {
  std::string line = fmt::format("{} ({}): ", CandidateName(member.id), member.skill);
  if (const Measured* measured = member.measured()) {
    line +=
        fmt::format("{:.3g}x over its parent{}, {:.3g}x over the baseline", measured->gain.mid,
                    measured->gain_significant ? "" : " (not significant)", measured->speedup.mid);
  } else {
    line += OutcomeSummary(member.evaluation.outcome);
  }
  const std::string why = Shorten(member.rationale, kMaxLineBytes);
  return why.empty() ? line : line + ". " + why;
}

std::string ProblemText(const Task& task) {
  std::string text = fmt::format(
      "{}: {}\nPrecision that the contract allows: {}. Sums {} be "
      "reordered. Threads: {}.\n",
      task.name, task.summary, task.precision, task.allow_reassociation ? "may" : "must not",
      task.max_threads);
  text += "Timed sizes:\n";
  for (const Workload* workload : task.WorkloadsOf(WorkloadRole::kTime)) {
    text += fmt::format("- {}\n", workload->name);
  }
  text +=
      "It must be right for every size, odd, prime and tiny ones too. An element may differ "
      "from the fp64 reference by at most ";
  text += fmt::format("{:.3g} + {:.3g} * max(|want|, {:.3g} * rms).\n", task.tolerance.absolute,
                      task.tolerance.relative, task.tolerance.scale);
  return text;
}

std::string MachineText(const Machine& machine) {
  if (machine.device) {
    const DeviceInfo& d = *machine.device;
    std::string text = fmt::format(
        "{} ({}): {} multiprocessors, {} of memory, L2 {}, {} of shared memory a block, {} "
        "registers and {} threads a multiprocessor",
        d.name, d.arch, d.sm_count, FormatBytes(static_cast<double>(d.memory_bytes)),
        FormatBytes(static_cast<double>(d.l2_bytes)),
        FormatBytes(static_cast<double>(d.shared_bytes_per_block)), d.registers_per_sm,
        d.threads_per_sm);
    if (d.copy_gbytes_per_s > 0) text += fmt::format(", copies {:.4g} GB/s", d.copy_gbytes_per_s);
    if (d.peak_gflops_f32 > 0) text += fmt::format(", {:.4g} GFLOP/s in f32", d.peak_gflops_f32);
    return text + "\n";
  }
  std::string text =
      fmt::format("{}: {} cores, caches {} / {} / {}, vectors of {} bits{}", machine.cpu,
                  machine.cores, FormatBytes(static_cast<double>(machine.l1d_bytes)),
                  FormatBytes(static_cast<double>(machine.l2_bytes)),
                  FormatBytes(static_cast<double>(machine.l3_bytes)), machine.vector_bits,
                  machine.has_fma ? " with FMA" : "");
  if (!machine.march_options.empty()) {
    text += ", -march= one of " + Join(machine.march_options, ", ");
  }
  if (machine.copy_gbytes_per_s > 0) {
    text += fmt::format(", one core copies {:.3g} GB/s", machine.copy_gbytes_per_s);
  }
  if (machine.peak_gflops_f32 > 0) {
    text += fmt::format(" and reaches {:.3g} GFLOP/s in f32", machine.peak_gflops_f32);
  }
  return text + "\n";
}

std::string Fenced(std::string_view text, std::string_view language) {
  size_t longest = 2, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, text,
                     text.empty() || text.back() == '\n' ? "" : "\n", fence);
}

}  // namespace ks
