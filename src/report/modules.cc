#include "report/modules.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/table.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

std::string Mark(bool good, const Style& style) {
  return Paint(style, good ? Ink::kGreen : Ink::kRed, good ? "passed " : "refused");
}

std::string SizesText(const ModuleAdmission& admission) {
  std::string text = admission.facts.workload + " sizes";
  if (admission.full_bytes > 0) {
    text += fmt::format(", inputs of {} at full size",
                        FormatBytes(static_cast<double>(admission.full_bytes)));
  }
  if (!admission.facts.note.empty()) text += "; " + admission.facts.note;
  return text;
}

}  // namespace

std::string AdmissionText(const ModuleListing& module, const Style& style) {
  const ModuleAdmission& admission = module.admission;
  std::string out = fmt::format("{}: {}\n", PrintableLine(module.name),
                                Paint(style, admission.admitted ? Ink::kGreen : Ink::kRed,
                                      admission.admitted ? "admitted" : "not admitted"));
  if (!admission.facts.workload.empty()) {
    out += fmt::format("  {}\n", PrintableLine(SizesText(admission)));
  }
  for (const ModuleCheck& check : admission.checks) {
    out += fmt::format("  {} {}{}\n", Mark(check.passed, style), PrintableLine(check.name),
                       check.reason.empty() ? "" : ": " + PrintableLine(check.reason));
  }
  return out;
}

std::string SuiteText(const std::vector<ModuleListing>& modules, const Style& style) {
  struct Count {
    int all = 0, admitted = 0;
  };
  std::map<int, Count> levels;
  for (const ModuleListing& module : modules) {
    ++levels[module.level].all;
    levels[module.level].admitted += module.admission.admitted ? 1 : 0;
  }
  std::string out;
  for (const auto& [level, count] : levels) {
    out += fmt::format("level {}: {} of {} admitted\n", level, count.admitted, count.all);
  }
  for (const ModuleListing& module : modules) {
    if (module.admission.admitted) continue;
    out += fmt::format("  {} level {} {}: {}\n", Mark(false, style), module.level,
                       PrintableLine(module.name), PrintableLine(module.admission.FirstFault()));
  }
  return out;
}

std::string ModulesJson(const std::string& suite, const std::vector<ModuleListing>& modules) {
  Json list = Json::array();
  for (const ModuleListing& module : modules) {
    const ModuleAdmission& admission = module.admission;
    Json checks = Json::array();
    for (const ModuleCheck& check : admission.checks) {
      checks.push_back({{"name", check.name}, {"passed", check.passed}, {"reason", check.reason}});
    }
    Json entry = {{"level", module.level},
                  {"name", module.name},
                  {"path", module.path},
                  {"sha256", module.sha256},
                  {"admitted", admission.admitted},
                  {"reason", admission.FirstFault()},
                  {"workload", admission.facts.workload},
                  {"note", admission.facts.note},
                  {"precision", admission.facts.precision},
                  {"full_bytes", nullptr},
                  {"parameters", admission.parameters},
                  {"checks", checks}};
    if (admission.full_bytes > 0) entry["full_bytes"] = admission.full_bytes;
    list.push_back(std::move(entry));
  }
  const Json document = {{"format", 1}, {"suite", suite}, {"modules", list}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ks
