// The HTML report of a recorded run, as a file.
#ifndef KS_CLI_REPORT_FILE_H_
#define KS_CLI_REPORT_FILE_H_

#include <string>

#include "cli/run_reader.h"

namespace ks {

// ERRORS: the file system's, the store's, kDataLoss.
Status WriteReportFile(const RecordedRun& run, const std::string& path);

}  // namespace ks

#endif  // KS_CLI_REPORT_FILE_H_
