#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "base/text.h"
#include "core/launch_plan_text.h"

namespace ks {
namespace {

constexpr const char* kDeviceNames[] = {"sm_count"};
constexpr int64_t kMaxInteger = int64_t{1} << 53;
constexpr int64_t kMaxConstant = int64_t{1} << 40;

// Functions return false after Fail or Beyond, which set the answer.
class PlanBinder {
 public:
  using Answer = std::variant<BoundPlan, Diagnostic, LaunchFailed>;

  PlanBinder(const LaunchPlan& plan, std::string_view source, const Task& task,
             const Workload& workload, const LaunchLimits& limits)
      : plan_(plan), source_(source), task_(task), workload_(workload), limits_(limits) {}

  Answer Run() {
    names_ = workload_.axes;
    names_["sm_count"] = limits_.sm_count;
    for (const PlanConstant& constant : plan_.constants) {
      if (!Constant(constant)) return std::move(failure_);
    }
    for (const PlanScratch& scratch : plan_.scratch) {
      if (!Scratch(scratch)) return std::move(failure_);
    }
    for (const PlanStep& step : plan_.steps) {
      const bool ok = std::holds_alternative<PlanClear>(step) ? Clear(std::get<PlanClear>(step))
                                                              : Launch(std::get<PlanLaunch>(step));
      if (!ok) return std::move(failure_);
    }
    return std::move(bound_);
  }

 private:
  bool Constant(const PlanConstant& constant) {
    if (const char* kind = KindOf(constant.name)) {
      PlanText at = constant.value;
      at.column = 1;
      return Fail(at, 0, fmt::format("'{}' is already {}", constant.name, kind));
    }
    int64_t value = 0;
    if (!Integer(constant.value, &value)) return false;
    if (std::abs(value) > kMaxConstant) {
      return Fail(constant.value, 0, fmt::format("{} is beyond 2^40", value));
    }
    names_[constant.name] = value;
    bound_.constants[constant.name] = value;
    return true;
  }

  bool Scratch(const PlanScratch& scratch) {
    if (const char* kind = KindOf(scratch.name.text)) {
      return Fail(scratch.name, 0, fmt::format("'{}' is already {}", scratch.name.text, kind));
    }
    scratch_names_.push_back(scratch.name.text);
    double bytes = static_cast<double>(SizeOf(scratch.dtype));
    for (const PlanText& extent : scratch.shape) {
      int64_t value = 0;
      if (!Integer(extent, &value)) return false;
      if (value < 0) return Beyond(extent, fmt::format("an extent of {}", value));
      bytes *= static_cast<double>(value);
      if (bytes > static_cast<double>(kMaxInteger)) break;  // the sum below says it
    }
    scratch_total_ += bytes;
    if (scratch_total_ > static_cast<double>(limits_.max_scratch_bytes)) {
      return Beyond(
          scratch.name,
          fmt::format("scratch of {} in all; the limit is {}", FormatBytes(scratch_total_),
                      FormatBytes(static_cast<double>(limits_.max_scratch_bytes))));
    }
    bound_.scratch_bytes.push_back(static_cast<uint64_t>(bytes));
    return true;
  }

  bool Clear(const PlanClear& clear) {
    const std::optional<BoundArgument> buffer = Named(clear.name.text);
    if (!buffer || (buffer->kind != BoundArgument::Kind::kScratch &&
                    buffer->kind != BoundArgument::Kind::kOutput)) {
      std::vector<std::string> names = scratch_names_;
      for (const BufferSpec& output : task_.outputs) names.push_back(output.name);
      return Fail(clear.name, 0,
                  fmt::format("expected a scratch or output buffer: {}", Join(names, ", ")));
    }
    bound_.steps.emplace_back(BoundClear{buffer->kind, buffer->index});
    return true;
  }

  bool Launch(const PlanLaunch& launch) {
    BoundLaunch bound;
    bound.kernel = static_cast<uint32_t>(bound_.tuning.size());
    bool empty = false;
    BoundTuning tuning;
    if (!Grid(launch, &bound, &empty) || !Tuning(launch, &tuning) ||
        !Block(launch, tuning, &bound) || !Shared(launch, &bound) || !Cluster(launch, &bound) ||
        !Arguments(launch, &bound)) {
      return false;
    }
    bound.cooperative = launch.cooperative;
    bound_.tuning.push_back(tuning);
    if (!empty) bound_.steps.emplace_back(std::move(bound));
    return true;
  }

