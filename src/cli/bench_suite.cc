#include "cli/bench_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "cli/modules.h"
#include "cli/wiring.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr const char* kLibrary = "library";
constexpr int kMostLevels = 9;
constexpr size_t kMostModuleBytes = 1 << 20;

Error Bad(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

std::string LevelFolder(const std::string& folder, int level) {
  return fmt::format("{}/level{}", folder, level);
}

bool HasLevels(const FileSystem& files, const std::string& folder) {
  for (int level = 1; level <= kMostLevels; ++level) {
    if (files.IsDir(LevelFolder(folder, level))) return true;
  }
  return false;
}

void AddTask(const Task& task, int level, const std::string& opened_by, const std::string& backend,
             BenchSuite& suite) {
  if (task.FindSeed(backend) != nullptr) {
    suite.tasks.push_back({level, task.name, opened_by, task.precision});
  } else {
    suite.left_out.push_back(
        {level, task.name, fmt::format("it has no seed for the backend '{}'", backend)});
  }
}

// What a folder holds, by kind.
struct Found {
  bool tasks = false;
  bool modules = false;
};

Result<Found> ReadFolder(const FileSystem& files, const std::string& folder, int level,
                         const std::string& backend, BenchSuite& suite) {
  Found found;
  KS_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    if (name.starts_with('.') || name.starts_with('_')) continue;
    if (files.IsFile(path + "/task.toml")) {
      found.tasks = true;
      if (backend == kTorchBackend) continue;
      KS_ASSIGN_OR_RETURN(const Task task, OpenTask(path));
      AddTask(task, level, path, backend, suite);
    } else if (name.ends_with(".py") && files.IsFile(path)) {
      found.modules = true;
      if (backend != kTorchBackend) continue;
      // What cannot be read is said when it is searched.
      const Result<Task> module = OpenModuleTask(path, {});
      suite.tasks.push_back({level, name.substr(0, name.size() - 3), path,
                             module.ok() ? module->precision : std::string()});
    }
  }
  return found;
}

Error NothingFor(const std::string& suite, const Found& found, const std::string& backend) {
  if (found.modules && backend != kTorchBackend) {
    return Bad(fmt::format("'{}' holds PyTorch modules: they need --backend torch", suite));
  }
  if (found.tasks && backend == kTorchBackend) {
    return Bad(fmt::format(
        "'{}' holds tasks with kernels, no PyTorch modules: leave --backend torch out", suite));
  }
  if (found.tasks) {
    return Bad(fmt::format("no task in '{}' has a seed for the backend '{}'", suite, backend));
  }
  return Bad(fmt::format(
      "'{}' holds nothing to search: a suite is a folder of tasks (each with a task.toml) or of "
      "PyTorch modules, or one with such folders called level1, level2, ...",
      suite));
}

Status ReadFolders(const FileSystem& files, const std::string& backend, BenchSuite& suite) {
  std::string folder = suite.name;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  if (files.IsFile(folder + "/task.toml")) {
    return Bad(
        fmt::format("'{0}' is one task, not a folder of tasks; search it with: "
                    "ksmith evolve {0}",
                    folder));
  }
  if (!HasLevels(files, folder) && HasLevels(files, folder + "/KernelBench")) {
    folder += "/KernelBench";
  }
  Found found;
  if (!HasLevels(files, folder)) {
    suite.level_names[1] = "tasks";
    KS_ASSIGN_OR_RETURN(found, ReadFolder(files, folder, 1, backend, suite));
  }
  for (int level = 1; level <= kMostLevels; ++level) {
    if (!files.IsDir(LevelFolder(folder, level))) continue;
    suite.level_names[level] = fmt::format("level {}", level);
    KS_ASSIGN_OR_RETURN(const Found more,
                        ReadFolder(files, LevelFolder(folder, level), level, backend, suite));
    found.tasks = found.tasks || more.tasks;
    found.modules = found.modules || more.modules;
  }
  if (suite.tasks.empty()) return NothingFor(suite.name, found, backend);
  return {};
}

Status ReadLibrary(const std::string& backend, BenchSuite& suite) {
  if (backend == kTorchBackend) {
    return Bad("the library has kernels, no PyTorch modules: give a folder of modules");
  }
  suite.level_names[1] = kLibrary;
  KS_ASSIGN_OR_RETURN(const std::vector<Task> library, LibraryTasks());
  for (const Task& task : library) AddTask(task, 1, task.name, backend, suite);
  if (suite.tasks.empty()) return NothingFor(kLibrary, {true, false}, backend);
  return {};
}

// A module's precision as tasks name it: "fp32" is "f32".
std::string TaskPrecision(const std::string& of_module) {
  return of_module.starts_with("fp") ? "f" + of_module.substr(2) : of_module;
}

