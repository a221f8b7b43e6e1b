#include "cli/compare_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "cli/config_file.h"
#include "cli/evolve.h"
#include "cli/presets.h"
#include "cli/search_target.h"
#include "cli/wiring.h"

namespace ks {
namespace {

constexpr int64_t kDefaultSteps = 40;  // the paper's protocol: 40 rounds

// What a CONFIG argument stands for.
struct NamedOptions {
  std::string name;
  EvolveOptions options;
};

bool IsPreset(const std::string& name) {
  const std::span<const Preset> presets = Presets();
  return std::any_of(presets.begin(), presets.end(),
                     [&](const Preset& preset) { return name == preset.name; });
}

bool LooksLikeFile(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".toml");
}

std::string StemOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  std::string stem = slash == std::string::npos ? path : path.substr(slash + 1);
  if (stem.ends_with(".toml")) stem.resize(stem.size() - 5);
  return stem;
}

// A name is a folder of the runs: letters, digits, '.', '_' and '-'.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Result<NamedOptions> ReadArgument(const std::string& argument, const CompareOptions& options) {
  NamedOptions named;
  const size_t equals = argument.find('=');
  std::string what = argument;
  if (equals != std::string::npos) {
    named.name = argument.substr(0, equals);
    what = argument.substr(equals + 1);
  }
  if (LooksLikeFile(what)) {
    named.options.config_file = what;
  } else {
    if (!IsPreset(what)) {
      KS_RETURN_IF_ERROR(CheckProposerName(what));
      named.options.proposer = what;
    } else {
      named.options.preset = what;
    }
  }
  if (equals == std::string::npos) named.name = StemOf(what);
  if (!IsPlainName(named.name)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' cannot name a configuration: use letters, digits, '.', '_' and "
                             "'-', as in NAME=FILE.toml",
                             named.name)};
  }
  named.options.backend = options.backend;
  named.options.device = options.device;
  named.options.service = options.service;
  named.options.minutes = options.minutes;
  if (!options.minutes) named.options.steps = options.steps.value_or(kDefaultSteps);
  return named;
}

}  // namespace

Result<std::vector<NamedTask>> NamedTasks(const std::vector<std::string>& arguments,
                                          const std::string& backend) {
  std::vector<NamedTask> tasks;
  std::set<std::string> names;
  const bool all = arguments.empty() || arguments == std::vector<std::string>{"all"};
  if (all) {
    KS_ASSIGN_OR_RETURN(const std::vector<Task> library, LibraryTasks());
    for (const Task& task : library) {
      if (task.FindSeed(backend) != nullptr) tasks.push_back({task.name, task.name});
    }
    if (!tasks.empty()) return tasks;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("no task of the library has a seed for the backend '{}'", backend)};
  }
  for (const std::string& argument : arguments) {
    KS_ASSIGN_OR_RETURN(const Task task, OpenSearchTask(argument, backend));
    if (task.FindSeed(backend) == nullptr) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("task '{}' has no seed for the backend '{}'", task.name, backend)};
    }
    if (!names.insert(task.name).second) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the task '{}' is named twice", task.name)};
    }
    tasks.push_back({task.name, argument});
  }
  return tasks;
}

Result<ComparePlan> PlanComparison(const CompareOptions& options) {
  ComparePlan plan;
  std::vector<EvolveOptions> of_config;
  std::set<std::string> names;
  for (const std::string& argument : options.configs) {
    KS_ASSIGN_OR_RETURN(NamedOptions named, ReadArgument(argument, options));
    KS_ASSIGN_OR_RETURN(RunConfig config, ConfigOf(named.options));
    config.seed = 0;
    const std::string hash = ConfigHash(config);
    if (!names.insert(named.name).second) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("two configurations are called '{}'; give one another name: "
                               "NAME={}",
                               named.name, argument)};
    }
    plan.configs.push_back({named.name, config.proposer, hash});
    of_config.push_back(std::move(named.options));
  }
  KS_ASSIGN_OR_RETURN(const std::vector<NamedTask> tasks,
                      NamedTasks(options.tasks, options.backend.value_or("cpu")));
  for (const NamedTask& task : tasks) plan.tasks.push_back(task.name);
  for (int seed = 1; seed <= options.seeds; ++seed)
    plan.seeds.push_back(static_cast<uint64_t>(seed));
  plan.budget = options.minutes ? fmt::format("{:g} minutes", *options.minutes)
                                : fmt::format("{} steps", options.steps.value_or(kDefaultSteps));
  for (const uint64_t seed : plan.seeds) {
    for (const NamedTask& task : tasks) {
      for (size_t i = 0; i < plan.configs.size(); ++i) {
        PlannedRun run{plan.configs[i], task.name, of_config[i]};
        run.options.task = task.opened_by;
        run.options.seed = seed;
        run.options.run_dir =
            fmt::format("{}/{}/{}-{}", options.out_dir, plan.configs[i].name, task.name, seed);
        plan.runs.push_back(std::move(run));
      }
    }
  }
  return plan;
}

Result<std::string> ProtocolOf(const ComparePlan& plan, const std::string& earlier) {
  using Json = nlohmann::ordered_json;
  Json protocol = {{"version", 1}, {"budget", plan.budget}, {"configs", Json::object()}};
  if (!earlier.empty()) {
    const Json before = Json::parse(earlier, nullptr, false);
    if (!before.is_object() || before.value("version", Json()) != 1 ||
        !before.value("configs", Json()).is_object()) {
      return Error{ErrorCode::kDataLoss, "protocol.json is not of a comparison"};
    }
    if (before.value("budget", Json()) != plan.budget) {
      return Error{ErrorCode::kFailedPrecondition, "it holds a comparison with another budget"};
    }
    protocol["configs"] = before["configs"];
  }
  for (const ComparedConfig& config : plan.configs) {
    Json& hash = protocol["configs"][config.name];
    if (!hash.is_null() && hash != config.hash) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("'{}' was another configuration there", config.name)};
    }
    hash = config.hash;
  }
  return protocol.dump(1) + "\n";
}

}  // namespace ks
