// A realistic run made without running anything: a matmul search with failures of every kind.
#ifndef KS_TESTS_REPORT_SAMPLE_RUN_H_
#define KS_TESTS_REPORT_SAMPLE_RUN_H_

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/archive.h"
#include "core/event.h"
#include "core/run_view.h"

namespace ks::testing {

struct SampleRun {
  std::vector<Event> events;
  RunView view;
  std::map<std::string, std::string> sources;  // by hash
  std::vector<CellView> cells;
  std::vector<DescriptorAxis> axes;

  Result<std::string> Source(const std::string& hash) const;
};

// Deterministic in its arguments. `hostile`: sources, skills, rationales and messages carry HTML,
// script ends, escape sequences and bytes that are not UTF-8.
SampleRun MakeSampleRun(int candidates, bool hostile = false);

}  // namespace ks::testing

#endif  // KS_TESTS_REPORT_SAMPLE_RUN_H_
