// What an evaluation costs on a device, and whether its verdicts hold.
//
//   device_bench throughput [--backend cuda] [--candidates 500] [--jobs 16]
//     distinct candidates a second: compiled, checked on 5 trials, timed against the seed
//   device_bench canary [--backend cuda] [--candidates 100]
//     one kernel, evaluated again and again: spread of its median time
//   device_bench honesty [--backend cuda] [--pairs 1000] [--trials 100]
//     the identical kernel as parent and child; a kernel with 1 % less work as child
//
// Prints one line of JSON.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "cli/wiring.h"
#include "evaluate/device_judge.h"
#include "evaluate/local_evaluator.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Options {
  std::string backend = "cuda";
  int candidates = 0;  // 0: the command's own default
  int jobs = 16;
  int pairs = 1000;
  int trials = 100;
};

Task Unary(const std::string& name, const std::string& reference, int64_t timed) {
  Task task;
  task.name = task.entry = name;
  task.axes = {"n"};
  BufferSpec buffer;
  buffer.shape = {"n"};
  buffer.name = "x";
  task.inputs = {buffer};
  buffer.name = "y";
  task.outputs = {buffer};
  for (const int64_t n : {int64_t{1}, int64_t{31}, int64_t{1009}, int64_t{65537}}) {
    task.workloads.push_back({fmt::format("n={}", n), {{"n", n}}, WorkloadRole::kCheck, ""});
  }
  task.workloads.push_back({fmt::format("n={}", timed), {{"n", timed}}, WorkloadRole::kTime, ""});
  task.flops = "4*n";
  task.reference_file = "reference.cc";
  task.reference_source = reference;
  task.hash = "device-bench-" + name;
  return task;
}

constexpr int64_t kSmall = int64_t{2} << 20;    // about 10 us a launch
constexpr int64_t kCanary = int64_t{16} << 20;  // about 50 us: a step of the event clock is 32 ns

Task Swish(int64_t elements) {
  return Unary("swish",
               "#include <cmath>\n#include <cstdint>\n"
               "extern \"C\" void swish(const double* x, double* y, int64_t n) {\n"
               "  for (int64_t i = 0; i < n; ++i) y[i] = x[i] / (1.0 + std::exp(-x[i]));\n}\n",
               elements);
}

// Time is set by dependent operations in registers, so that 1 % fewer are 1 % less time.
Task Spin() {
  return Unary("spin",
               "#include <cstdint>\n"
               "extern \"C\" void spin(const double* x, double* y, int64_t n) {\n"
               "  for (int64_t i = 0; i < n; ++i) y[i] = x[i];\n}\n",
               132 * 1024);
}

// The number-th way of writing swish: block size and items a thread.
std::string SwishSource(const std::string& backend, int number) {
  const int items = 1 + number / 32 % 16;
  if (backend == "triton") {
    return fmt::format(
        "# ksmith: const BLOCK = {0}\n# ksmith: const ITEMS = {1}\n"
        "# ksmith: launch swish grid=(ceil_div(n, BLOCK*ITEMS)) num_warps={2} args=(x, y, n)\n"
        "import triton\nimport triton.language as tl\n\n\n"
        "@triton.jit\n"
        "def swish(x, y, n, BLOCK: tl.constexpr, ITEMS: tl.constexpr):\n"
        "    first = tl.program_id(0) * BLOCK * ITEMS\n"
        "    for item in tl.static_range(ITEMS):\n"
        "        at = first + item * BLOCK + tl.arange(0, BLOCK)\n"
        "        v = tl.load(x + at, mask=at < n)\n"
        "        tl.store(y + at, v / (1.0 + tl.exp(-v)) + {3} * 1e-30, mask=at < n)\n",
        128 << (number % 4), items, 1 << (number / 4 % 4), number);
  }
  const bool opencl = backend == "opencl";
  return fmt::format(
      "// ksmith: const BLOCK = {0}\n// ksmith: const ITEMS = {1}\n"
      "// ksmith: launch swish grid=(ceil_div(n, BLOCK*ITEMS)) block=(BLOCK) args=(x, y, n)\n"
      "{2} {{\n"
      "  long at = (long){3} * BLOCK * ITEMS + {4};\n"
      "#pragma unroll\n"
      "  for (int item = 0; item < ITEMS; ++item, at += BLOCK) {{\n"
      "    if (at < n) y[at] = x[at] / (1.0f + {5}(-x[at])) + {6} * 1e-30f;\n"
      "  }}\n}}\n",
      opencl ? 8 * (1 + number % 16) : 32 * (1 + number % 32), items,
      opencl ? "__kernel void swish(__global const float* x, __global float* y, long n)"
             : "extern \"C\" __global__ void swish(const float* x, float* y, long n)",
      opencl ? "get_group_id(0)" : "blockIdx.x", opencl ? "get_local_id(0)" : "threadIdx.x",
      opencl ? "exp" : "expf", number);
}

