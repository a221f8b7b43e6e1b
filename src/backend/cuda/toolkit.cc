#include "backend/cuda/toolkit.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"

namespace ks {
namespace {

constexpr const char* kUsualRoots[] = {"/usr/local/cuda", "/opt/cuda", "/usr"};
// Of a root: a toolkit, a Debian system, a Python environment's site-packages (new and old layout).
constexpr const char* kLibraryFolders[] = {"lib64",
                                           "lib",
                                           "targets/x86_64-linux/lib",
                                           "lib/x86_64-linux-gnu",
                                           "nvidia/cu13/lib",
                                           "nvidia/cuda_nvrtc/lib"};
constexpr const char* kIncludeFolders[] = {"include", "targets/x86_64-linux/include",
                                           "nvidia/cu13/include", "nvidia/cuda_runtime/include"};

// "libnvrtc.so.13.0.88" -> {13, 0, 88}; empty: another file. A bare "libnvrtc.so" gives {0}.
std::vector<int64_t> VersionOf(std::string_view name) {
  constexpr std::string_view kPrefix = "libnvrtc.so";
  if (!name.starts_with(kPrefix)) return {};
  name.remove_prefix(kPrefix.size());
  std::vector<int64_t> version;
  if (name.empty()) return {0};
  for (const std::string_view part : Split(name.substr(1), '.')) {
    const auto number = ParseInt(part);
    if (!number) return {};
    version.push_back(*number);
  }
  return version;
}

std::string NewestLibrary(const FileSystem& files, const std::string& folder) {
  const auto names = files.List(folder);
  std::string best;
  std::vector<int64_t> best_version;
  for (const std::string& name : names.value_or({})) {
    std::vector<int64_t> version = VersionOf(name);
    if (version.empty() || version < best_version) continue;
    best = folder + "/" + name;
    best_version = std::move(version);
  }
  return best;
}

std::vector<std::string> HeadersOf(const FileSystem& files, const std::string& root) {
  for (const char* folder : kIncludeFolders) {
    const std::string path = root + "/" + folder;
    if (!files.IsFile(path + "/cuda_fp16.h")) continue;
    std::vector<std::string> includes = {path};
    if (files.IsDir(path + "/cccl")) includes.push_back(path + "/cccl");
    return includes;
  }
  return {};
}

// "/usr/local/cuda-13.0" among the folders beside a "/usr/local/cuda".
std::vector<std::string> VersionedRoots(const FileSystem& files) {
  std::vector<std::string> roots;
  const auto names = files.List("/usr/local");
  for (const std::string& name : names.value_or({})) {
    if (name.starts_with("cuda-")) roots.push_back("/usr/local/" + name);
  }
  std::reverse(roots.begin(), roots.end());
  return roots;
}

}  // namespace

CudaToolkit FindCudaToolkit(const FileSystem& files, const std::vector<std::string>& roots) {
  std::vector<std::string> all = roots;
  all.insert(all.end(), std::begin(kUsualRoots), std::end(kUsualRoots));
  const std::vector<std::string> versioned = VersionedRoots(files);
  all.insert(all.end(), versioned.begin(), versioned.end());
  CudaToolkit toolkit;
  for (const std::string& root : all) {
    if (root.empty()) continue;
    for (const char* folder : kLibraryFolders) {
      if (!toolkit.nvrtc.empty()) break;
      toolkit.nvrtc = NewestLibrary(files, root + "/" + folder);
      if (!toolkit.nvrtc.empty()) toolkit.includes = HeadersOf(files, root);
    }
    if (toolkit.nvcc.empty() && files.IsFile(root + "/bin/nvcc")) {
      toolkit.nvcc = root + "/bin/nvcc";
    }
  }
  for (const std::string& root : all) {
    if (toolkit.includes.empty() && !root.empty()) toolkit.includes = HeadersOf(files, root);
  }
  if (!toolkit.nvcc.empty()) {
    const size_t at = toolkit.nvcc.rfind("cuda-");
    if (at != std::string::npos) {
      toolkit.nvcc_version = toolkit.nvcc.substr(at + 5, toolkit.nvcc.find('/', at) - at - 5);
    }
  }
  return toolkit;
}

std::vector<SandboxMount> ToolkitMounts(const CudaToolkit& toolkit) {
  std::set<std::string> folders(toolkit.includes.begin(), toolkit.includes.end());
  for (const std::string& file : {toolkit.nvrtc, toolkit.nvcc}) {
    if (!file.empty()) folders.insert(file.substr(0, file.rfind('/')));
  }
  std::vector<SandboxMount> mounts;
  for (const std::string& folder : folders) {
    const bool seen = folder.starts_with("/usr/") ||
                      std::any_of(mounts.begin(), mounts.end(), [&](const SandboxMount& mount) {
                        return folder.starts_with(mount.host + "/");
                      });
    if (!seen) mounts.push_back({folder, folder, false});
  }
  return mounts;
}

}  // namespace ks
