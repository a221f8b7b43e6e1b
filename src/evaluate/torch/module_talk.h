// One question to a module's process and what came of it.
#ifndef KS_EVALUATE_TORCH_MODULE_TALK_H_
#define KS_EVALUATE_TORCH_MODULE_TALK_H_

#include <nlohmann/json.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <variant>

#include "backend/torch/module_channel.h"
#include "base/result.h"

namespace ks {

// What a module or a candidate could not do, in its own process's words.
struct ModuleProblem {
  std::string
      phase;  // "import", "form", "init", "inputs", "weights", "forward", "output_form", ...
  std::string message;
  int line = 0;  // of its file; 0: not known
  std::string log;
};

// The answer is not one: no JSON, or not of the form that was asked for.
struct ModuleNonsense {};

using ModuleAnswer = std::variant<nlohmann::json, ModuleProblem, ModuleNonsense, ModuleSilence>;

// Asks and reads. An answer must be an object with the member `wanted`, or one that says a problem.
// ERRORS: kCancelled.
Result<ModuleAnswer> AskModule(ModuleChannel& channel, const nlohmann::json& message,
                               std::span<const int> files, const std::string& wanted,
                               double timeout_s, std::stop_token stop);
// Of an answer's text; split from AskModule for tests.
ModuleAnswer ParseModuleAnswer(const std::string& text, const std::string& wanted);

// A member of an answer, or the default when it is missing or of another type.
std::string TextOf(const nlohmann::json& object, const char* name);
int64_t IntegerOf(const nlohmann::json& object, const char* name);
bool TruthOf(const nlohmann::json& object, const char* name);
// Also of a text: "nan", "inf", "-inf".
double NumberOf(const nlohmann::json& object, const char* name);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_TALK_H_
