// What `ksmith show`, `runs`, `evaluate` and `tasks` print: text for people, JSON for programs.
//
// All functions are pure. Text from candidates is made printable. The JSON shapes are documented in
// docs/json_output.md; each document is one line without a trailing newline and carries
// "format": 1.
#ifndef KS_REPORT_SHOW_H_
#define KS_REPORT_SHOW_H_

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/run_view.h"
#include "core/task.h"
#include "report/style.h"

namespace ks {

// The text behind a candidate's source_hash. ERRORS: as Store::GetSource.
using SourceLookup = std::function<Result<std::string>(const std::string& source_hash)>;

// One run with what its archive held at the end.
struct ShowInput {
  const RunView* view = nullptr;  // not owned; REQUIRES: not null
  std::string run_dir;            // as the user named it
  std::vector<CellView> cells;
  std::vector<DescriptorAxis> axes;
  std::string archive_hash;  // empty: not known
  std::string comparison;    // folder of the comparison that this run is part of; empty: of none
};

std::string ShowText(const ShowInput& input, const Style& style);
std::string ShowJson(const ShowInput& input);

// One line of `ksmith runs`.
struct RunListing {
  std::string dir;
  RunView view;         // valid when `problem` is empty
  std::string problem;  // why the folder could not be read
};
std::string RunsTable(const std::vector<RunListing>& runs, const Style& style);
std::string RunsJson(const std::vector<RunListing>& runs);

// One evaluation with everything that is known about it.
struct EvaluationInput {
  const Evaluation* evaluation = nullptr;  // not owned; REQUIRES: not null
  std::string task;
  std::string backend;
  std::string file;    // of the kernel, for messages
  std::string source;  // of the kernel; quoted under compiler messages
  bool timed = true;   // false: the time stage was not asked for
};
std::string EvaluationText(const EvaluationInput& input, const Style& style);
std::string EvaluationJson(const EvaluationInput& input);
// Compiler messages, each with its source line and a caret:
//   k.cc:12:7: error: 'x' was not declared
//      12 | a = x;
//         |     ^
std::string DiagnosticsText(const std::vector<Diagnostic>& diagnostics, const std::string& file,
                            const std::string& source, const Style& style);

// What one driver interface offers on this machine.
struct DeviceListing {
  std::string api;                    // "cuda", "opencl"
  std::vector<std::string> backends;  // that use it
  std::vector<DeviceInfo> devices;
  std::string problem;  // why there is none; empty when there is one
};
std::string DevicesTable(const std::vector<DeviceListing>& listings, const Style& style);
std::string DevicesJson(const std::vector<DeviceListing>& listings);

std::string TasksTable(const std::vector<Task>& tasks, const Style& style);
std::string TasksJson(const std::vector<Task>& tasks);

}  // namespace ks

#endif  // KS_REPORT_SHOW_H_
