#include "propose/llm/experiment.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxExperiments = 32;
constexpr size_t kMaxTextBytes = 4000;

std::string TextAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return "";
  return Shorten(it->get<std::string>(), kMaxTextBytes);
}

double NumberAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : 0;
}

}  // namespace

std::vector<Experiment> ExperimentsIn(const std::string& text) {
  std::vector<Experiment> experiments;
  const Json json = Json::parse(text, nullptr, false);
  const Json* list = &json;
  if (json.is_object() && json.contains("experiments")) list = &json["experiments"];
  if (!list->is_array()) return experiments;
  for (const Json& one : *list) {
    if (!one.is_object() || experiments.size() == kMaxExperiments) continue;
    Experiment experiment{TextAt(one, "description"),
                          {},
                          NumberAt(one, "min_gain"),
                          NumberAt(one, "max_gain"),
                          NumberAt(one, "innovation")};
    if (Trim(experiment.description).empty()) continue;
    if (const auto rubric = one.find("rubric"); rubric != one.end() && rubric->is_array()) {
      for (const Json& line : *rubric) {
        if (line.is_string()) {
          experiment.rubric.push_back(Shorten(line.get<std::string>(), kMaxTextBytes));
        }
      }
    } else if (const std::string line = TextAt(one, "rubric"); !line.empty()) {
      experiment.rubric.push_back(line);
    }
    experiments.push_back(std::move(experiment));
  }
  return experiments;
}

std::vector<Experiment> PickThree(std::vector<Experiment> experiments) {
  std::vector<Experiment> picked;
  for (const auto key : {&Experiment::innovation, &Experiment::max_gain, &Experiment::min_gain}) {
    const auto best =
        std::max_element(experiments.begin(), experiments.end(),
                         [&](const Experiment& a, const Experiment& b) { return a.*key < b.*key; });
    if (best == experiments.end()) break;
    picked.push_back(std::move(*best));
    experiments.erase(best);
  }
  return picked;
}

}  // namespace ks
