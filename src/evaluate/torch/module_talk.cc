#include "evaluate/torch/module_talk.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxMessageBytes = 2000;
constexpr size_t kMaxLogBytes = 8u << 10;

const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string TextOf(const Json& object, const char* name) {
  const Json* const member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

int64_t IntegerOf(const Json& object, const char* name) {
  const Json* const member = Member(object, name);
  return member != nullptr && member->is_number_integer() ? member->get<int64_t>() : 0;
}

bool TruthOf(const Json& object, const char* name) {
  const Json* const member = Member(object, name);
  return member != nullptr && member->is_boolean() && member->get<bool>();
}

double NumberOf(const Json& object, const char* name) {
  const Json* const member = Member(object, name);
  if (member == nullptr) return 0;
  if (member->is_number()) return member->get<double>();
  const std::string text = TextOf(object, name);
  return ParseDouble(text).value_or(std::numeric_limits<double>::quiet_NaN());
}

ModuleAnswer ParseModuleAnswer(const std::string& text, const std::string& wanted) {
  Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) return ModuleNonsense{};
  if (const Json* const error = Member(answer, "error")) {
    if (!error->is_object()) return ModuleNonsense{};
    const int64_t line = IntegerOf(*error, "line");
    return ModuleProblem{TextOf(*error, "phase"),
                         Shorten(TextOf(*error, "message"), kMaxMessageBytes),
                         static_cast<int>(std::clamp<int64_t>(line, 0, 1 << 24)),
                         Shorten(TextOf(*error, "log"), kMaxLogBytes)};
  }
  if (!answer.contains(wanted)) return ModuleNonsense{};
  return answer;
}

Result<ModuleAnswer> AskModule(ModuleChannel& channel, const Json& message,
                               std::span<const int> files, const std::string& wanted,
                               double timeout_s, std::stop_token stop) {
  const std::string text = message.dump(-1, ' ', false, Json::error_handler_t::replace);
  KS_ASSIGN_OR_RETURN(const auto answer, channel.Ask(text, files, timeout_s, std::move(stop)));
  if (const auto* const silence = std::get_if<ModuleSilence>(&answer)) {
    return ModuleAnswer(*silence);
  }
  return ParseModuleAnswer(std::get<std::string>(answer), wanted);
}

}  // namespace ks
