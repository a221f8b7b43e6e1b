// The result card, and how to get it again.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/summary.h"
#include "report/svg.h"

namespace ks {
namespace {

const CandidateView& At(const RunView& view, CandidateId id) {
  return view.candidates[static_cast<size_t>(id)];
}

const WorkloadTiming* FindTiming(const RunView& view, CandidateId id, const std::string& workload) {
  if (id == kNoCandidate) return nullptr;
  const Measured* measured = At(view, id).measured();
  if (measured == nullptr) return nullptr;
  for (const WorkloadTiming& timing : measured->timings) {
    if (timing.workload == workload) return &timing;
  }
  return nullptr;
}

std::string Fact(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string Facts(const RunView& view) {
  const CandidateView& best = At(view, view.best);
  const Measured& measured = *best.measured();
  std::string out = "<dl class=\"facts\">";
  out += Fact("best candidate", CandidateName(view.best));
  out += Fact("steps from the seed", std::to_string(StepsFromSeed(view, view.best)));
  out += Fact("evaluations", std::to_string(view.evaluations));
  out += Fact("time", FormatSeconds(view.elapsed_s));
  if (!measured.bottleneck.empty() && measured.bottleneck != "unknown") {
    out += Fact("limited by", Html(measured.bottleneck));
  }
  out += Fact("re-measured", measured.confirmed ? "yes, in a fresh process" : "no");
  return out + "</dl>";
}

// Rate of a timing: "102 GFLOP/s", "18.2 GB/s" or nothing.
std::string Rate(const WorkloadTiming& timing) {
  if (timing.gflops > 0) return FormatRatio(timing.gflops) + " GFLOP/s";
  if (timing.gbytes_per_s > 0) return FormatRatio(timing.gbytes_per_s) + " GB/s";
  return "";
}

std::string Meter(double fraction) {
  if (!(fraction > 0)) return "";
  return fmt::format(
      "<span class=\"meter\"><i style=\"width:{}%\"></i></span><span class=\"num\">{}</span>",
      Px(100 * std::min(1.0, fraction)), FormatPercent(fraction));
}

std::string WorkloadRows(const RunView& view) {
  std::string rows;
  for (const WorkloadTiming& best : At(view, view.best).measured()->timings) {
    const WorkloadTiming* seed = FindTiming(view, 0, best.workload);
    const WorkloadTiming* baseline = FindTiming(view, view.baseline, best.workload);
    const auto time = [](const WorkloadTiming* timing) {
      return timing == nullptr ? std::string("\u2013") : FormatNs(timing->median_ns);
    };
    const WorkloadTiming* reference = baseline != nullptr ? baseline : seed;
    std::string ratio = "\u2013";
    if (reference != nullptr && best.median_ns > 0) {
      ratio = FormatRatio(reference->median_ns / best.median_ns) + "\u00d7";
    }
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"strong\">{}</td>"
        "<td>{}</td><td>{}</td><td class=\"roof\">{}</td></tr>",
        Html(best.workload), time(seed), time(baseline), FormatNs(best.median_ns), ratio,
        Rate(best), Meter(best.roofline_fraction));
  }
  return rows;
}

std::string WorkloadsTable(const RunView& view) {
  const std::string rows = WorkloadRows(view);
  if (rows.empty()) return "";
  return "<div class=\"scroll\"><table><thead><tr><th>workload</th><th>seed as written</th>"
         "<th>best flags</th><th>best kernel</th><th>ratio</th><th>rate</th><th>of the "
         "roofline</th>"
         "</tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

std::string HeldOutTable(const RunView& view) {
  const std::vector<WorkloadTiming>& held_out = At(view, view.best).evaluation->held_out;
  if (held_out.empty()) return "";
  std::string rows;
  for (const WorkloadTiming& t : held_out) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                        Html(t.workload), FormatNs(t.median_ns), SpeedupHtml(t.gain), Rate(t));
  }
  return "<h3>Held-out sizes</h3><p class=\"note\">Never seen by the search; paired with the "
         "baseline, not part of the speed-up.</p><div class=\"scroll\"><table><thead><tr>"
         "<th>workload</th><th>best kernel</th><th>over the baseline</th><th>rate</th></tr></thead>"
         "<tbody>" +
         rows + "</tbody></table></div>";
}

std::string OneShotNote(const ReportInput& input) {
  const std::string text = OneShotText(*input.run.view);
  if (text.empty()) return "";
  const std::string where =
      input.run.comparison.empty()
          ? "An estimate from this run alone; <code>ksmith compare builtin best_of_n</code> "
            "measures "
            "it under one budget."
          : fmt::format("An estimate from this run alone; it is measured in {}.",
                        Html(input.run.comparison));
  return fmt::format("<h3>Was evolution needed?</h3><p>{}.</p><p class=\"note\">{}</p>", Html(text),
                     where);
}

std::string Command(std::string_view what, std::string_view command) {
  return fmt::format("<div class=\"command\"><span>{}</span><code>{}</code></div>", what,
                     Html(command));
}

// `text` as one word of a POSIX shell.
std::string ShellWord(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./=:,@%+") == std::string::npos;
  return plain ? text : fmt::format("'{}'", ReplaceAll(text, "'", "'\\''"));
}

std::string EvolveCommand(const RunView& view) {
  const RunStarted& s = view.started;
  std::string out =
      fmt::format("ksmith evolve {} --backend {} --proposer {} --seed {} --jobs {}",
                  ShellWord(s.task), ShellWord(s.backend), ShellWord(s.proposer), s.seed, s.jobs);
  const std::pair<const char*, const char*> kLimits[] = {
      {"max_steps", "steps"}, {"max_minutes", "minutes"}, {"until_speedup", "until"}};
  for (const auto& [name, value] : ConfigLeaves(view)) {
    for (const auto& [key, flag] : kLimits) {
      const bool matches = name == key || name.ends_with(std::string(".") + key);
      if (matches && ParseDouble(value).value_or(0) > 0)
        out += fmt::format(" --{} {}", flag, value);
    }
  }
  return out;
}

std::string Row(std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", name, Html(value));
}

std::string DeviceRows(const Machine& m) {
  if (!m.device) return "";
  const DeviceInfo& d = *m.device;
  std::string rows = Row("device", fmt::format("{} ({}), number {}", d.name, d.arch, d.index));
  rows += Row("driver", d.api + " " + d.driver);
  rows += Row("units", fmt::format("{}, {} memory, {} cache", d.sm_count,
                                   FormatBytes(static_cast<double>(d.memory_bytes)),
                                   FormatBytes(static_cast<double>(d.l2_bytes))));
  if (d.peak_gflops_f32 > 0) {
    rows += Row("peak, device", FormatRatio(d.peak_gflops_f32) + " GFLOP/s (f32)");
  }
  if (d.copy_gbytes_per_s > 0) {
    rows += Row("copy, device", FormatRatio(d.copy_gbytes_per_s) + " GB/s");
  }
  return rows;
}

std::string MachineTable(const Machine& m) {
  const auto bytes = [](int64_t value) {
    return value > 0 ? FormatBytes(static_cast<double>(value)) : std::string("?");
  };
  std::string rows = Row("processor", m.cpu);
  rows += Row("cores", std::to_string(m.cores));
  rows += Row("vectors", fmt::format("{} bit{}", m.vector_bits, m.has_fma ? ", FMA" : ""));
  rows += Row("caches", fmt::format("L1d {}, L2 {}, L3 {}", bytes(m.l1d_bytes), bytes(m.l2_bytes),
                                    bytes(m.l3_bytes)));
  rows += Row("memory", bytes(m.memory_bytes));
  if (m.peak_gflops_f32 > 0) {
    rows += Row("peak, one core", FormatRatio(m.peak_gflops_f32) + " GFLOP/s (f32)");
  }
  if (m.copy_gbytes_per_s > 0) {
    rows += Row("copy, one core", FormatRatio(m.copy_gbytes_per_s) + " GB/s");
  }
  rows += DeviceRows(m);
  rows += Row("compilers", Join(m.compilers, ", "));
  rows += Row("instruction sets", Join(m.isa, " "));
  rows += Row("kernel", m.kernel);
  rows += Row("machine id", m.id);
  return "<div><h3>Machine and toolchain</h3><table class=\"plain\"><tbody>" + rows +
         "</tbody></table></div>";
}

std::string RunTable(const ReportInput& input) {
  const RunView& view = *input.run.view;
  std::string rows = Row("run", view.started.run_id);
  rows += Row("state", StopText(view));
  if (view.resumes > 0) rows += Row("resumed", fmt::format("{} times", view.resumes));
  rows += Row("proposer", view.started.proposer);
  rows += Row("seed", std::to_string(view.started.seed));
  rows += Row("jobs", std::to_string(view.started.jobs));
  if (view.baseline != kNoCandidate) {
    const Evaluation& baseline = *At(view, view.baseline).evaluation;
    rows += Row("baseline", fmt::format("{}: {} {}", CandidateName(view.baseline),
                                        baseline.compiler, baseline.flags));
  }
  if (view.best != kNoCandidate) {
    const Evaluation& best = *At(view, view.best).evaluation;
    rows += Row("best kernel", best.compiler + " " + best.flags);
  }
  rows += Row("task hash", view.started.task_hash);
  rows += Row("configuration hash", view.started.config_hash);
  rows += Row("archive hash", input.run.archive_hash);
  rows += Row("kernelsmith", view.started.version);
  return "<div><h3>Run</h3><table class=\"plain\"><tbody>" + rows + "</tbody></table></div>";
}

std::string ConfigDetails(const RunView& view) {
  std::string rows;
  for (const auto& [name, value] : ConfigLeaves(view)) rows += Row(Html(name), value);
  if (rows.empty()) return "";
  return "<details><summary>Configuration and protocol</summary><p class=\"note\">Candidate and "
         "reference run interleaved, A B B A; every interval is of the ratio of paired times, at "
         "the two-sided confidence below. A gain counts when its whole interval lies above 1 + "
         "gain_margin.</p><table class=\"plain\"><tbody>" +
         rows + "</tbody></table></details>";
}

}  // namespace

