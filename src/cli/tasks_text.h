// The verdict of the admission gate as text and JSON (docs/json_output.md). Pure functions.
#ifndef KS_CLI_TASKS_TEXT_H_
#define KS_CLI_TASKS_TEXT_H_

#include <string>

#include "report/style.h"
#include "task/gate.h"

namespace ks {

std::string GateText(const std::string& task, const GateReport& report, const Style& style);
std::string GateJson(const std::string& task, const GateReport& report);

}  // namespace ks

#endif  // KS_CLI_TASKS_TEXT_H_
