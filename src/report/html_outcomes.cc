// What became of the candidates, by kind and by skill.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/summary.h"
#include "report/svg.h"

namespace ks {
namespace {

constexpr size_t kExamples = 2;  // of each kind of failure

std::string Bars(const RunView& view) {
  std::vector<std::pair<int, std::string>> ranked;
  for (const auto& [name, count] : view.outcomes) ranked.emplace_back(-count, name);
  std::sort(ranked.begin(), ranked.end());
  const double most = ranked.empty() ? 1 : -ranked.front().first;
  std::string out = "<table class=\"bars\"><tbody>";
  for (const auto& [negative, name] : ranked) {
    const char* css_class = name == "measured"    ? "measured"
                            : name == "duplicate" ? "same"
                                                  : "failed";
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td><i class=\"{}\" style=\"width:{}%\"></i></td>"
        "<td class=\"num\">{}</td><td class=\"num ci\">{}</td></tr>",
        Html(OutcomeWords(name)), css_class, Px(std::max(0.5, 100 * -negative / most)), -negative,
        FormatPercent(-negative / std::max(1.0, static_cast<double>(view.evaluations))));
  }
  return out + "</tbody></table>";
}

std::string Example(const ReportInput& input, const CandidateView& candidate) {
  const Outcome& outcome = candidate.evaluation->outcome;
  std::string out =
      fmt::format("<li><span class=\"id\">{}</span><span class=\"chip\">{}</span><p>{}</p>",
                  CandidateName(candidate.proposed.id), Html(candidate.proposed.skill),
                  Html(Shorten(OutcomeSummary(outcome), 400)));
  if (const auto* failed = std::get_if<CompileFailed>(&outcome)) {
    const auto source = input.source(candidate.proposed.source_hash);
    std::vector<Diagnostic> first(
        failed->diagnostics.begin(),
        failed->diagnostics.begin() +
            static_cast<std::ptrdiff_t>(std::min<size_t>(2, failed->diagnostics.size())));
    const std::string text =
        DiagnosticsText(first, CandidateName(candidate.proposed.id), source.value_or(""), Style{});
    if (!text.empty()) out += "<pre class=\"code\">" + Html(Shorten(text, 2000)) + "</pre>";
  }
  return out + "</li>";
}

std::string Examples(const ReportInput& input) {
  const RunView& view = *input.run.view;
  std::map<std::string, std::vector<const CandidateView*>> by_kind;
  for (const CandidateView& candidate : view.candidates) {
    if (OutcomeClass(candidate) != "failed") continue;
    by_kind[OutcomeName(candidate.evaluation->outcome)].push_back(&candidate);
  }
  std::string out;
  for (const auto& [kind, candidates] : by_kind) {
    out += fmt::format(
        "<details><summary>{} <span class=\"ci\">{}</span></summary><ul class=\"examples\">",
        Html(OutcomeWords(kind)), candidates.size());
    for (size_t i = 0; i < std::min(kExamples, candidates.size()); ++i) {
      out += Example(input, *candidates[i]);
    }
    out += "</ul></details>";
  }
  return out.empty() ? "" : "<h3>Failures, with examples</h3>" + out;
}

}  // namespace

std::string OutcomesSection(const ReportInput& input) {
  if (input.run.view->evaluations == 0) return "";
  return Section("outcomes", "Outcomes",
                 "A candidate that fails is data: the next proposal is shown why.",
                 Bars(*input.run.view) + Examples(input));
}

std::string SkillsSection(const ReportInput& input) {
  std::string rows;
  for (const SkillSummary& skill : SummarizeSkills(*input.run.view)) {
    const auto gain = [&](double value) {
      return skill.held > 0 ? FormatGain(value) + "\u00d7" : std::string("\u2013");
    };
    const double tried = std::max(1, skill.tried);
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"stack\"><span><i class=\"held\" "
        "style=\"width:{}%\"></i><i class=\"measured\" style=\"width:{}%\"></i><i class=\"failed\" "
        "style=\"width:{}%\"></i></span></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</"
        "td>"
        "</tr>",
        Html(skill.skill), Px(100 * skill.held / tried),
        Px(100 * (skill.measured - skill.held) / tried),
        Px(100 * (skill.tried - skill.measured) / tried), skill.tried, skill.measured, skill.held,
        gain(skill.mean_gain), gain(skill.best_gain));
  }
  if (rows.empty()) return "";
  return Section("skills", "Skills",
                 "What each optimisation was tried for, and how often a gain held.",
                 "<div class=\"scroll\"><table><thead><tr><th>skill</th><th>held, measured, not "
                 "measured</th><th>tried</th><th>measured</th><th>held</th><th>mean gain</th>"
                 "<th>best gain</th></tr></thead><tbody>" +
                     rows + "</tbody></table></div>");
}

}  // namespace ks
