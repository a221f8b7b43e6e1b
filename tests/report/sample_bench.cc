#include "tests/report/sample_bench.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "base/rng.h"

namespace ks::testing {
namespace {

constexpr int kTasksOf[] = {30, 20, 10};

Interval Around(double mid, double share) { return {mid * (1 - share), mid, mid * (1 + share)}; }

void Search(BenchedTask& task, Rng& rng) {
  double best = 1;
  for (int64_t round = 1; round <= task.rounds; ++round) {
    if (!rng.Chance(0.12)) continue;
    best *= 1 + 0.5 * rng.Uniform();
    task.progress.push_back({round, 3.0 * static_cast<double>(round), best});
  }
  task.in_search = Around(best, 0.01);
  task.unchanged = task.progress.empty();
  task.speedup = task.unchanged ? Interval{1, 1, 1} : Around(best * 0.99, 0.012);
}

BenchedTask Make(int level, int number, Rng& rng) {
  BenchedTask task;
  task.name = fmt::format("{}_module_of_level_{}", number, level);
  task.level = level;
  task.precision = number % 7 == 3 ? "tf32" : "fp32";
  task.run_dir = fmt::format("runs/bench/level{}/{}", level, task.name);
  task.rounds = 40;
  task.seconds = 60 + 60 * rng.Uniform();
  task.device_seconds = 0.4 * task.seconds;
  task.compile_seconds = 0.3 * task.seconds;
  task.stop_reason = "steps";
  if (number % 11 == 5) {
    task.state = AnswerState::kWrong;
    task.outcome = "wrong_result";
    task.reason = "wrong result: out[17] = 3.2, want 3.1";
    return task;
  }
  if (number % 23 == 9) {
    task.reason = "the seed is not usable: it does not compile";
    task.rounds = 0;
    return task;
  }
  task.state = AnswerState::kCorrect;
  task.outcome = "measured";
  Search(task, rng);
  task.baselines["torch.compile"] = Around(task.speedup.mid / (1 + 0.6 * rng.Uniform()), 0.02);
  if (number % 2 == 0) task.baselines["eager in a CUDA graph"] = Around(task.speedup.mid, 0.02);
  task.coverage = rng.Uniform();
  return task;
}

}  // namespace

BenchInput MakeSampleBench(bool hostile) {
  BenchInput input;
  input.suite = "tasks/torch";
  input.protocol = "paper";
  input.backend = "torch";
  input.proposer = "builtin";
  input.config_hash = "3b9c6b8c0a0de9a7";
  input.budget = "40 rounds";
  input.trials = 100;
  input.baseline = "eager";
  input.baseline_notes = {{"eager", "the module as it is written"},
                          {"torch.compile", "the module compiled with the defaults"}};
  input.machine = "a GPU";
  input.version = "0.1.0";
  input.unix_ms = 1'795'216'800'000;
  Rng rng(7);
  for (int level = 1; level <= 3; ++level) {
    input.level_names[level] = fmt::format("level {}", level);
    for (int number = 1; number <= kTasksOf[level - 1]; ++number) {
      input.tasks.push_back(Make(level, number, rng));
    }
  }
  input.planned = input.tasks.size();
  input.left_out.push_back({1, "constant", "refused by the gate: zeros: zeros pass"});
  if (hostile) {
    const std::string text = "<img src=x onerror=alert('name')>\x1b[31m";
    input.suite = input.machine = input.proposer = text;
    input.level_names[2] = text;
    for (BenchedTask& task : input.tasks) task.name += text;
    input.tasks[4].reason = input.left_out[0].reason = text;
    input.tasks[0].baselines[text] = {1, 1, 1};
    input.deviations.push_back(text);
  }
  return input;
}

}  // namespace ks::testing
