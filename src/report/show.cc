#include "report/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "report/numbers.h"
#include "report/summary.h"
#include "report/table.h"

namespace ks {
namespace {

using Align = Column::Align;

std::string Heading(const Style& style, std::string_view text) {
  return fmt::format("\n{}\n", Paint(style, Ink::kBold, text));
}

std::string Field(const Style& style, std::string_view name, std::string_view value) {
  return fmt::format("  {}{}\n", Paint(style, Ink::kDim, PadRight(name, 17)), PrintableLine(value));
}

std::string Headline(const ShowInput& input, const Style& style) {
  const RunView& view = *input.view;
  std::string out = Paint(style, Ink::kBold, PrintableLine(view.started.task)) + " on " +
                    PrintableLine(view.started.backend) + ": ";
  if (view.best == kNoCandidate) {
    out += "nothing was measured\n";
  } else {
    out += Paint(style, Ink::kGreen, FormatSpeedup(view.SpeedupOf(view.best))) +
           " over the seed with the best flags found\n";
    const int steps = StepsFromSeed(view, view.best);
    out += Field(style, "seed as written", FormatSpeedup(view.SpeedupOverSeed(view.best)));
    out += Field(style, "best",
                 fmt::format("{}, {} step{} from the seed", CandidateName(view.best), steps,
                             steps == 1 ? "" : "s"));
  }
  out += Field(style, "evaluations",
               fmt::format("{} in {}", view.evaluations, FormatSeconds(view.elapsed_s)));
  if (const std::string one_shot = OneShotText(view); !one_shot.empty()) {
    out += Field(style, "sampling alone", one_shot);
    out += Field(style, "",
                 input.comparison.empty()
                     ? "an estimate from this run; measured by: ksmith compare "
                       "builtin best_of_n"
                     : "an estimate from this run; measured in " + input.comparison);
  }
  out += Field(style, "state", StopText(view));
  out += Field(style, "run",
               fmt::format("{} (seed {}, proposer {})", view.started.run_id, view.started.seed,
                           view.started.proposer));
  const Machine& machine = view.started.machine;
  if (machine.device) {
    out += Field(style, "device",
                 fmt::format("{} ({}), {} driver {}", machine.device->name, machine.device->arch,
                             machine.device->api, machine.device->driver));
  }
  out += Field(style, "machine", fmt::format("{}, {} cores", machine.cpu, machine.cores));
  return out;
}

std::string BestTable(const ShowInput& input, const Style& style) {
  const RunView& view = *input.view;
  Table table({{"id"},
               {"speed-up over the baseline", Align::kRight},
               {"gain over the parent", Align::kRight},
               {"parent"},
               {"skill", Align::kLeft, 24},
               {"cell", Align::kLeft, 48}});
  for (CandidateId id : TopCandidates(view, 10)) {
    const CandidateView& candidate = view.candidates[static_cast<size_t>(id)];
    const Measured& measured = *candidate.measured();
    const std::string cell = CellLabel(input.cells, input.axes, id);
    const bool has_parent = candidate.proposed.parent != kNoCandidate;
    table.Add({{CandidateName(id), id == view.best ? Ink::kGreen : Ink::kPlain},
               {FormatSpeedup(view.SpeedupOf(id))},
               {has_parent ? FormatGain(measured.gain) : "-",
                has_parent && measured.gain_significant ? Ink::kGreen : Ink::kPlain},
               {CandidateName(candidate.proposed.parent)},
               {candidate.proposed.skill},
               {cell.empty() ? "-" : cell, Ink::kDim}});
  }
  if (table.empty()) return "";
  return Heading(style, "Best candidates") + table.Render(style, 2);
}

std::string OutcomesTable(const RunView& view, const Style& style) {
  std::vector<std::pair<int, std::string>> ranked;
  for (const auto& [name, count] : view.outcomes) ranked.emplace_back(-count, name);
  std::sort(ranked.begin(), ranked.end());
  Table table({{"outcome"}, {"count", Align::kRight}, {"share", Align::kRight}});
  for (const auto& [negative, name] : ranked) {
    table.Add({{ReplaceAll(name, "_", " ")},
               {std::to_string(-negative)},
               {FormatPercent(-negative / std::max(1.0, static_cast<double>(view.evaluations)))}});
  }
  if (table.empty()) return "";
  return Heading(style, "Outcomes") + table.Render(style, 2);
}

std::string SkillsTable(const RunView& view, const Style& style) {
  Table table({{"skill", Align::kLeft, 32},
               {"tried", Align::kRight},
               {"measured", Align::kRight},
               {"held", Align::kRight},
               {"mean gain", Align::kRight},
               {"best gain", Align::kRight}});
  for (const SkillSummary& skill : SummarizeSkills(view)) {
    const auto gain = [&](double value) { return skill.held > 0 ? FormatGain(value) + "x" : "-"; };
    table.Add({{skill.skill},
               {std::to_string(skill.tried)},
               {std::to_string(skill.measured)},
               {std::to_string(skill.held), skill.held > 0 ? Ink::kGreen : Ink::kPlain},
               {gain(skill.mean_gain)},
               {gain(skill.best_gain)}});
  }
  if (table.empty()) return "";
  return Heading(style, "Skills") + table.Render(style, 2);
}

std::string ArchiveText(const ShowInput& input, const Style& style) {
  if (input.axes.empty()) return "";
  std::set<int> islands;
  std::set<CandidateId> elites;
  std::set<std::vector<int>> strategies;
  for (const CellView& cell : input.cells) {
    islands.insert(cell.island);
    strategies.insert(cell.bins);
    if (cell.elite) elites.insert(cell.elite->id);
  }
  size_t possible = 1;
  std::vector<std::string> axes;
  for (const DescriptorAxis& axis : input.axes) {
    possible *= std::max<size_t>(1, axis.bins.size());
    axes.push_back(fmt::format("{} ({})", axis.name, axis.bins.size()));
  }
  std::string out = Heading(style, "Archive");
  out += Field(style, "axes", Join(axes, ", "));
  out += Field(
      style, "strategies",
      fmt::format("{} of {} cells hold an elite on some island", strategies.size(), possible));
  out += Field(style, "elites",
               fmt::format("{} different candidates in {} cells of {} island{}", elites.size(),
                           input.cells.size(), islands.size(), islands.size() == 1 ? "" : "s"));
  if (!input.archive_hash.empty()) out += Field(style, "hash", input.archive_hash);
  return out;
}

}  // namespace

std::string ShowText(const ShowInput& input, const Style& style) {
  KS_CHECK(input.view != nullptr);
  return Headline(input, style) + BestTable(input, style) + OutcomesTable(*input.view, style) +
         SkillsTable(*input.view, style) + ArchiveText(input, style);
}

std::string RunsTable(const std::vector<RunListing>& runs, const Style& style) {
  if (runs.empty()) return "no runs\n";
  Table table({{"run", Align::kLeft, 48},
               {"task"},
               {"backend"},
               {"best speed-up", Align::kRight},
               {"evaluations", Align::kRight},
               {"time", Align::kRight},
               {"started"},
               {"state", Align::kLeft, 60}});
  for (const RunListing& run : runs) {
    if (!run.problem.empty()) {
      table.Add({{run.dir}, {"-"}, {"-"}, {"-"}, {"-"}, {"-"}, {"-"}, {run.problem, Ink::kRed}});
      continue;
    }
    const RunView& view = run.view;
    table.Add({{run.dir},
               {view.started.task},
               {view.started.backend},
               {FormatSpeedup(view.SpeedupOf(view.best))},
               {std::to_string(view.evaluations)},
               {FormatSeconds(view.elapsed_s)},
               {FormatUtc(view.started_unix_ms)},
               {view.stop_reason.empty() ? "not finished" : view.stop_reason}});
  }
  return table.Render(style);
}

std::string DevicesTable(const std::vector<DeviceListing>& listings, const Style& style) {
  Table table({{"backends"},
               {"--device", Align::kRight},
               {"name", Align::kLeft, 48},
               {"arch", Align::kLeft, 32},
               {"driver", Align::kLeft, 16},
               {"units", Align::kRight},
               {"memory", Align::kRight}});
  std::string problems;
  for (const DeviceListing& one : listings) {
    for (const DeviceInfo& device : one.devices) {
      table.Add({{Join(one.backends, ", ")},
                 {std::to_string(device.index)},
                 {PrintableLine(device.name), Ink::kBold},
                 {PrintableLine(device.arch)},
                 {PrintableLine(device.driver)},
                 {std::to_string(device.sm_count)},
                 {FormatBytes(static_cast<double>(device.memory_bytes))}});
    }
    if (one.problem.empty()) continue;
    problems += fmt::format("{}: {}\n", Join(one.backends, ", "), PrintableLine(one.problem));
  }
  return (table.empty() ? std::string() : table.Render(style)) + problems;
}

std::string TasksTable(const std::vector<Task>& tasks, const Style& style) {
  if (tasks.empty()) return "no tasks\n";
  Table table({{"task"},
               {"precision"},
               {"backends"},
               {"workloads (time/check/held out)"},
               {"summary", Align::kLeft, 80}});
  for (const Task& task : tasks) {
    int counts[3] = {0, 0, 0};
    for (const Workload& workload : task.workloads) ++counts[static_cast<size_t>(workload.role)];
    std::vector<std::string> backends;
    for (const SeedKernel& seed : task.seeds) backends.push_back(seed.backend);
    table.Add({{task.name, Ink::kBold},
               {task.precision},
               {Join(backends, " ")},
               {fmt::format("{}/{}/{}", counts[0], counts[1], counts[2])},
               {task.summary}});
  }
  return table.Render(style);
}

}  // namespace ks
