#include "evaluate/torch/module_outcome.h"

#include <fmt/format.h>

namespace ks {
namespace {

using Json = nlohmann::json;

// Memory grows until the machine refuses: one of these then ends the process.
constexpr int kKilled = 9;
constexpr int kBusError = 7;

WrongResult Wrong(const Json& verdict, const std::string& workload) {
  WrongResult wrong;
  wrong.workload = workload;
  wrong.output = TextOf(verdict, "what");
  wrong.index = IntegerOf(verdict, "index");
  wrong.got = NumberOf(verdict, "got");
  wrong.want = NumberOf(verdict, "want");
  wrong.allowed = NumberOf(verdict, "allowed");
  wrong.mismatches = IntegerOf(verdict, "mismatches");
  wrong.elements = IntegerOf(verdict, "elements");
  wrong.max_error = NumberOf(verdict, "max_error");
  return wrong;
}

}  // namespace

Outcome OutcomeOf(const ModuleProblem& problem) {
  const std::string& phase = problem.phase;
  if (phase == "memory") return OutOfMemory{"check", 0};
  if (phase == "output_form" || phase == "output_type" || phase == "output_alias") {
    return Rejected{phase, problem.message};
  }
  if (phase == "import") {
    CompileFailed failed;
    failed.log = problem.log.empty() ? problem.message : problem.log;
    failed.diagnostics.push_back({"error", problem.line, 0, problem.message});
    return failed;
  }
  const std::string place = problem.line > 0 ? fmt::format(" (line {})", problem.line) : "";
  return LaunchFailed{fmt::format("{}: {}{}", phase, problem.message, place)};
}

Outcome OutcomeOf(const ModuleExit& exit, const std::string& workload) {
  if (exit.signal == 0) {
    return Rejected{
        "ends_process",
        fmt::format("the process ended with status {} in the middle of a call", exit.code)};
  }
  if (exit.killed || exit.signal == kKilled) {
    return Crashed{workload, kKilled, "it closed its socket or was killed"};
  }
  return Crashed{workload, exit.signal, exit.signal == kBusError ? "a stray access" : ""};
}

std::optional<Outcome> OutcomeOfVerdict(const Json& verdict, const std::string& workload) {
  const std::string kind = TextOf(verdict, "verdict");
  if (kind == "passed") return std::nullopt;
  if (kind == "input_changed") {
    return OutOfBounds{workload, TextOf(verdict, "what"), "write to input"};
  }
  if (kind == "nondeterministic") {
    return Nondeterministic{workload, TextOf(verdict, "what"), IntegerOf(verdict, "index"),
                            NumberOf(verdict, "want"), NumberOf(verdict, "got")};
  }
  return Wrong(verdict, workload);
}

std::optional<Outcome> OutcomeOf(const ModuleCensus& census, int allowed_threads) {
  if (census.processes > 0) {
    return Rejected{"leaves_processes",
                    fmt::format("{} processes run when the call has returned", census.processes)};
  }
  if (census.threads > allowed_threads) {
    return Rejected{"leaves_threads", fmt::format("{} threads run when the call has returned",
                                                  census.threads - allowed_threads)};
  }
  return std::nullopt;
}

}  // namespace ks
