// RunConfig from TOML (what people write) and to and from JSON (what a run records).
#ifndef KS_CLI_CONFIG_FILE_H_
#define KS_CLI_CONFIG_FILE_H_

#include <string>

#include "base/result.h"
#include "core/config.h"

namespace ks {

// `config` with the values of a TOML document in place of its own. `path` is for messages only.
// ERRORS: kInvalidArgument "path:line:column: what": not TOML, unknown table or field (with the
// nearest known one), wrong type, out of range, fields that contradict each other or the rest of
// the configuration, a field that would do nothing.
Result<RunConfig> ConfigFromToml(const std::string& text, const std::string& path,
                                 RunConfig config);

// `config` with the file's values in their place. ERRORS: as above; kNotFound.
Result<RunConfig> ReadConfigFile(const std::string& path, RunConfig config = {});

// All fields, tables as in TOML, keys sorted. Stable: equal configurations, equal text.
// `task_origin`: where the task came from, so that a resumed run finds it again; may be empty.
std::string ConfigToJson(const RunConfig& config, const std::string& task_origin = "");
// The task origin in such a text, or empty.
std::string TaskOriginIn(const std::string& json);
// The reverse; fields that are not there keep their defaults. ERRORS: kDataLoss, also for a name
// that this version does not know.
Result<RunConfig> ConfigFromJson(const std::string& json);
// SHA-256 over everything that decides what a run does: all but its limits, so that a run may be
// resumed with more time.
std::string ConfigHash(const RunConfig& config);

}  // namespace ks

#endif  // KS_CLI_CONFIG_FILE_H_