std::string SpinSource(const std::string& backend, int rounds) {
  if (backend == "triton") {
    return fmt::format(
        "# ksmith: launch spin grid=(ceil_div(n, 256)) num_warps=8 args=(x, y, n)\n"
        "import triton\nimport triton.language as tl\n\n\n"
        "@triton.jit\n"
        "def spin(x, y, n):\n"
        "    at = tl.program_id(0) * 256 + tl.arange(0, 256)\n"
        "    v = tl.load(x + at, mask=at < n)\n"
        "    s = v\n"
        "    for _ in range({}):\n"
        "        s = s * 0.999 + 0.001\n"
        "    tl.store(y + at, tl.where(s == 12345.0, s, v), mask=at < n)\n",
        rounds);
  }
  const bool opencl = backend == "opencl";
  return fmt::format(
      "// ksmith: launch spin grid=(ceil_div(n, 256)) block=(256) args=(x, y, n)\n"
      "{} {{\n"
      "  const long i = (long){} * 256 + {};\n"
      "  if (i >= n) return;\n"
      "  const float v = x[i];\n"
      "  float s = v;\n"
      "#pragma unroll 1\n"
      "  for (int k = 0; k < {}; ++k) s = s * 0.999f + 0.001f;\n"
      "  y[i] = s == 12345.0f ? s : v;\n}}\n",
      opencl ? "__kernel void spin(__global const float* x, __global float* y, long n)"
             : "extern \"C\" __global__ void spin(const float* x, float* y, long n)",
      opencl ? "get_group_id(0)" : "blockIdx.x", opencl ? "get_local_id(0)" : "threadIdx.x",
      rounds);
}

// Quantile of a sorted row.
double At(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
}

struct Parts {
  Task task;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Evaluator> evaluator;
};

Result<Parts> Open(const Options& options, Task task, const std::string& seed) {
  Parts parts;
  KS_ASSIGN_OR_RETURN(parts.backend, OpenBackend(options.backend));
  task.seeds = {{options.backend, "seed", seed}};
  parts.task = std::move(task);
  return parts;
}

struct Totals {
  std::map<std::string, int> outcomes;
  StageSeconds seconds;
};

