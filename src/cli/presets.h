// The configurations that come with the program: one TOML text each, from src/cli/presets.
#ifndef KS_CLI_PRESETS_H_
#define KS_CLI_PRESETS_H_

#include <span>
#include <string>

#include "base/result.h"
#include "core/config.h"

namespace ks {

struct Preset {
  const char* name;
  const char* text;  // TOML; its first line is a comment that says what it is for
};

std::span<const Preset> Presets();

// The first line of its text, without the sign of a comment.
std::string AboutPreset(const Preset& preset);

// The defaults with a preset's values in their place. ERRORS: kNotFound with the nearest name.
Result<RunConfig> ConfigFromPreset(const std::string& name);

}  // namespace ks

#endif  // KS_CLI_PRESETS_H_