std::string ResultSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  if (view.best == kNoCandidate) {
    return "<section id=\"result\" class=\"card\"><h2>Result</h2><p>No candidate of this run was "
           "measured.</p></section>\n";
  }
  const Interval speedup = view.SpeedupOf(view.best);
  const Interval over_seed = view.SpeedupOverSeed(view.best);
  std::string out = "<section id=\"result\" class=\"card\"><h2>Result</h2><div class=\"hero\">";
  out += fmt::format(
      "<div class=\"big\"><strong>{}<small>\u00d7</small></strong><span class=\"ci\">{} to "
      "{}</span><p>speed-up over the seed with the best flags found</p></div>",
      FormatRatio(speedup.mid), FormatRatio(speedup.low), FormatRatio(speedup.high));
  if (view.baseline != kNoCandidate) {
    out += fmt::format(
        "<div class=\"big second\"><strong>{}<small>\u00d7</small></strong><span "
        "class=\"ci\">{} to {}</span><p>speed-up over the seed as written</p></div>",
        FormatRatio(over_seed.mid), FormatRatio(over_seed.low), FormatRatio(over_seed.high));
  }
  out += Facts(view) + "</div>" + WorkloadsTable(view) + HeldOutTable(view) + OneShotNote(input);
  const std::string run = ShellWord(input.run.run_dir);
  out += "<div class=\"commands\">";
  out += Command("Take the kernel",
                 "ksmith export " + run + " --best " + ShellWord(input.kernel_file));
  out += Command("Search on", "ksmith evolve --resume " + run);
  return out + "</div></section>\n";
}

