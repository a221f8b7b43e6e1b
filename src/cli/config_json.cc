// The JSON side of config_file.h.
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/hash.h"
#include "cli/config_file.h"
#include "core/config_check.h"
#include "core/config_fields.h"

namespace ks {
namespace {

nlohmann::json ToJson(const RunConfig& config, bool with_limits) {
  nlohmann::json document;
  VisitConfigFields(config, [&](const ConfigField& field, const auto& member) {
    if (with_limits || !field.is_limit) document[field.table][field.name] = member;
  });
  for (const ModelConfig& model : config.llm.models) {
    nlohmann::json one;
    VisitModelFields<ConfigField>(model, [&](const ConfigField& field, const auto& member) {
      if (with_limits || !field.is_limit) one[field.name] = member;
    });
    if (!model.extra.empty()) one["extra"] = nlohmann::json::parse(model.extra, nullptr, false);
    document["model"].push_back(std::move(one));
  }
  return document;
}

}  // namespace

std::string ConfigToJson(const RunConfig& config, const std::string& task_origin) {
  nlohmann::json document = ToJson(config, true);
  if (!task_origin.empty()) document["task"]["origin"] = task_origin;
  return document.dump();
}

std::string TaskOriginIn(const std::string& json) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  const nlohmann::json::json_pointer place("/task/origin");
  return document.contains(place) && document[place].is_string() ? document[place] : "";
}

Result<RunConfig> ConfigFromJson(const std::string& json) {
  RunConfig config;
  std::string unknown;
  try {
    nlohmann::json document = nlohmann::json::parse(json);
    if (document.contains("run") && document["run"].contains("jobs")) {  // records of 0.1
      nlohmann::json& run = document["run"];
      run["in_flight"] = run["workers"] = run["jobs"];
    }
    VisitConfigFields(config, [&](const ConfigField& field, auto& member) {
      const auto table = document.find(field.table);
      if (table != document.end() && table->contains(field.name)) {
        table->at(field.name).get_to(member);
      }
      if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::string>) {
        if (!IsChoice(field.choices, member)) unknown = std::string(field.name) + " = " + member;
      }
    });
    for (const nlohmann::json& one : document.value("model", nlohmann::json::array())) {
      ModelConfig model;
      VisitModelFields<ConfigField>(model, [&](const ConfigField& field, auto& member) {
        if (one.contains(field.name)) one.at(field.name).get_to(member);
      });
      if (one.contains("extra")) model.extra = one["extra"].dump();
      config.llm.models.push_back(std::move(model));
    }
  } catch (const nlohmann::json::exception& error) {
    return Error{ErrorCode::kDataLoss,
                 std::string("the recorded configuration is unreadable: ") + error.what()};
  }
  if (!unknown.empty()) {
    return Error{ErrorCode::kDataLoss,
                 "the recorded configuration is of another version: it has " + unknown};
  }
  return config;
}

std::string ConfigHash(const RunConfig& config) { return Sha256Hex(ToJson(config, false).dump()); }

}  // namespace ks
