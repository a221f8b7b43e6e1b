// Skill triton_split_k: the summed axis of a tl.dot is dealt out to several programs.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

// total = tl.zeros(..); for start in range(0, k, STEP): .. tl.dot ..; tl.store(c + .., total, ..)
struct DotKernel {
  PythonLoop loop;
  std::string sum, output;
  Node base, stored;  // of the store: the name of the output, the value
  std::vector<std::string> shape;
};

class TritonSplitKSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_split_k"; }
  std::string_view summary() const override {
    return "A product with few output tiles and a long summed axis keeps few programs busy. Let "
           "several programs sum parts of the axis for each tile into a scratch buffer, and add "
           "the parts in a second launch (split-K).";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton() || !context.task().allow_reassociation) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || kernel.parameters.empty()) continue;
      const PlanLaunch& launch = *context.launches()[kernel.launches[0]];
      const std::optional<DotKernel> found = Match(context, kernel);
      if (!found || launch.grid.size() > 2) continue;
      // The axis that is added is one that nobody asks for so far.
      const auto grid = GridUseOf(kernel);
      const int added = static_cast<int>(launch.grid.size());
      if (!grid || grid->places.count(added) > 0 || grid->counts.count(added) > 0) continue;
      if (HelpersAccessMemory(kernel.body)) continue;
      std::vector<std::string> extents;
      for (const PlanText& extent : launch.grid) extents.push_back("(" + extent.text + ")");
      const int64_t tiles = LargestGrid(context, Join(extents, "*"));
      const int64_t units = context.device().sm_count;
      if (tiles > 4 * units) continue;  // enough without parts
      const double gain =
          tiles == 0
              ? 1.2
              : std::min<double>(8, static_cast<double>(2 * units) / static_cast<double>(tiles));
      for (const int parts : {16, 4, 64}) {
        auto source = Split(context, kernel, *found, parts);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Sum " + std::to_string(parts) + " parts of the depth of " + kernel.name +
                             " in programs of their own.",
                         EditKind::kStrategy, std::max(1.05, parts == 16 ? gain : 0.8 * gain)});
      }
    }
    return edits;
  }

 private:
  static std::optional<DotKernel> Match(const DeviceContext& context, const DeviceKernel& kernel) {
    DotKernel found;
    const std::vector<Node> stores = CallsOf(kernel.body, "tl.store");
    const std::vector<Node> dots = CallsOf(kernel.body, "tl.dot");
    if (stores.size() != 1 || dots.size() != 1 || !CallsOf(kernel.body, "tl.atomic_add").empty()) {
      return std::nullopt;
    }
    const std::vector<Node> arguments = PositionalArguments(stores[0]);
    if (arguments.size() < 2) return std::nullopt;
    found.stored = arguments[1];
    found.base = arguments[0];
    while (found.base.Is("binary_operator") && found.base.Child("operator").text() == "+") {
      found.base = found.base.Child("left");
    }
    found.sum = std::string(found.stored.text());
    found.sum = found.sum.substr(0, found.sum.find(".to("));
    if (!found.base.Is("identifier")) return std::nullopt;
    found.output = std::string(found.base.text());
    if (UsesOf(kernel.body, found.output) != 1 || !FindLoop(kernel, dots[0], &found))
      return std::nullopt;
    const std::vector<std::string> passed = context.ParameterValues(kernel, kernel.launches[0]);
    for (size_t i = 0; i < passed.size(); ++i) {
      if (kernel.parameter_names[i] == found.output) found.shape = context.ShapeOf(passed[i]);
    }
    return found.shape.empty() ? std::nullopt : std::optional<DotKernel>(found);
  }

  // Between the loop and the store, nobody touches the sum; it begins with zeros.
  static bool FindLoop(const DeviceKernel& kernel, Node dot, DotKernel* found) {
    bool behind = false, zeros = false;
    for (Node statement : kernel.body.NamedChildren()) {
      if (statement.Is("for_statement")) {
        if (behind || !statement.Contains(dot)) return false;
        for (const PythonLoop& loop : RangeLoops(statement)) {
          if (loop.node == statement) found->loop = loop;
        }
        behind = true;
        if (found->loop.variable.empty() || found->loop.low != "0") return false;
        if (PositionalArguments(found->loop.call).size() != 3 || !OnlySums(*found, dot))
          return false;
        continue;
      }
      const Node inner = InnerStatement(statement);
      if (AssignedName(inner) == found->sum) {
        if (behind || inner.Child("right").text().substr(0, 9) != "tl.zeros(") return false;
        zeros = true;
      } else if (UsesOf(statement, found->sum) >
                 (CallsOf(statement, "tl.store").empty() ? 0U : 1U)) {
        return false;
      }
    }
    return behind && zeros;
  }

  // The loop adds one dot to the sum and does nothing else with it.
  static bool OnlySums(const DotKernel& found, Node dot) {
    Node assignment = dot.parent();
    while (assignment && AssignedName(assignment).empty()) assignment = assignment.parent();
    if (!assignment || AssignedName(assignment) != found.sum || assignment.Child("right") != dot)
      return false;
    const bool added =
        assignment.Is("augmented_assignment") && assignment.Child("operator").text() == "+=";
    const std::vector<Node> arguments = PositionalArguments(dot);
    const Node acc = arguments.size() > 2 ? arguments[2] : KeywordArgument(dot, "acc");
    const bool passed = acc && acc.text() == found.sum;
    return (added ? !acc.valid() : passed) &&
           UsesOf(found.loop.body, found.sum) == (passed ? 2U : 1U);
  }

  static std::optional<std::string> Split(const DeviceContext& context, const DeviceKernel& kernel,
                                          const DotKernel& found, int count) {
    const size_t launch = kernel.launches[0];
    const PlanLaunch& old = *context.launches()[launch];
    const std::string parts = context.FreshName("SPLIT_K"), partial = context.FreshName("partial");
    const std::string size = context.FreshName("outputs"),
                      second = context.FreshName(kernel.name + "_sum");
    const std::string sum_block = context.FreshName("SUM_BLOCK");
    const std::string part = "tl.program_id(" + std::to_string(old.grid.size()) + ")";
    TextEdits edits(context.source());
    edits.Insert(kernel.parameters.front().begin(),
                 partial + ", " + size + ", " + parts + ": tl.constexpr, ");
    const std::vector<Node> range = PositionalArguments(found.loop.call);
    edits.Replace(range[0], part + " * " + found.loop.step);
    edits.Replace(range[2], found.loop.step + " * " + parts);
    edits.Replace(found.base, partial + " + " + part + ".to(tl.int64) * " + size);
    edits.Replace(found.stored, found.sum);
    std::string source = edits.Apply();
    source += source.ends_with('\n') ? "" : "\n";
    source += "\n\n@triton.jit\ndef " + second + "(" + partial + ", " + found.output + ", " + size +
              ", " + parts + ": tl.constexpr, " + sum_block + ": tl.constexpr):\n" +
              "    at = tl.program_id(0) * " + sum_block + " + tl.arange(0, " + sum_block + ")\n" +
              "    total = tl.zeros((" + sum_block + ",), dtype=tl.float32)\n" +
              "    for part in range(0, " + parts + "):\n" +
              "        place = tl.cast(part, tl.int64) * " + size + " + at\n" +
              "        total += tl.load(" + partial + " + place, mask=at < " + size +
              ", other=0.0)\n" + "    tl.store(" + found.output + " + at, total, mask=at < " +
              size + ")\n";
    return WithPlan(context, kernel, found, std::move(source), {parts, partial, second, sum_block},
                    count);
  }

  struct Names {
    std::string parts, partial, second, sum_block;
  };

  static std::optional<std::string> WithPlan(const DeviceContext& context,
                                             const DeviceKernel& kernel, const DotKernel& found,
                                             std::string source, const Names& names, int count) {
    const auto apply = [&](std::optional<std::string> next) {
      const bool fits = next.has_value();
      if (fits) source = *std::move(next);
      return fits;
    };
    const size_t launch = kernel.launches[0];
    std::vector<std::string> extents, grid;
    for (const std::string& extent : found.shape) extents.push_back("(" + extent + ")");
    const std::string size = Join(extents, "*");
    for (const PlanText& extent : context.launches()[launch]->grid) grid.push_back(extent.text);
    grid.push_back(names.parts);
    const std::vector<std::string> passed = context.LaunchArguments(launch);
    const std::vector<std::string> values = context.ParameterValues(kernel, launch);
    std::string output;
    for (size_t i = 0; i < values.size(); ++i) {
      if (kernel.parameter_names[i] == found.output) output = values[i];
    }
    if (!apply(WithAllArguments(context, source)) ||
        !apply(WithLaunchOption(
            source, launch, "args",
            "(" + names.partial + ", " + size + ", " + Join(passed, ", ") + ")")) ||
        !apply(WithLaunchOption(source, launch, "grid", "(" + Join(grid, ", ") + ")")) ||
        !apply(WithNewConstant(source, names.parts, std::to_string(count))) ||
        !apply(WithNewConstant(source, names.sum_block, "256")) ||
        !apply(WithScratch(source, names.partial + " f32 [" + names.parts + ", " + size + "]"))) {
      return std::nullopt;
    }
    const std::string directive = "launch " + names.second + " grid=(ceil_div(" + size + ", " +
                                  names.sum_block + ")) args=(" + names.partial + ", " + output +
                                  ", " + size + ")";
    return WithStep(source, context.StepOf(launch) + 1, directive);
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonSplitKSkill() {
  return std::make_unique<TritonSplitKSkill>();
}

}  // namespace ks
