#include "report/html.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

// SHA-256 in base64, as a content security policy names a script.
std::string Sha256Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = Sha256Hex(bytes);
  const auto nibble = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string out;
  unsigned bits = 0;
  unsigned value = 0;
  for (char c : hex) {
    value = (value << 4) | nibble(c);
    bits += 4;
    if (bits < 6) continue;
    bits -= 6;
    out += kDigits[(value >> bits) & 63];
  }
  if (bits > 0) out += kDigits[(value << (6 - bits)) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string Header(const ReportInput& input) {
  const RunView& view = *input.run.view;
  const Machine& machine = view.started.machine;
  std::string sub = Html(view.started.backend) + " \u00b7 " +
                    Html(machine.device ? machine.device->name : machine.cpu);
  sub += " \u00b7 " + FormatUtc(view.started_unix_ms).substr(0, 10);
  std::string out = fmt::format("<header><p class=\"brand\">kernelsmith report</p><h1>{}</h1>",
                                Html(view.started.task));
  if (!input.task_summary.empty()) {
    out += fmt::format("<p class=\"summary\">{}</p>", Html(input.task_summary));
  }
  return out + "<p class=\"sub\">" + sub + "</p></header>";
}

std::string Nav(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string out = "<nav aria-label=\"Sections\">";
  for (const auto& [id, title] : sections) {
    out += fmt::format("<a href=\"#{}\">{}</a>", id, title);
  }
  return out + "</nav>";
}

}  // namespace

std::string Section(std::string_view id, std::string_view title, std::string_view lead,
                    std::string_view body) {
  std::string out = fmt::format("<section id=\"{}\"><h2>{}</h2>", id, title);
  if (!lead.empty()) out += fmt::format("<p class=\"lead\">{}</p>", lead);
  out += body;
  return out + "</section>\n";
}

std::string Legend(const std::vector<std::pair<std::string_view, std::string_view>>& keys) {
  std::string out = "<p class=\"legend\">";
  for (const auto& [mark, meaning] : keys) {
    out += fmt::format("<span><i class=\"k {}\"></i>{}</span> ", mark, meaning);
  }
  return out + "</p>";
}

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
  std::string body;
  std::vector<std::pair<std::string, std::string>> links;
  for (const Part& part : kParts) {
    const std::string html = part.make(input);
    if (html.empty()) continue;
    links.emplace_back(part.id, part.title);
    body += html;
  }
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; "
      "form-action 'none'",
      Sha256Base64(kReportJs));
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", policy);
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  out += fmt::format("<title>{}: kernelsmith report</title>\n", Html(input.run.view->started.task));
  out += fmt::format("<style>{}</style></head>\n<body>\n", kReportCss);
  out += Header(input) + Nav(links) + "<main>\n" + body + "</main>\n";
  out += fmt::format("<footer>Written by kernelsmith {} on {}.</footer>\n",
                     Html(input.run.view->started.version), FormatUtc(input.written_unix_ms));
  out += "<div id=\"tip\" role=\"status\" hidden></div>\n";
  out +=
      fmt::format("<script type=\"application/json\" id=\"tips\">{}</script>\n", TipsJson(input));
  out += fmt::format("<script>{}</script>\n</body></html>\n", kReportJs);
  return out;
}

}  // namespace ks
