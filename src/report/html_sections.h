// The sections of the HTML report, one function each; html.cc puts them together. Each gives a
// complete <section> or the empty string when there is nothing to show.
#ifndef KS_REPORT_HTML_SECTIONS_H_
#define KS_REPORT_HTML_SECTIONS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/html.h"
#include "report/html_page.h"

namespace ks {

// "12.3×", with the interval in a lighter span: escaped, ready for HTML.
std::string SpeedupHtml(const Interval& interval);
std::string GainHtml(const Interval& interval);
// "measured", "failed" or "same": the class that colours an outcome.
std::string_view OutcomeClass(const CandidateView& candidate);
// An outcome's name in words.
std::string OutcomeWords(std::string_view name);

std::string ResultSection(const ReportInput& input);
std::string ProgressSection(const ReportInput& input);
std::string LineageSection(const ReportInput& input);
std::string ArchiveSection(const ReportInput& input);
std::string TreeSection(const ReportInput& input);
std::string TimingSection(const ReportInput& input);
std::string OutcomesSection(const ReportInput& input);
std::string SkillsSection(const ReportInput& input);
std::string ReproduceSection(const ReportInput& input);

// What the page's script shows on hover, by candidate, as a JSON object safe inside <script>.
std::string TipsJson(const ReportInput& input);
// (name, value) of every leaf of the run's configuration, names joined by '.'.
std::vector<std::pair<std::string, std::string>> ConfigLeaves(const RunView& view);

// Embedded from assets/ by the build.
extern const char* const kReportCss;
extern const char* const kReportJs;

}  // namespace ks

#endif  // KS_REPORT_HTML_SECTIONS_H_
