// The report of a run: one HTML file that needs nothing else (no network, no other file).
#ifndef KS_REPORT_HTML_H_
#define KS_REPORT_HTML_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "report/show.h"

namespace ks {

struct ReportInput {
  ShowInput run;                        // the view, folder and archive
  SourceLookup source;                  // REQUIRES: callable
  std::string task_summary;             // one line; may be empty
  int64_t written_unix_ms = 0;          // when the report is made
  std::string kernel_file = "best.cc";  // named in the command that exports the best kernel
};

// Everything that a candidate or a model wrote is escaped, and a content security policy allows no
// script but the report's own. A source that cannot be found is said so in its place. About 1 kB a
// candidate. ERRORS: kFailedPrecondition when the run has no candidate yet.
Result<std::string> HtmlReport(const ReportInput& input);

}  // namespace ks

#endif  // KS_REPORT_HTML_H_