std::string ReproduceSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  std::string body = "<div class=\"commands\">";
  body += Command("Search again", EvolveCommand(view));
  body += Command("Prove the archive", "ksmith replay " + ShellWord(input.run.run_dir));
  body += "</div><div class=\"two\">" + MachineTable(view.started.machine) + RunTable(input) +
          "</div>" + ConfigDetails(view);
  return Section("reproduce", "Reproduce", "", body);
}

std::vector<std::pair<std::string, std::string>> ConfigLeaves(const RunView& view) {
  std::vector<std::pair<std::string, std::string>> leaves;
  const auto json = nlohmann::json::parse(view.started.config_json, nullptr, false);
  if (!json.is_object()) return leaves;
  const auto flat = json.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (pointer.empty()) continue;
    leaves.emplace_back(ReplaceAll(pointer.substr(1), "/", "."),
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return leaves;
}

std::string TipsJson(const ReportInput& input) {
  const RunView& view = *input.run.view;
  nlohmann::ordered_json tips = nlohmann::ordered_json::object();
  for (const CandidateView& c : view.candidates) {
    const CandidateId id = c.proposed.id;
    std::vector<std::string> lines = {CandidateName(id) + " " + Shorten(c.proposed.skill, 60)};
    if (!c.evaluation) {
      lines.push_back("in flight when the run stopped");
    } else if (c.measured() != nullptr) {
      lines.push_back(FormatSpeedup(view.SpeedupOf(id)) + " over the baseline");
      if (c.proposed.parent != kNoCandidate) {
        lines.push_back(FormatGain(c.measured()->gain) + " over " +
                        CandidateName(c.proposed.parent));
      }
    } else {
      lines.push_back(Shorten(OutcomeSummary(c.evaluation->outcome), 120));
    }
    for (std::string& line : lines) line = Printable(line);
    tips[std::to_string(id)] = lines;
  }
  // "<" never appears inside the script element, so nothing can end it.
  return ReplaceAll(tips.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
                    "<", "\\u003c");
}

}  // namespace ks
