#include "cli/environment.h"

#include <cstdlib>

namespace ks {

std::string ProcessEnvironment(const std::string& name) {
  return ProcessVariable(name).value_or("");
}

std::optional<std::string> ProcessVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets it
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace ks
