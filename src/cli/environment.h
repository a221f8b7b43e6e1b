// Environment variables; only cli reads them.
#ifndef KS_CLI_ENVIRONMENT_H_
#define KS_CLI_ENVIRONMENT_H_

#include <functional>
#include <optional>
#include <string>

namespace ks {

// A variable by its name; empty: not set.
using Environment = std::function<std::string(const std::string& name)>;
// This process's.
std::string ProcessEnvironment(const std::string& name);
// The same where one that is set to nothing means something.
std::optional<std::string> ProcessVariable(const std::string& name);

}  // namespace ks

#endif  // KS_CLI_ENVIRONMENT_H_
