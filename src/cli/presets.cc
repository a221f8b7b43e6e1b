// `ksmith presets`, and the configurations it lists.
#include "cli/presets.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/exit_code.h"

namespace ks {
namespace {

Result<const Preset*> FindPreset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& preset : Presets()) {
    if (name == preset.name) return &preset;
    names.emplace_back(preset.name);
  }
  const std::string near = NearestName(name, names);
  return Error{ErrorCode::kNotFound,
               fmt::format("there is no preset '{}'; {}", name,
                           near.empty() ? "known: " + Join(names, ", ")
                                        : fmt::format("did you mean '{}'?", near))};
}

}  // namespace

std::string AboutPreset(const Preset& preset) {
  const std::string_view text = preset.text;
  return std::string(Trim(text.substr(1, text.find('\n') - 1)));
}

Result<RunConfig> ConfigFromPreset(const std::string& name) {
  KS_ASSIGN_OR_RETURN(const Preset* preset, FindPreset(name));
  return ConfigFromToml(preset->text, "preset " + name, {});
}

int ShowPresets(const PresetsOptions& options, const Console& console) {
  if (!options.name.empty()) {
    const Result<const Preset*> preset = FindPreset(options.name);
    if (!preset.ok()) return console.Fail(preset.error());
    console.Out((*preset)->text);
    return kExitFine;
  }
  for (const Preset& preset : Presets()) {
    console.Out(fmt::format("{:<12}{}\n", preset.name, AboutPreset(preset)));
  }
  return kExitFine;
}

}  // namespace ks
