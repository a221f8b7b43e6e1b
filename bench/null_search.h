// A search in which nobody thinks and nothing is measured: what is left is the engine itself.
#ifndef KS_BENCH_NULL_SEARCH_H_
#define KS_BENCH_NULL_SEARCH_H_

#include <fmt/format.h>

#include <ctime>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "core/evaluator.h"
#include "core/proposer.h"

namespace ks::bench {

// Distinct C-like programs of 3 kB +-20 %: a comment with the index, then assignments of 16
// identifiers at random indices with one of four operators. The lines are rendered once, and a
// program takes 16 of them at a time from random places, so that it is the search that is measured.
class ProgramText {
 public:
  explicit ProgramText(uint64_t seed) {
    Rng rng(seed);
    for (size_t i = 0; i < kLines; ++i) {
      begins_.push_back(lines_.size());
      lines_ += Line(rng);
    }
  }
  std::string Make(int64_t index) const {
    Rng rng(DeriveSeed(kDataSeed, "text", static_cast<uint64_t>(index)));
    const size_t bytes = 2400 + rng.Below(1200);
    std::string text = fmt::format("// program {}\nvoid kernel() {{\n", index);
    text.reserve(bytes + 1024);
    while (text.size() < bytes) {
      const size_t first = rng.Below(kLines - kRun);
      text.append(lines_, begins_[first], begins_[first + kRun] - begins_[first]);
    }
    return text += "}\n";
  }
  static constexpr uint64_t kDataSeed = 1;

 private:
  static constexpr size_t kLines = 8192;
  static constexpr size_t kRun = 16;
  static std::string Line(Rng& rng) {
    const auto name = [&] { return static_cast<char>('a' + rng.Below(16)); };
    return fmt::format("{}[{}] = {}[{}] {} {}[{}];\n", name(), rng.Below(1024), name(),
                       rng.Below(1024), "+-*/"[rng.Below(4)], name(), rng.Below(1024));
  }
  std::string lines_;
  std::vector<size_t> begins_;  // of each
};

// CPU time of this process so far, all threads.
inline double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Proposes the next program, whatever the parent. Notes when it was asked.
class NullProposer final : public Proposer {
 public:
  NullProposer(const ProgramText& text, const Clock& clock) : text_(text), clock_(clock) {}
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token) override {
    if (asked_ns_.empty()) first_cpu_s_ = CpuSeconds();
    asked_ns_.push_back(clock_.MonotonicNs());
    Proposal proposal;
    proposal.source = text_.Make(context.step);
    proposal.skill = "random";
    proposal.rationale = "draws another program";
    return std::optional(std::move(proposal));
  }
  const std::vector<int64_t>& asked_ns() const { return asked_ns_; }
  // Of the process, all threads, when it was asked first.
  double first_cpu_s() const { return first_cpu_s_; }

 private:
  const ProgramText& text_;
  const Clock& clock_;
  std::vector<int64_t> asked_ns_;
  double first_cpu_s_ = 0;
};

// Answers at once: score = uniform(0, 1) x (1 + i / 50,000), run time uniform 10 to 500 us,
// correct.
class NullEvaluator final : public Evaluator {
 public:
  NullEvaluator() {
    task_.name = "null";
    task_.hash = Sha256Hex("null");
  }
  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token) override {
    Rng rng(request.seed);
    const double score = (0.05 + rng.Uniform()) * (1 + static_cast<double>(++calls_) / 50'000);
    Evaluation evaluation;
    evaluation.binary_hash = HexOf(Sha256(std::string_view(request.source).substr(0, 64)));
    evaluation.compiler = "g++ 12.2.0";
    evaluation.flags = "-O3 -march=x86-64-v3 -fno-math-errno";
    CodeFeatures& features = evaluation.features;
    features.vector_bits = 64 << rng.Below(4);
    features.loop_depth = static_cast<int>(rng.Below(6));
    features.accumulators = static_cast<int>(rng.Below(12));
    features.uses_scratch = rng.Chance(0.3);
    Measured measured;
    measured.speedup = {score * 0.99, score, score * 1.01};
    measured.gain = {0.99, 1, 1.01};
    measured.bottleneck = "memory";
    WorkloadTiming timing;
    timing.workload = "n=1048576";
    timing.median_ns = 1e4 + rng.Uniform() * 4.9e5;
    timing.p99_ns = timing.median_ns * 1.05;
    timing.pairs = 12;
    timing.gain = measured.gain;
    measured.timings.push_back(std::move(timing));
    evaluation.outcome = std::move(measured);
    return evaluation;
  }
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return machine_; }

 private:
  Task task_;
  Machine machine_;
  int64_t calls_ = 0;  // one worker
};

}  // namespace ks::bench

#endif  // KS_BENCH_NULL_SEARCH_H_
