// Whether the fields of a configuration, each valid by itself, go together.
#ifndef KS_CORE_CONFIG_CHECK_H_
#define KS_CORE_CONFIG_CHECK_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config.h"

namespace ks {

struct ConfigFault {
  std::vector<std::pair<std::string, std::string>> fields;  // table and name of those to blame
  std::string message;
};

// The first contradiction, or empty.
std::optional<ConfigFault> FindContradiction(const RunConfig& config);

// Why a value for this field would do nothing with the rest of `config`; empty: it does something.
std::string IdleReason(const RunConfig& config, std::string_view table, std::string_view name);

// Whether `value` is one of the names in `choices` ("a|b|c"; empty: any is).
bool IsChoice(std::string_view choices, std::string_view value);

}  // namespace ks

#endif  // KS_CORE_CONFIG_CHECK_H_
