// Skills for Triton kernels that walk rows or stream: launch parameters, one block a row, pipelined
// loops, cache hints.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/triton_text.h"

namespace ks {
namespace {

constexpr int64_t kDefaultWarps = 4, kDefaultStages = 3;  // Triton's own
constexpr int64_t kLargestWindow = 32;                    // steps of an unrolled window
constexpr int64_t kLongestRow = 65536;                    // of one block: beyond, registers run out

class TritonLaunchSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_launch"; }
  std::string_view summary() const override {
    return "num_warps and num_stages of a launch: more warps for wide blocks, fewer for narrow "
           "ones; more stages where a loop loads, fewer where shared memory runs out.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (size_t i = 0; i < context.launches().size(); ++i) {
      const PlanLaunch& launch = *context.launches()[i];
      const int64_t warps_now = ParseInt(launch.num_warps.text).value_or(kDefaultWarps);
      const int64_t stages_now = ParseInt(launch.num_stages.text).value_or(kDefaultStages);
      for (const int64_t warps : {warps_now * 2, warps_now / 2}) {
        if (warps >= 1 && warps <= 32) Try(context, i, "num_warps", warps, 1.08, edits);
      }
      for (const int64_t stages : {stages_now + 1, stages_now - 1}) {
        if (stages >= 1 && stages <= 7) Try(context, i, "num_stages", stages, 1.04, edits);
      }
    }
    return edits;
  }

 private:
  static void Try(const DeviceContext& context, size_t launch, const char* option, int64_t value,
                  double gain, std::vector<Edit>& edits) {
    auto source = WithLaunchOption(context.source(), launch, option, std::to_string(value));
    if (!source) return;
    edits.push_back({*std::move(source),
                     std::string("Launch ") + context.launches()[launch]->kernel.text + " with " +
                         option + " " + std::to_string(value) + ".",
                     EditKind::kTuning, gain});
  }
};

class SinglePassRowSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "single_pass_row"; }
  std::string_view summary() const override {
    return "A row that fits one block needs no loops over its pieces: the block becomes the next "
           "power of two of the row, each loop a single step, and values that were read again stay "
           "in registers.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || !CallsOf(kernel.body, "tl.dot").empty()) continue;
      std::string step, high;
      std::vector<PythonLoop> loops;
      bool alike = true;
      for (const PythonLoop& loop : RangeLoops(kernel.body)) {
        if (!context.HasConstant(loop.step)) continue;
        alike =
            alike && loop.low == "0" && (step.empty() || (loop.step == step && loop.high == high));
        step = loop.step;
        high = loop.high;
        loops.push_back(loop);
      }
      const std::optional<std::string> extent = PlanName(context, kernel, high);
      if (loops.empty() || !alike || !extent || ValueDepends(context, step)) continue;
      if (LargestGrid(context, *extent) > kLongestRow) continue;
      TextEdits text(context.source());
      for (const PythonLoop& loop : loops) Flatten(context.source(), loop, text);
      const auto flat = WithConstant(text.Apply(), step, "next_pow2(" + *extent + ")");
      if (!flat) continue;
      for (const int warps : {8, 4, 16}) {
        auto source =
            WithLaunchOption(*flat, kernel.launches[0], "num_warps", std::to_string(warps));
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Hold each row of " + kernel.name + " in one block of " +
                             std::to_string(warps) + " warps.",
                         EditKind::kStrategy, loops.size() > 1 ? 2.0 : 1.2});
      }
    }
    return edits;
  }

 private:
  // The plan's expression for a parameter; empty when it is none.
  static std::optional<std::string> PlanName(const DeviceContext& context,
                                             const DeviceKernel& kernel, const std::string& name) {
    const std::vector<std::string> values = context.ParameterValues(kernel, kernel.launches[0]);
    for (size_t i = 0; i < values.size(); ++i) {
      if (kernel.parameter_names[i] == name && !values[i].empty()) return values[i];
    }
    return std::nullopt;
  }

  static bool ValueDepends(const DeviceContext& context, const std::string& constant) {
    for (const PlanConstant& known : context.plan().constants) {
      if (known.name == constant) return !ParseInt(known.value.text).has_value();
    }
    return true;
  }

  // for v in range(0, n, BLOCK): body   ->   v = 0, then body, one level less deep
  static void Flatten(const std::string& source, const PythonLoop& loop, TextEdits& text) {
    const size_t header = loop.node.begin();
    const size_t line = source.rfind('\n', header) + 1;
    const size_t first = loop.body.begin();
    const size_t body_line = source.rfind('\n', first) + 1;
    const size_t outer = header - line, inner = first - body_line;
    text.Replace(header, first, loop.variable + " = 0\n" + source.substr(line, outer));
    for (size_t at = source.find('\n', first); at != std::string::npos && at < loop.body.end();
         at = source.find('\n', at + 1)) {
      size_t blanks = 0;
      while (source[at + 1 + blanks] == ' ' && blanks < inner - outer) ++blanks;
      if (at + 1 < loop.body.end()) text.Replace(at + 1, at + 1 + blanks, "");
    }
  }
};

class PipelinedLoopSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "pipelined_loop"; }
  std::string_view summary() const override {
    return "Loops over memory load ahead when written as tl.range with its own num_stages; loops "
           "with a small constant number of steps are unrolled as tl.static_range.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      AddUnrolledWindow(context, kernel, edits);
      for (const PythonLoop& loop : RangeLoops(kernel.body)) {
        const Node function = loop.call.Child("function");
        const bool plain = function.text() == "range";
        const auto low = ParseInt(loop.low), high = ParseInt(loop.high), step = ParseInt(loop.step);
        if (low && high && step) {
          if (!plain || *high - *low > 16) continue;
          TextEdits text(context.source());
          text.Replace(function, "tl.static_range");
          edits.push_back(
              {text.Apply(), "Unroll the loop over " + loop.variable + ".", EditKind::kMicro, 1.1});
          continue;
        }
        for (const char* stages : {"3", "2", "4", "1"}) {
          const Node present = KeywordArgument(loop.call, "num_stages");
          if (present && present.text() == stages) continue;
          TextEdits text(context.source());
          if (plain) text.Replace(function, "tl.range");
          SetKeyword(loop.call, "num_stages", stages, text);
          edits.push_back({text.Apply(),
                           "Keep " + std::string(stages) + " steps of the loop over " +
                               loop.variable + " in flight.",
                           EditKind::kMicro, 1.05});
        }
      }
    }
    return edits;
  }

 private:
  // All loops of a window (a stencil's) at once: indices and masks of one direction are then shared
  // by the steps of the other.
  static void AddUnrolledWindow(const DeviceContext& context, const DeviceKernel& kernel,
                                std::vector<Edit>& edits) {
    TextEdits text(context.source());
    int64_t steps = 1;
    int loops = 0;
    for (const PythonLoop& loop : RangeLoops(kernel.body)) {
      const auto low = ParseInt(loop.low), high = ParseInt(loop.high), step = ParseInt(loop.step);
      if (!low || !high || step != 1 || loop.call.Child("function").text() != "range") continue;
      steps *= std::max<int64_t>(1, *high - *low);
      ++loops;
      text.Replace(loop.call.Child("function"), "tl.static_range");
    }
    if (loops < 2 || steps > kLargestWindow) return;
    edits.push_back(
        {text.Apply(), "Unroll the window of " + kernel.name + ".", EditKind::kStructure, 1.3});
  }
};

class TritonCacheSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_cache"; }
  std::string_view summary() const override {
    return "What is written once or read for the last time should not push other data out of the "
           "caches: eviction policies and cache modifiers on loads and stores.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    struct Hint {
      const char *call, *keyword, *value;
    };
    static constexpr Hint kHints[] = {{"tl.store", "cache_modifier", "\".cs\""},
                                      {"tl.store", "eviction_policy", "\"evict_first\""},
                                      {"tl.load", "eviction_policy", "\"evict_first\""},
                                      {"tl.load", "eviction_policy", "\"evict_last\""}};
    for (const Hint& hint : kHints) {
      TextEdits text(context.source());
      for (const DeviceKernel& kernel : context.kernels()) {
        for (Node call : CallsOf(kernel.body, hint.call)) {
          const Node present = KeywordArgument(call, hint.keyword);
          if (present && present.text() == hint.value) continue;
          SetKeyword(call, hint.keyword, hint.value, text);
        }
      }
      if (text.empty()) continue;
      edits.push_back(
          {text.Apply(),
           std::string("Give every ") + hint.call + " the " + hint.keyword + " " + hint.value + ".",
           EditKind::kMicro, 1.02});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonLaunchSkill() {
  return std::make_unique<TritonLaunchSkill>();
}
std::unique_ptr<DeviceSkill> NewSinglePassRowSkill() {
  return std::make_unique<SinglePassRowSkill>();
}
std::unique_ptr<DeviceSkill> NewPipelinedLoopSkill() {
  return std::make_unique<PipelinedLoopSkill>();
}
std::unique_ptr<DeviceSkill> NewTritonCacheSkill() { return std::make_unique<TritonCacheSkill>(); }

}  // namespace ks
