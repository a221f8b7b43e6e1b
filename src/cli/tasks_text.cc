#include "cli/tasks_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ks {

std::string GateText(const std::string& task, const GateReport& report, const Style& style) {
  std::string text;
  for (const GateCheck& check : report.checks) {
    text +=
        Paint(style, check.passed ? Ink::kGreen : Ink::kRed, check.passed ? "pass  " : "FAIL  ");
    text += check.name;
    if (!check.passed) text += ": " + PrintableLine(check.reason);
    text += "\n";
  }
  return text + fmt::format("{}: {}\n", task, report.admitted() ? "admitted" : "refused");
}

std::string GateJson(const std::string& task, const GateReport& report) {
  nlohmann::ordered_json document = {
      {"format", 1}, {"task", task}, {"admitted", report.admitted()}};
  document["checks"] = nlohmann::ordered_json::array();
  for (const GateCheck& check : report.checks) {
    document["checks"].push_back(
        {{"name", check.name}, {"passed", check.passed}, {"reason", PrintableLine(check.reason)}});
  }
  return document.dump() + "\n";
}

}  // namespace ks
