#include "backend/torch/module_device.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

bool IsNumberedNode(std::string_view name) {
  constexpr std::string_view kStem = "nvidia";
  if (!name.starts_with(kStem)) return false;
  name.remove_prefix(kStem.size());
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<std::string> VisibleDevice(const std::optional<std::string>& visible, int index) {
  if (!visible) return fmt::format("{}", index);
  std::vector<std::string> names;
  for (const std::string_view entry : Split(*visible, ',')) {
    const std::string_view name = Trim(entry);
    if (name.starts_with('-')) break;
    if (!name.empty()) names.emplace_back(name);
  }
  if (names.empty()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("there is no CUDA device: CUDA_VISIBLE_DEVICES={} hides all of them; "
                             "unset it to use one",
                             *visible)};
  }
  if (index >= 0 && static_cast<size_t>(index) < names.size()) {
    return names[static_cast<size_t>(index)];
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("there is no device {} among CUDA_VISIBLE_DEVICES={}", index, *visible)};
}

Result<ModuleDevice> FindCudaModuleDevice(const std::optional<std::string>& visible,
                                          const std::string& library_path, int index) {
  const PosixFileSystem files;
  ModuleDevice device;
  device.name = "cuda";
  // The driver opens all of them, whichever is used. Not those that change its settings.
  for (const std::string& name : files.List("/dev").value_or({})) {
    if (name == "nvidiactl" || name == "nvidia-uvm" || IsNumberedNode(name)) {
      device.nodes.push_back("/dev/" + name);
    }
  }
  const bool complete = std::ranges::any_of(device.nodes, [](const std::string& node) {
    return IsNumberedNode(std::string_view(node).substr(5));
  });
  if (!complete) {
    return Error{ErrorCode::kFailedPrecondition,
                 "there is no CUDA device: no /dev/nvidia0; install the driver, or go to a machine "
                 "that has one"};
  }
  KS_ASSIGN_OR_RETURN(device.visible, VisibleDevice(visible, index));
  for (const std::string_view folder : Split(library_path, ':')) {
    if (folder.starts_with('/') && files.IsDir(std::string(folder))) {
      device.library_folders.emplace_back(folder);
    }
  }
  return device;
}

}  // namespace ks
