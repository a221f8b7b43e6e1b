#include "report/html.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

std::string Subtitle(const RunView& view) {
  const Machine& machine = view.started.machine;
  return Html(view.started.backend) + " \u00b7 " +
         Html(machine.device ? machine.device->name : machine.cpu) + " \u00b7 " +
         FormatUtc(view.started_unix_ms).substr(0, 10);
}

}  // namespace

std::string SpeedupHtml(const Interval& interval) {
  if (!(interval.mid > 0)) return "\u2013";
  return fmt::format("<b>{}\u00d7</b> <span class=\"ci\">[{}, {}]</span>",
                     FormatRatio(interval.mid), FormatRatio(interval.low),
                     FormatRatio(interval.high));
}

std::string GainHtml(const Interval& interval) {
  if (!(interval.mid > 0)) return "\u2013";
  return fmt::format("<b>{}\u00d7</b> <span class=\"ci\">[{}, {}]</span>", FormatGain(interval.mid),
                     FormatGain(interval.low), FormatGain(interval.high));
}

std::string OutcomeWords(std::string_view name) { return ReplaceAll(std::string(name), "_", " "); }

std::string_view OutcomeClass(const CandidateView& candidate) {
  if (!candidate.evaluation) return "same";
  if (candidate.measured() != nullptr) return "measured";
  return std::holds_alternative<DuplicateOf>(candidate.evaluation->outcome) ? "same" : "failed";
}

Result<std::string> HtmlReport(const ReportInput& input) {
  KS_CHECK(input.run.view != nullptr && input.source);
  if (input.run.view->candidates.empty()) {
    return Error{ErrorCode::kFailedPrecondition,
                 "the run has no candidate yet: nothing to report; let it evaluate the seed first"};
  }
  struct Part {
    const char* id;
    const char* title;
    std::string (*make)(const ReportInput&);
  };
  constexpr Part kParts[] = {
      {"result", "Result", ResultSection},         {"progress", "Progress", ProgressSection},
      {"lineage", "Lineage", LineageSection},      {"timing", "Timing", TimingSection},
      {"archive", "Archive", ArchiveSection},      {"tree", "All candidates", TreeSection},
      {"outcomes", "Outcomes", OutcomesSection},   {"skills", "Skills", SkillsSection},
      {"reproduce", "Reproduce", ReproduceSection}};
  HtmlPage page;
  for (const Part& part : kParts) {
    const std::string html = part.make(input);
    if (html.empty()) continue;
    page.links.emplace_back(part.id, part.title);
    page.body += html;
  }
  const RunView& view = *input.run.view;
  page.title = view.started.task + ": kernelsmith report";
  page.brand = "kernelsmith report";
  page.heading = Html(view.started.task);
  page.summary = Html(input.task_summary);
  page.sub = Subtitle(view);
  page.footer = fmt::format("Written by kernelsmith {} on {}.", Html(view.started.version),
                            FormatUtc(input.written_unix_ms));
  page.tips = TipsJson(input);
  return RenderPage(page);
}

}  // namespace ks