  bool Grid(const PlanLaunch& launch, BoundLaunch* bound, bool* empty) {
    for (size_t i = 0; i < launch.grid.size(); ++i) {
      int64_t value = 0;
      if (!Integer(launch.grid[i], &value)) return false;
      if (value < 0 || value > limits_.max_grid[i]) {
        return Beyond(launch.grid[i], fmt::format("grid {} is {}; the device allows 0 to {}",
                                                  "xyz"[i], value, limits_.max_grid[i]));
      }
      if (value == 0) *empty = true;
      bound->grid[i] = static_cast<uint32_t>(value);
    }
    return true;
  }

  bool Block(const PlanLaunch& launch, const BoundTuning& tuning, BoundLaunch* bound) {
    if (launch.block.empty()) {
      bound->block[0] = static_cast<uint32_t>(tuning.num_warps) * limits_.warp_size;
      return true;
    }
    int64_t threads = 1;
    for (size_t i = 0; i < launch.block.size(); ++i) {
      int64_t value = 0;
      if (!Integer(launch.block[i], &value)) return false;
      if (value < 1 || value > limits_.max_block[i]) {
        return Beyond(launch.block[i], fmt::format("block {} is {}; the device allows 1 to {}",
                                                   "xyz"[i], value, limits_.max_block[i]));
      }
      threads *= value;
      bound->block[i] = static_cast<uint32_t>(value);
    }
    if (threads > limits_.max_threads_per_block) {
      return Beyond(launch.block.front(), fmt::format("{} threads a block; the device allows {}",
                                                      threads, limits_.max_threads_per_block));
    }
    return true;
  }

  bool Tuning(const PlanLaunch& launch, BoundTuning* tuning) {
    const int64_t most_warps =
        std::max<int64_t>(1, limits_.max_threads_per_block / limits_.warp_size);
    int64_t warps = tuning->num_warps;
    int64_t stages = tuning->num_stages;
    int64_t maxnreg = 0;
    if (!Between(launch.num_warps, "num_warps", 1, most_warps, &warps) ||
        !Between(launch.num_stages, "num_stages", 1, 32, &stages) ||
        !Between(launch.maxnreg, "maxnreg", 16, 255, &maxnreg)) {
      return false;
    }
    if ((warps & (warps - 1)) != 0) return Fail(launch.num_warps, 0, "expected a power of two");
    *tuning = {static_cast<int>(warps), static_cast<int>(stages), static_cast<int>(maxnreg)};
    return true;
  }

  bool Shared(const PlanLaunch& launch, BoundLaunch* bound) {
    int64_t bytes = 0;
    const int64_t most =
        limits_.max_shared_bytes > 0 ? limits_.max_shared_bytes : int64_t{0x7fffffff};
    if (!Between(launch.shared, "shared", 0, most, &bytes)) return false;
    bound->shared_bytes = static_cast<uint32_t>(bytes);
    return true;
  }

  bool Cluster(const PlanLaunch& launch, BoundLaunch* bound) {
    int64_t blocks = 1;
    if (!Between(launch.cluster, "cluster", 1, 16, &blocks)) return false;
    if (bound->grid[0] % static_cast<uint32_t>(blocks) != 0) {
      return Beyond(launch.cluster, fmt::format("grid x of {} is no multiple of the cluster of {}",
                                                bound->grid[0], blocks));
    }
    bound->cluster = static_cast<uint32_t>(blocks);
    return true;
  }

  bool Arguments(const PlanLaunch& launch, BoundLaunch* bound) {
    if (!launch.args_given) {
      AllArguments(&bound->args);
      return true;
    }
    for (const PlanText& text : launch.args) {
      if (const std::optional<BoundArgument> named = Named(text.text)) {
        bound->args.push_back(*named);
        continue;
      }
      BoundArgument argument;
      if (!Integer(text, &argument.value)) return false;
      bound->args.push_back(argument);
    }
    return true;
  }