Status AddImported(const FileSystem& files, const Json& entry, BenchSuite& suite) {
  const int level = std::max(1, entry.at("level").get<int>());
  const std::string name = entry.at("name").get<std::string>();
  const std::string path = entry.at("path").get<std::string>();
  suite.level_names[level] = fmt::format("level {}", level);
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    return Bad(fmt::format("{}: '{}' cannot be the name of a module", suite.name, name));
  }
  if (!entry.at("admitted").get<bool>()) {
    suite.left_out.push_back(
        {level, name, "refused by the gate: " + entry.at("reason").get<std::string>()});
    return {};
  }
  const Result<std::string> source = files.Read(path, kMostModuleBytes);
  if (!source.ok()) return source.error().Under(suite.name);
  if (Sha256Hex(*source) != entry.at("sha256").get<std::string>()) {
    return Bad(fmt::format("{}: it has changed since {} was made; import the suite again", path,
                           suite.name));
  }
  suite.tasks.push_back({level, name, path, TaskPrecision(entry.at("precision"))});
  return {};
}

Status ReadImported(const FileSystem& files, const std::string& backend, BenchSuite& suite) {
  if (backend != kTorchBackend) return NothingFor(suite.name, {false, true}, backend);
  KS_ASSIGN_OR_RETURN(const std::string text, files.Read(suite.name, kMaxTextFileBytes));
  const Error not_one =
      Bad(fmt::format("'{}' is no suite: expected what `ksmith import kernelbench DIR --out FILE` "
                      "writes",
                      suite.name));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", Json()) != 1 ||
      !json.value("modules", Json()).is_array()) {
    return not_one;
  }
  for (const Json& entry : json["modules"]) {
    try {
      KS_RETURN_IF_ERROR(AddImported(files, entry, suite));
    } catch (const Json::exception&) {
      return not_one;
    }
  }
  if (suite.tasks.empty()) {
    return Bad(fmt::format("'{}' has no module that the gate admitted", suite.name));
  }
  return {};
}

Error NoSuite(const std::string& name) {
  if (OpenLibraryTask(name).ok()) {
    return {ErrorCode::kNotFound,
            fmt::format("'{0}' is a task, not a suite: ksmith bench library --tasks {0}", name)};
  }
  return {
      ErrorCode::kNotFound,
      fmt::format("there is no suite '{}'{}; give 'library', a folder of tasks or modules, or "
                  "the JSON of `ksmith import kernelbench`",
                  name, NearestName(name, {kLibrary}).empty() ? "" : " (did you mean 'library'?)")};
}

Status CheckNames(const BenchSuite& suite) {
  std::set<std::pair<int, std::string>> names;
  for (const SuiteTask& task : suite.tasks) {
    if (!names.insert({task.level, task.name}).second) {
      return Bad(fmt::format("'{}' has two tasks called '{}' in one level", suite.name, task.name));
    }
  }
  return {};
}

}  // namespace

Result<BenchSuite> ReadSuite(const FileSystem& files, const std::string& suite,
                             const std::string& backend) {
  BenchSuite read;
  read.name = suite;
  if (suite == kLibrary) {
    KS_RETURN_IF_ERROR(ReadLibrary(backend, read));
  } else if (files.IsDir(suite)) {
    KS_RETURN_IF_ERROR(ReadFolders(files, backend, read));
  } else if (files.IsFile(suite)) {
    KS_RETURN_IF_ERROR(ReadImported(files, backend, read));
  } else {
    return NoSuite(suite);
  }
  KS_RETURN_IF_ERROR(CheckNames(read));
  return read;
}

Status KeepTasks(const std::vector<std::string>& names, BenchSuite& suite) {
  if (names.empty()) return {};
  std::vector<std::string> known;
  for (const SuiteTask& task : suite.tasks) known.push_back(task.name);
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    for (const LeftOutTask& left_out : suite.left_out) {
      if (left_out.name != name) continue;
      return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' of '{}' cannot be searched: {}",
                                                            name, suite.name, left_out.reason)};
    }
    const std::string near = NearestName(name, known);
    return Error{ErrorCode::kNotFound,
                 fmt::format("there is no task '{}' in '{}'; {}", name, suite.name,
                             near.empty() ? "it has " + Join(known, ", ")
                                          : fmt::format("did you mean '{}'?", near))};
  }
  const auto unwanted = [&](const auto& task) {
    return std::ranges::find(names, task.name) == names.end();
  };
  std::erase_if(suite.tasks, unwanted);
  suite.left_out.clear();
  return {};
}

}  // namespace ks
