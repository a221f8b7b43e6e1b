// From the seed to the best candidate, one step after the other, with what changed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/diff.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

constexpr size_t kMaxDiffLines = 800;

std::string DiffRows(const std::vector<DiffHunk>& hunks) {
  std::string out = "<pre class=\"diff\">";
  size_t written = 0;
  for (const DiffHunk& hunk : hunks) {
    out += fmt::format("<span class=\"at\">@@ line {}</span>", std::max(1, hunk.new_begin));
    for (const DiffLine& line : hunk.lines) {
      if (++written > kMaxDiffLines) return out + "<span class=\"at\">(cut here)</span></pre>";
      const bool added = line.kind == DiffLine::Kind::kAdded;
      const bool removed = line.kind == DiffLine::Kind::kRemoved;
      const char* css_class = added ? "add" : removed ? "del" : "ctx";
      const char* mark = added ? "+" : removed ? "-" : " ";
      out += fmt::format("<span class=\"{}\">{}{}</span>", css_class, mark,
                         Html(PrintableLine(line.text)));
    }
  }
  return out + "</pre>";
}

std::string DiffDetails(const ReportInput& input, const CandidateView& before,
                        const CandidateView& after, std::string_view what) {
  const auto old_source = input.source(before.proposed.source_hash);
  const auto new_source = input.source(after.proposed.source_hash);
  if (!old_source.ok() || !new_source.ok()) {
    const Error& error = old_source.ok() ? new_source.error() : old_source.error();
    return fmt::format("<p class=\"note\">The source is not available: {}</p>",
                       Html(error.message));
  }
  const std::vector<DiffLine> lines = DiffLines(*old_source, *new_source);
  const DiffStat stat = CountChanges(lines);
  if (stat.added + stat.removed == 0) return "<p class=\"note\">The text is the same.</p>";
  std::string counts;
  if (stat.added > 0) counts += fmt::format(" <span class=\"plus\">+{}</span>", stat.added);
  if (stat.removed > 0) {
    counts += fmt::format(" <span class=\"minus\">\u2212{}</span>", stat.removed);
  }
  return fmt::format("<details><summary>{}{}</summary>{}</details>", what, counts,
                     DiffRows(DiffHunks(lines)));
}

// A whisker on a log axis from 1 to `limit`; fixed width, so that steps compare by eye.
std::string GainBar(const Interval& gain, double limit) {
  if (!(gain.low > 0) || !std::isfinite(gain.mid)) return "";
  const Scale scale(std::min(1.0, gain.low), std::max(limit, gain.mid), 2, 118, true);
  Svg svg(120, 14, "whisker", "gain " + FormatGain(gain));
  svg.Line(scale(1), 0, scale(1), 14, "unit");
  svg.Line(scale(1), 7, scale(gain.mid), 7, gain.mid >= 1 ? "bar" : "bar loss");
  svg.Line(scale(gain.low), 7, scale(gain.high), 7, "ci");
  return std::move(svg).Finish();
}

std::string Step(const ReportInput& input, const CandidateView* parent, const CandidateView& step,
                 double limit) {
  const RunView& view = *input.run.view;
  const CandidateId id = step.proposed.id;
  const Measured* measured = step.measured();
  std::string out = fmt::format(
      "<li{}><div class=\"head\"><span class=\"id\">{}</span><span class=\"chip\">{}</span>",
      id == view.best ? " class=\"last\"" : "", CandidateName(id), Html(step.proposed.skill));
  if (measured == nullptr) {
    out += fmt::format(
        "<span class=\"gain bad\">{}</span>",
        step.evaluation ? OutcomeWords(OutcomeName(step.evaluation->outcome)) : "not judged");
  } else if (parent != nullptr) {
    out += GainBar(measured->gain, limit);
    out += fmt::format("<span class=\"gain\">{}</span>", GainHtml(measured->gain));
  }
  out += fmt::format("<span class=\"total\">{}</span></div>", SpeedupHtml(view.SpeedupOf(id)));
  if (!step.proposed.rationale.empty()) {
    out += fmt::format("<p>{}</p>", Html(step.proposed.rationale));
  }
  if (parent != nullptr) out += DiffDetails(input, *parent, step, "changed lines");
  return out + "</li>";
}

// The whole way at once, and the kernel itself.
std::string Whole(const ReportInput& input, CandidateId first, CandidateId last) {
  const RunView& view = *input.run.view;
  const CandidateView& seed = view.candidates[static_cast<size_t>(first)];
  const CandidateView& best = view.candidates[static_cast<size_t>(last)];
  std::string out = "<div class=\"whole\">";
  if (first != last) out += DiffDetails(input, seed, best, "seed against best");
  if (const auto source = input.source(best.proposed.source_hash); source.ok()) {
    out += "<details><summary>the best kernel</summary><pre class=\"code\">" + Html(*source) +
           "</pre></details>";
  }
  return out + "</div>";
}

}  // namespace

std::string LineageSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  if (view.best == kNoCandidate) return "";
  const std::vector<CandidateId> lineage = view.Lineage(view.best);
  double limit = 1.1;
  for (size_t i = 1; i < lineage.size(); ++i) {
    const Measured* measured = view.candidates[static_cast<size_t>(lineage[i])].measured();
    if (measured != nullptr && std::isfinite(measured->gain.high)) {
      limit = std::max(limit, measured->gain.high);
    }
  }
  std::string body =
      "<div class=\"columns\" aria-hidden=\"true\"><span>step</span><span>gain over its "
      "parent</span><span>speed-up over the baseline</span></div><ol class=\"lineage\">";
  const CandidateView* parent = nullptr;
  for (CandidateId id : lineage) {
    const CandidateView& step = view.candidates[static_cast<size_t>(id)];
    body += Step(input, parent, step, limit);
    parent = &step;
  }
  body += "</ol>" + Whole(input, lineage.front(), lineage.back());
  const size_t steps = lineage.size() - 1;
  return Section("lineage", "Lineage",
                 fmt::format("{} step{} from the seed to the best kernel. A gain is measured "
                             "against the parent, pair by pair.",
                             steps, steps == 1 ? "" : "s"),
                 body);
}

}  // namespace ks