  void AllArguments(std::vector<BoundArgument>* args) const {
    for (const BufferSpec& input : task_.inputs) args->push_back(*Named(input.name));
    for (const BufferSpec& output : task_.outputs) args->push_back(*Named(output.name));
    for (const std::string& name : scratch_names_) args->push_back(*Named(name));
    for (const std::string& axis : task_.axes) {
      const auto value = workload_.axes.find(axis);
      args->push_back(
          {BoundArgument::Kind::kInteger, 0, value == workload_.axes.end() ? 0 : value->second});
    }
  }

  // The buffer or scalar of that name.
  std::optional<BoundArgument> Named(const std::string& name) const {
    using Kind = BoundArgument::Kind;
    for (size_t i = 0; i < task_.inputs.size(); ++i) {
      if (task_.inputs[i].name != name) continue;
      return BoundArgument{task_.inputs[i].scalar ? Kind::kScalar : Kind::kInput,
                           static_cast<uint32_t>(i), 0};
    }
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      if (task_.outputs[i].name == name)
        return BoundArgument{Kind::kOutput, static_cast<uint32_t>(i), 0};
    }
    for (size_t i = 0; i < scratch_names_.size(); ++i) {
      if (scratch_names_[i] == name)
        return BoundArgument{Kind::kScratch, static_cast<uint32_t>(i), 0};
    }
    return std::nullopt;
  }

  // What a name stands for already; null: free.
  const char* KindOf(const std::string& name) const {
    if (workload_.axes.contains(name)) return "an axis of the task";
    if (bound_.constants.contains(name)) return "a constant";
    for (const char* reserved : kDeviceNames) {
      if (name == reserved) return "a property of the device";
    }
    const std::optional<BoundArgument> named = Named(name);
    if (!named) return nullptr;
    return named->kind == BoundArgument::Kind::kScratch ? "a scratch buffer"
                                                        : "an input or output of the task";
  }

  // `value` stays when the option was not given.
  bool Between(const PlanText& text, std::string_view what, int64_t low, int64_t high,
               int64_t* value) {
    if (text.text.empty()) return true;
    if (!Integer(text, value)) return false;
    if (*value >= low && *value <= high) return true;
    return Beyond(text, fmt::format("{} is {}; expected {} to {}", what, *value, low, high));
  }

  bool Integer(const PlanText& text, int64_t* value) {
    ExprFault fault;
    const Result<double> number = EvaluateExpr(text.text, names_, &fault);
    if (!number.ok()) {
      const size_t skip = std::min(fault.position, text.text.size());
      return Fail(text, skip, fault.what + HintForBuffer(text.text));
    }
    if (std::floor(*number) != *number) {
      return Fail(text, 0,
                  fmt::format("{} is not a whole number; '/' is exact division, ceil_div and "
                              "floor_div round",
                              *number));
    }
    if (std::abs(*number) > static_cast<double>(kMaxInteger)) {
      return Fail(text, 0, fmt::format("{} is beyond 2^53", *number));
    }
    *value = static_cast<int64_t>(*number);
    return true;
  }

  std::string HintForBuffer(const std::string& name) const {
    if (!Named(name)) return {};
    return "; a buffer or scalar can only be an argument";
  }

  bool Fail(const PlanText& at, size_t skip, std::string_view what) {
    Diagnostic diagnostic = PlanErrorAt(source_, at, skip, what);
    failure_ = std::move(diagnostic);
    return false;
  }

  // The text is right; its value is not for this device.
  bool Beyond(const PlanText& at, std::string_view what) {
    failure_ = LaunchFailed{
        fmt::format("line {}, '{}': {} (workload {})", at.line, at.text, what, workload_.name)};
    return false;
  }

  const LaunchPlan& plan_;
  const std::string_view source_;
  const Task& task_;
  const Workload& workload_;
  const LaunchLimits& limits_;
  AxisValues names_;
  std::vector<std::string> scratch_names_;
  double scratch_total_ = 0;
  BoundPlan bound_;
  Answer failure_;
};

}  // namespace

std::variant<BoundPlan, Diagnostic, LaunchFailed> BindLaunchPlan(const LaunchPlan& plan,
                                                                 std::string_view source,
                                                                 const Task& task,
                                                                 const Workload& workload,
                                                                 const LaunchLimits& limits) {
  return PlanBinder(plan, source, task, workload, limits).Run();
}

}  // namespace ks