// Evaluates candidates 0, 1, ... on `jobs` threads.
Status EvaluateAll(Evaluator& evaluator, const Options& options, int count, const std::string& seed,
                   Totals& totals) {
  std::mutex mutex;
  std::atomic<int> next = 0;
  Status failure;
  const auto work = [&] {
    for (int number = next++; number < count; number = next++) {
      EvaluationRequest request;
      request.source = SwishSource(options.backend, number);
      request.baseline_source = seed;
      const Result<Evaluation> result = evaluator.Evaluate(request, {});
      const std::lock_guard lock(mutex);
      if (!result.ok()) {
        if (failure.ok()) failure = result.error();
        return;
      }
      ++totals.outcomes[OutcomeName(result->outcome)];
      totals.seconds.compile += result->seconds.compile;
      totals.seconds.check += result->seconds.check;
      totals.seconds.time += result->seconds.time;
      totals.seconds.queue += result->seconds.queue;
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < options.jobs; ++i) threads.emplace_back(work);
  threads.clear();
  return failure;
}

Status Throughput(const Options& options) {
  const std::string seed = SwishSource(options.backend, 7);
  KS_ASSIGN_OR_RETURN(Parts parts, Open(options, Swish(kSmall), seed));
  const int count = options.candidates > 0 ? options.candidates : 500;
  parts.evaluator = MakeEvaluator(parts.task, *parts.backend, EvaluationConfig());
  EvaluationRequest warm;
  warm.source = warm.baseline_source = seed;
  const Clock::time_point start = Clock::now();
  KS_ASSIGN_OR_RETURN(const Evaluation first, parts.evaluator->Evaluate(warm, {}));
  const double first_s = SecondsSince(start);
  if (AsMeasured(first.outcome) == nullptr) {
    return Error{ErrorCode::kInternal, "the seed: " + OutcomeSummary(first.outcome)};
  }
  Totals totals;
  const Clock::time_point begin = Clock::now();
  KS_RETURN_IF_ERROR(EvaluateAll(*parts.evaluator, options, count, seed, totals));
  const double wall = SecondsSince(begin);
  std::string outcomes;
  for (const auto& [name, number] : totals.outcomes) {
    outcomes += fmt::format("{}\"{}\":{}", outcomes.empty() ? "" : ",", name, number);
  }
  fmt::print(
      "{{\"bench\":\"device_throughput\",\"backend\":\"{}\",\"device\":\"{}\",\"candidates\":{},"
      "\"jobs\":{},\"seconds\":{:.2f},\"candidates_per_s\":{:.1f},\"first_s\":{:.2f},"
      "\"compile_s_each\":{:.4f},\"check_s_each\":{:.4f},\"time_s_each\":{:.4f},"
      "\"queue_s_each\":{:.4f},\"device_lease_share\":{:.3f},\"outcomes\":{{{}}}}}\n",
      options.backend, parts.backend->machine().device->name, count, options.jobs, wall,
      count / wall, first_s, totals.seconds.compile / count, totals.seconds.check / count,
      totals.seconds.time / count, totals.seconds.queue / count,
      (totals.seconds.check + totals.seconds.time) / wall, outcomes);
  return {};
}

Status Canary(const Options& options) {
  const std::string seed = SwishSource(options.backend, 7);
  KS_ASSIGN_OR_RETURN(Parts parts, Open(options, Swish(kCanary), seed));
  const int count = options.candidates > 0 ? options.candidates : 100;
  std::vector<double> medians;
  for (int i = 0; i < count; ++i) {
    parts.evaluator = MakeEvaluator(parts.task, *parts.backend, EvaluationConfig());
    EvaluationRequest request;
    request.source = request.baseline_source = seed;
    request.stages.check = false;
    KS_ASSIGN_OR_RETURN(const Evaluation one, parts.evaluator->Evaluate(request, {}));
    const Measured* measured = AsMeasured(one.outcome);
    if (measured == nullptr) return Error{ErrorCode::kInternal, OutcomeSummary(one.outcome)};
    medians.push_back(measured->timings.front().median_ns);
  }
  double mean = 0;
  for (const double value : medians) mean += value / static_cast<double>(count);
  double variance = 0;
  for (const double value : medians) variance += (value - mean) * (value - mean) / count;
  std::sort(medians.begin(), medians.end());
  fmt::print(
      "{{\"bench\":\"device_canary\",\"backend\":\"{}\",\"evaluations\":{},\"median_ns\":{:.0f},"
      "\"min_ns\":{:.0f},\"max_ns\":{:.0f},\"cv\":{:.5f}}}\n",
      options.backend, count, At(medians, 0.5), medians.front(), medians.back(),
      std::sqrt(variance) / mean);
  return {};
}

struct Tally {
  int runs = 0, gains = 0, losses = 0;
  double seconds = 0;
  std::vector<double> ratios;
};

Result<Tally> CompareOften(Judge& judge, const CompiledKernel& rival, const CompiledKernel& kernel,
                           const EvaluationConfig& config, double margin, int runs) {
  Tally tally;
  const Clock::time_point begin = Clock::now();
  for (; tally.runs < runs; ++tally.runs) {
    TimingPlan plan;
    plan.rule.confidence = config.confidence;
    plan.rule.target_width = margin < config.gain_margin ? 0.002 : config.target_width;
    plan.rule.margin = margin;
    plan.rule.min_pairs = config.min_pairs;
    plan.rule.max_pairs = config.max_pairs;
    plan.rule.budget_ns = config.time_budget_s * 1e9;
    plan.secret_seed = SecretSeed();
    StageSeconds seconds;
    KS_ASSIGN_OR_RETURN(const TimingResult result, judge.Compare(rival, kernel, plan, seconds, {}));
    if (result.fault) {
      return Error{ErrorCode::kInternal, "an honest kernel: " + OutcomeSummary(*result.fault)};
    }
    tally.gains += IsSignificantGain(result.gain, margin) ? 1 : 0;
    tally.losses += IsSignificantLoss(result.gain, margin) ? 1 : 0;
    tally.ratios.push_back(result.gain.mid);
  }
  tally.seconds = SecondsSince(begin);
  std::sort(tally.ratios.begin(), tally.ratios.end());
  return tally;
}

std::string TallyJson(const char* name, const Tally& tally) {
  return fmt::format(
      "\"{}\":{{\"comparisons\":{},\"significant_gains\":{},\"significant_losses\":{},"
      "\"seconds_each\":{:.4f},\"ratio_p1\":{:.5f},\"ratio_p50\":{:.5f},\"ratio_p99\":{:.5f}}}",
      name, tally.runs, tally.gains, tally.losses, tally.seconds / std::max(1, tally.runs),
      At(tally.ratios, 0.01), At(tally.ratios, 0.5), At(tally.ratios, 0.99));
}

Result<CompiledKernel> Build(Parts& parts, const std::string& source) {
  KS_ASSIGN_OR_RETURN(CompileOutcome outcome,
                      parts.backend->Compile(parts.task, source, CompileLimits(), {}));
  if (auto* kernel = std::get_if<CompiledKernel>(&outcome)) return std::move(*kernel);
  return Error{ErrorCode::kInternal, "the bench's kernel does not compile"};
}

Status Honesty(const Options& options) {
  KS_ASSIGN_OR_RETURN(Parts parts, Open(options, Spin(), SpinSource(options.backend, 20000)));
  auto* const backend = dynamic_cast<DeviceBackend*>(parts.backend.get());
  if (backend == nullptr) {
    return Error{ErrorCode::kInvalidArgument, options.backend + " is not a device backend"};
  }
  const EvaluationConfig config;
  DeviceJudge judge(parts.task, *backend, config, SecretSeed());
  KS_ASSIGN_OR_RETURN(const CompiledKernel slow, Build(parts, SpinSource(options.backend, 20000)));
  KS_ASSIGN_OR_RETURN(const CompiledKernel fast, Build(parts, SpinSource(options.backend, 19800)));
  KS_ASSIGN_OR_RETURN(const Tally same,
                      CompareOften(judge, slow, slow, config, config.gain_margin, options.pairs));
  // A true gain of 1 %: found when the whole interval lies above 1.
  KS_ASSIGN_OR_RETURN(const Tally gain,
                      CompareOften(judge, slow, fast, config, 0.0, options.trials));
  fmt::print(
      "{{\"bench\":\"device_honesty\",\"backend\":\"{}\",\"confidence\":{},\"margin\":{},"
      "{},{}}}\n",
      options.backend, config.confidence, config.gain_margin, TallyJson("same_kernel", same),
      TallyJson("one_percent_less_work", gain));
  return {};
}

int Usage() {
  fmt::print(stderr,
             "usage: device_bench throughput|canary|honesty [--backend NAME] [--candidates N]\n"
             "                    [--jobs N] [--pairs N] [--trials N]\n");
  return 2;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) return ks::Usage();
  ks::Options options;
  const std::map<std::string, int*> numbers = {{"--candidates", &options.candidates},
                                               {"--jobs", &options.jobs},
                                               {"--pairs", &options.pairs},
                                               {"--trials", &options.trials}};
  for (int i = 2; i + 1 < argc; i += 2) {
    const auto number = numbers.find(argv[i]);
    if (number != numbers.end()) {
      *number->second = std::atoi(argv[i + 1]);
    } else if (std::string(argv[i]) == "--backend") {
      options.backend = argv[i + 1];
    } else {
      return ks::Usage();
    }
  }
  const std::string command = argv[1];
  if (command != "throughput" && command != "canary" && command != "honesty") return ks::Usage();
  const ks::Status status = command == "throughput" ? ks::Throughput(options)
                            : command == "canary"   ? ks::Canary(options)
                                                    : ks::Honesty(options);
  if (!status.ok()) fmt::print(stderr, "device_bench: {}\n", status.error().message);
  return status.ok() ? 0 : 1;
}
