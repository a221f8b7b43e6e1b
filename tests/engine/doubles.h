// Doubles for the engine's tests: a toy kernel language in which a source is a list of edits.
//
// A source is words "e0" .. "e15". Each edit multiplies the speed by a fixed factor; some are
// wrong, some do not compile. Everything is a pure function of the text, so runs can be compared.
#ifndef KS_TESTS_ENGINE_DOUBLES_H_
#define KS_TESTS_ENGINE_DOUBLES_H_

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/evaluator.h"
#include "core/proposer.h"

namespace ks {

class ToyEvaluator final : public Evaluator {
 public:
  ToyEvaluator() {
    task_.name = "toy";
    task_.hash = "toy-hash";
  }
  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token) override {
    const int call = ++calls_;
    if (fail_at_ > 0 && call == fail_at_) return Error{ErrorCode::kInternal, "sandbox went away"};
    if (jitter_) {
      std::this_thread::sleep_for(std::chrono::microseconds(Fnv1a64(request.source) % 2000));
    }
    Evaluation evaluation;
    evaluation.binary_hash = Sha256Hex(request.source);
    evaluation.features.vector_bits = static_cast<int>(Fnv1a64(request.source) % 4) * 128;
    evaluation.features.loop_depth = static_cast<int>(Fnv1a64(request.source + "d") % 5);
    if (request.source.find("e13") != std::string::npos) {
      evaluation.outcome = CompileFailed{{{"error", 1, 1, "e13"}}, ""};
      return evaluation;
    }
    if (request.source.find("e7") != std::string::npos) {
      WrongResult wrong;
      wrong.output = "y";
      evaluation.outcome = wrong;
      return evaluation;
    }
    Measured measured;
    const double speed = Speed(request.source);
    const double parent =
        request.parent ? Speed(request.parent->source) : Speed(request.baseline_source);
    const double base = Speed(request.baseline_source);
    measured.speedup = {speed / base * 0.995, speed / base, speed / base * 1.005};
    measured.gain = {speed / parent * 0.995, speed / parent, speed / parent * 1.005};
    measured.gain_significant = measured.gain.low > 1.01;
    evaluation.outcome = measured;
    return evaluation;
  }
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return machine_; }

  static double Speed(const std::string& source) {
    double speed = 1;
    for (std::string_view word : SplitWords(source)) {
      speed *= 0.9 + 0.4 * static_cast<double>(Fnv1a64(word) % 100) / 100;
    }
    return speed;
  }

  int calls() const { return calls_; }
  void FailAt(int call) { fail_at_ = call; }
  void JitterArrivals() { jitter_ = true; }
  Task& mutable_task() { return task_; }

 private:
  Task task_;
  Machine machine_;
  std::atomic<int> calls_ = 0;
  int fail_at_ = 0;
  bool jitter_ = false;
};

// Appends one edit that the parent does not have yet. Deterministic in the context.
class ToyProposer final : public Proposer {
 public:
  explicit ToyProposer(uint64_t edits = 16) : edits_(edits) {}
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token) override {
    Rng rng(context.seed);
    KS_ASSIGN_OR_RETURN(const std::string parent, context.selection.parent->source.Load());
    for (int attempt = 0; attempt < 8; ++attempt) {
      const std::string edit = "e" + std::to_string(rng.Below(edits_));
      if ((" " + parent + " ").find(" " + edit + " ") != std::string::npos) continue;
      Proposal proposal{parent + " " + edit, "append", "appends " + edit};
      if (!context.seen(proposal.source)) return std::optional(std::move(proposal));
    }
    return std::optional<Proposal>();
  }

 private:
  uint64_t edits_;
};

}  // namespace ks

#endif  // KS_TESTS_ENGINE_DOUBLES_H_
