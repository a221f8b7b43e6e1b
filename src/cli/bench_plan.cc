#include "cli/bench_plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <utility>

#include "backend/torch/module_backend.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "cli/evolve.h"
#include "cli/wiring.h"

namespace ks {
namespace {

constexpr const char* kPaper = "paper";
constexpr int64_t kPaperRounds = 40;
constexpr int kPaperTrials = 100;

// The processor works for one module while the device does for another.
constexpr int kModuleSearches = 2;

Result<std::vector<int>> LanesOf(const BenchOptions& options) {
  if (!options.service.url.empty()) {
    if (!options.devices.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "a service has devices of its own: leave --devices or --evaluator out"};
    }
    std::vector<int> searches(static_cast<size_t>(options.searches.value_or(1)));
    std::iota(searches.begin(), searches.end(), 0);
    return searches;
  }
  const bool modules = options.backend == kTorchBackend;
  if (options.searches && !modules) {
    return Error{ErrorCode::kInvalidArgument,
                 "--searches is for a service and for PyTorch modules: searches of kernels on one "
                 "device would disturb each other"};
  }
  std::vector<int> lanes;
  for (int i = 0; i < (modules ? options.searches.value_or(kModuleSearches) : 1); ++i) {
    lanes.insert(lanes.end(), options.devices.begin(), options.devices.end());
    if (options.devices.empty()) lanes.push_back(0);
  }
  std::set<int> seen;
  for (const int device : options.devices) {
    if (!seen.insert(device).second) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("device {} is named twice", device)};
    }
  }
  return lanes;
}

EvolveOptions SearchOptions(const BenchOptions& options) {
  EvolveOptions search;
  search.preset = kPaper;
  search.config_file = options.config_file;
  search.backend = options.backend;
  search.proposer = options.proposer;
  search.steps = options.steps.value_or(kPaperRounds);
  search.minutes = options.minutes;
  search.llm = options.llm;
  search.service = options.service;
  return search;
}

std::string BudgetText(const EvolveOptions& search) {
  std::string text = fmt::format("{} rounds", *search.steps);
  if (search.minutes) text += fmt::format(", at most {:g} minutes", *search.minutes);
  const ModelOptions& llm = search.llm;
  if (llm.budget_usd) text += fmt::format(", at most {:g} USD", *llm.budget_usd);
  if (llm.budget_tokens) text += fmt::format(", at most {} tokens", *llm.budget_tokens);
  if (llm.budget_calls) text += fmt::format(", at most {} requests", *llm.budget_calls);
  return text;
}

std::vector<std::string> DeviationsOf(const BenchOptions& options) {
  std::vector<std::string> found;
  if (options.steps && *options.steps != kPaperRounds) {
    found.push_back(fmt::format("{} rounds, not {}", *options.steps, kPaperRounds));
  }
  if (options.minutes) found.push_back("searches are cut off by time");
  if (options.llm.budget_usd || options.llm.budget_tokens || options.llm.budget_calls) {
    found.push_back("searches are cut off by a budget for models");
  }
  if (!options.config_file.empty()) {
    found.push_back(fmt::format("{} changes the preset", options.config_file));
  }
  if (!options.tasks.empty())
    found.push_back("only some tasks of the suite: " + Join(options.tasks, ", "));
  return found;
}

// Said now, not after hours.
Status CheckPage(const FileSystem& files, const std::string& html_file) {
  const size_t slash = html_file.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string folder = html_file.substr(0, slash);
  if (files.IsDir(folder)) return {};
  return Error{ErrorCode::kNotFound, fmt::format("there is no folder '{}' for --html", folder)};
}

std::string FolderOf(const std::string& level_name) {
  std::string folder;
  for (const char c : level_name) {
    if (c != ' ') folder += c;
  }
  return folder;
}

}  // namespace

Result<BenchPlan> PlanBenchmark(const BenchOptions& options) {
  BenchPlan plan;
  plan.protocol = options.protocol;
  if (plan.protocol != kPaper) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("there is no protocol '{}' (known: {})", plan.protocol, kPaper)};
  }
  KS_RETURN_IF_ERROR(CheckPage(PosixFileSystem(), options.html_file));
  KS_ASSIGN_OR_RETURN(plan.lanes, LanesOf(options));
  const EvolveOptions search = SearchOptions(options);
  KS_ASSIGN_OR_RETURN(plan.config, ConfigOf(search));
  plan.config.seed = 0;
  plan.config.device = 0;
  plan.config_hash = ConfigHash(plan.config);
  plan.rounds = *search.steps;
  plan.budget = BudgetText(search);
  plan.trials = kPaperTrials;
  plan.deviations = DeviationsOf(options);
  KS_RETURN_IF_ERROR(CheckProposerName(plan.config.proposer));
  KS_ASSIGN_OR_RETURN(plan.suite, ReadSuite(PosixFileSystem(), options.suite, plan.config.backend));
  KS_RETURN_IF_ERROR(KeepTasks(options.tasks, plan.suite));
  for (const SuiteTask& task : plan.suite.tasks) {
    PlannedTask planned{task, search};
    planned.options.task = task.opened_by;
    // 32 bits: easy to type after --seed.
    planned.options.seed = DeriveSeed(1, "bench/" + task.name, 0) >> 32;
    planned.options.run_dir = fmt::format("{}/{}/{}", options.out_dir,
                                          FolderOf(plan.suite.level_names[task.level]), task.name);
    plan.tasks.push_back(std::move(planned));
  }
  return plan;
}

Result<std::string> BenchProtocolOf(const BenchPlan& plan, const std::string& earlier) {
  using OrderedJson = nlohmann::ordered_json;
  const OrderedJson protocol = {{"version", 1},
                                {"benchmark", plan.suite.name},
                                {"protocol", plan.protocol},
                                {"backend", plan.config.backend},
                                {"budget", plan.budget},
                                {"trials", plan.trials},
                                {"configuration", plan.config_hash}};
  if (!earlier.empty()) {
    const OrderedJson before = OrderedJson::parse(earlier, nullptr, false);
    if (!before.is_object() || !before.contains("benchmark") ||
        before.value("version", OrderedJson()) != 1) {
      return Error{ErrorCode::kDataLoss, "protocol.json is not of a benchmark"};
    }
    for (const auto& [key, value] : protocol.items()) {
      if (before.value(key, OrderedJson()) == value) continue;
      return Error{
          ErrorCode::kFailedPrecondition,
          fmt::format("it holds a benchmark with another {}", key == "benchmark" ? "suite" : key)};
    }
  }
  return protocol.dump(1) + "\n";
}

}  // namespace ks
