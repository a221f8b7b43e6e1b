// Skill triton_stack_steps: loops over a short column become one block that stays in registers.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/stack_plan.h"

namespace ks {
namespace {

constexpr const char* kIndentOfStep = "    ";
// Elements of a block that a program keeps in registers.
constexpr int64_t kLargestBlock = 32768;
constexpr int64_t kLanesUnknown = 128;

class StackWriter {
 public:
  StackWriter(const DeviceContext& context, const DeviceKernel& kernel, const StackPlan& plan)
      : context_(context),
        kernel_(kernel),
        plan_(plan),
        steps_(context.FreshName("STEPS")),
        inside_(context.FreshName("is_step")),
        kept_(context.FreshName("kept")) {}

  std::optional<std::string> Write(int warps) {
    std::string body;
    for (Node node : kernel_.body.NamedChildren()) {
      const auto loop = std::find_if(plan_.loops.begin(), plan_.loops.end(),
                                     [&](const StackedLoop& one) { return one.loop.node == node; });
      body += loop == plan_.loops.end() ? LinesOf(node) : Loop(*loop);
    }
    TextEdits edits(context_.source());
    edits.Replace(kernel_.body, std::string(Trim(body)));
    AddConstexpr(kernel_, steps_, edits);
    auto source = WithNewConstant(edits.Apply(), steps_, "next_pow2(" + plan_.plan_extent + ")");
    if (!source) return source;
    return WithLaunchOption(*source, kernel_.launches[0], "num_warps", std::to_string(warps));
  }

 private:
  static std::string Line(const std::string& text) { return kIndentOfStep + text + "\n"; }

  std::string Loop(const StackedLoop& loop) {
    const std::string& step = loop.loop.variable;
    moving_ = {step};
    std::string text = Line(step + " = tl.arange(0, " + steps_ + ")[:, None]");
    text += Line(inside_ + " = " + step + " < " + plan_.high);
    for (const StackedStep& one : loop.steps) {
      text += Loads(one.node);
      if (one.gathers.empty() && Moves(one.node)) moving_.insert(AssignedName(one.node));
      if (one.gathers.empty()) {
        text += Line(TextOf(one.node));
        continue;
      }
      const std::string neutral = one.reduce == "tl.sum"   ? "0.0"
                                  : one.reduce == "tl.max" ? "float(\"-inf\")"
                                                           : "float(\"inf\")";
      const std::string part = one.reduce + "(tl.where(" + inside_ + ", " + TextOf(one.term) +
                               ", " + neutral + "), axis=0)";
      const std::string both = one.reduce == "tl.max" ? "tl.maximum(" : "tl.minimum(";
      text += Line(one.reduce == "tl.sum"
                       ? one.gathers + " += " + part
                       : one.gathers + " = " + both + one.gathers + ", " + part + ")");
    }
    return text;
  }

  // What the statement loads and no statement before has loaded.
  std::string Loads(Node node) {
    std::string text;
    for (Node load : CallsOf(node, "tl.load")) {
      const std::string& what = plan_.loads.at(load.index());
      if (names_.count(what) > 0) continue;
      const std::string masked = Masked(load);
      names_[what] = kept_ + std::to_string(names_.size());
      text += Line(names_[what] + " = " + masked);
    }
    return text;
  }

  bool Moves(Node node) const {
    return std::any_of(moving_.begin(), moving_.end(), [&](const std::string& name) {
      return !name.empty() && UsesOf(node, name) > 0;
    });
  }

  // A load or store of the steps that there are.
  std::string Masked(Node call) const {
    if (!Moves(PositionalArguments(call)[0])) return std::string(call.text());
    std::vector<std::string> arguments;
    std::string mask = inside_;
    for (Node argument : call.Child("arguments").NamedChildren()) {
      const bool is_mask =
          argument.Is("keyword_argument") && argument.Child("name").text() == "mask";
      if (is_mask) {
        mask = "(" + TextOf(argument.Child("value")) + ") & " + inside_;
      } else {
        arguments.push_back(TextOf(argument));
      }
    }
    arguments.push_back("mask=" + mask);
    return std::string(call.Child("function").text()) + "(" + Join(arguments, ", ") + ")";
  }

  // The text with loads replaced by what they loaded, stores masked.
  std::string TextOf(Node node) const {
    const std::string& source = context_.source();
    std::string text;
    size_t at = node.begin();
    for (Node inner : node.Subtree()) {
      if (inner.begin() < at || !inner.Is("call")) continue;
      const std::string_view function = inner.Child("function").text();
      if (function != "tl.load" && function != "tl.store") continue;
      text += source.substr(at, inner.begin() - at);
      text += function == "tl.load" ? names_.at(plan_.loads.at(inner.index())) : Masked(inner);
      at = inner.end();
    }
    return text + source.substr(at, node.end() - at);
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const StackPlan& plan_;
  const std::string steps_, inside_, kept_;
  std::set<std::string> moving_;              // names that depend on the step
  std::map<std::string, std::string> names_;  // what is loaded -> where it is
};

class TritonStackStepsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_stack_steps"; }
  std::string_view summary() const override {
    return "Lanes that walk short columns step by step, several times, have few loads under way "
           "and "
           "read everything again in each loop. Make the loop one block with the steps as a "
           "dimension: all of a column is loaded at once and stays in registers.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const auto plan = PlanStack(context, kernel);
      if (!plan) continue;
      int64_t steps = 1;
      while (steps < LargestGrid(context, plan->plan_extent)) steps *= 2;
      const int64_t block = steps * Lanes(context, kernel);
      if (block > kLargestBlock) continue;
      double gain = plan->reads_again ? 1.7 : 1.15;
      for (const int warps : {8, 4, 16}) {
        auto source = StackWriter(context, kernel, *plan).Write(warps);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Hold the columns of " + kernel.name + " in one block of " +
                             std::to_string(warps) + " warps.",
                         EditKind::kStrategy, gain});
        gain *= 0.95;
      }
    }
    return edits;
  }

 private:
  // Of the widest block that the kernel has.
  static int64_t Lanes(const DeviceContext& context, const DeviceKernel& kernel) {
    int64_t lanes = 1;
    for (Node range : CallsOf(kernel.body, "tl.arange")) {
      const std::vector<Node> ends = PositionalArguments(range);
      int64_t own = kLanesUnknown;
      for (const PlanConstant& constant : context.plan().constants) {
        if (ends.size() == 2 && ends[1].text() == constant.name) {
          own = ParseInt(constant.value.text).value_or(kLanesUnknown);
        }
      }
      lanes = std::max(lanes, own);
    }
    return lanes;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonStackStepsSkill() {
  return std::make_unique<TritonStackStepsSkill>();
}

}  // namespace ks
