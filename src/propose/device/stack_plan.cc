#include "propose/device/stack_plan.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"

namespace ks {
namespace {

// A sum of products of names: sorted factors, joined by '*' -> how often. "": the number.
using Terms = std::map<std::string, int64_t>;

constexpr size_t kMostTerms = 64;

std::string Product(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a + b;
  std::vector<std::string> factors;
  for (const std::string* side : {&a, &b}) {
    for (const std::string_view factor : Split(*side, '*')) factors.emplace_back(factor);
  }
  std::sort(factors.begin(), factors.end());
  return Join(factors, "*");
}

size_t TimesIn(const std::string& product, const std::string& name) {
  size_t times = 0;
  for (const std::string_view factor : Split(product, '*')) times += factor == name ? 1 : 0;
  return times;
}

bool IsElementwise(std::string_view function) {
  static const std::set<std::string_view> kFunctions = {
      "tl.load",    "tl.store", "tl.exp", "tl.exp2",  "tl.log",  "tl.log2",    "tl.sqrt",
      "tl.rsqrt",   "tl.abs",   "tl.sin", "tl.cos",   "tl.erf",  "tl.sigmoid", "tl.maximum",
      "tl.minimum", "tl.where", "tl.fma", "tl.floor", "tl.ceil", "tl.div_rn",  "tl.sqrt_rn"};
  return kFunctions.count(function) > 0 || function.ends_with(".to");
}

class StackReader {
 public:
  StackReader(const DeviceContext& context, const DeviceKernel& kernel)
      : context_(context), kernel_(kernel) {}

  std::optional<StackPlan> Read() {
    if (!IsPlain() || !ReadLoops() || plan_.loops.empty() || !BuffersAreApart(context_, kernel_)) {
      return std::nullopt;
    }
    for (const StackedLoop& loop : plan_.loops) {
      for (Node store : CallsOf(loop.loop.body, "tl.store")) {
        if (!IsApart(store, loop)) return std::nullopt;
      }
    }
    NameLoads();
    return std::move(plan_);
  }

 private:
  bool IsPlain() const;
  bool ReadLoops();
  bool ReadLoop(StackedLoop& own);
  bool ReadGathering(StackedStep& step, Node loop);
  bool IsLocal(const std::string& name, Node loop) const;
  bool StartsAsBlock(const std::string& name, Node loop) const;
  bool IsApart(Node store, const StackedLoop& loop) const;
  void NameLoads();
  Node ValueOf(const std::string& name, Node body) const;
  std::optional<Terms> TermsOf(Node node, Node body) const;
  bool IsLane(const std::string& name) const;
  bool IsBelow(const std::string& name, const std::string& bound, Node mask) const;
  bool IsFixed(const std::string& name) const;
  std::set<std::string> BlockNames() const;
  std::string PlanExtent(const std::string& name) const;

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  StackPlan plan_;
};

// Values have one dimension at most, and nothing happens but loads, stores and arithmetic.
bool StackReader::IsPlain() const {
  if (!HelpersOf(kernel_.body).empty()) return false;
  for (Node node : kernel_.body.Subtree()) {
    if (node.Is("subscript") || node.Is("while_statement") || node.Is("if_statement") ||
        node.Is("return_statement") || node.Is("conditional_expression")) {
      return false;
    }
    if (!node.Is("call")) continue;
    const std::string_view name = node.Child("function").text();
    static const std::set<std::string_view> kOthers = {
        "tl.program_id", "tl.num_programs", "tl.arange",      "tl.zeros",         "tl.full",
        "range",         "tl.range",        "float",          "tl.sum",           "tl.max",
        "tl.min",        "tl.cdiv",         "tl.multiple_of", "tl.max_contiguous"};
    if (!IsElementwise(name) && kOthers.count(name) == 0) return false;
  }
  return true;
}

std::string StackReader::PlanExtent(const std::string& name) const {
  const std::vector<std::string> values = context_.ParameterValues(kernel_, kernel_.launches[0]);
  for (size_t i = 0; i < values.size(); ++i) {
    if (kernel_.parameter_names[i] == name) return values[i];
  }
  return "";
}

bool StackReader::ReadLoops() {
  const std::vector<PythonLoop> loops = RangeLoops(kernel_.body);
  for (Node node : kernel_.body.NamedChildren()) {
    if (node.Is("expression_statement")) continue;
    const auto loop = std::find_if(loops.begin(), loops.end(),
                                   [&](const PythonLoop& l) { return l.node == node; });
    if (loop == loops.end() || node.Child("alternative")) return false;
    StackedLoop own;
    own.loop = *loop;
    if (loop->low != "0" || loop->step != "1" ||
        (!plan_.high.empty() && plan_.high != loop->high)) {
      return false;
    }
    plan_.high = loop->high;
    if (!ReadLoop(own)) return false;
    plan_.loops.push_back(std::move(own));
  }
  if (plan_.loops.empty()) return false;
  plan_.plan_extent = PlanExtent(plan_.high);
  for (Node node : kernel_.body.Subtree()) {
    if (AssignedName(node) == plan_.high) return false;
  }
  return !plan_.plan_extent.empty() && plan_.loops.size() == loops.size();
}

bool StackReader::ReadLoop(StackedLoop& own) {
  for (Node node : kernel_.body.Subtree()) {
    const bool other = node.Is("for_statement") && !(node == own.loop.node);
    if (other) continue;
    // The variable means the loop's step nowhere else.
    if (AssignedName(node) == own.loop.variable) return false;
  }
  for (Node node : kernel_.body.NamedChildren()) {
    const bool loop = node.Is("for_statement") && node.Child("left").text() == own.loop.variable;
    if (!loop && UsesOf(node, own.loop.variable) > 0) return false;
  }
  for (Node child : own.loop.body.NamedChildren()) {
    if (!child.Is("expression_statement")) return false;
    StackedStep step;
    step.node = InnerStatement(child);
    for (Node call : step.node.Subtree()) {
      if (call.Is("call") && !IsElementwise(call.Child("function").text())) return false;
    }
    const std::string name = AssignedName(step.node);
    if (name.empty()) {
      if (!step.node.Is("call") || step.node.Child("function").text() != "tl.store") return false;
    } else if (!IsLocal(name, own.loop.node)) {
      if (!ReadGathering(step, own.loop.node)) return false;
    } else if (!step.node.Is("assignment") || !step.node.Child("left").Is("identifier") ||
               UsesOf(step.node.Child("right"), name) > 0) {
      return false;
    }
    own.steps.push_back(std::move(step));
  }
  return true;
}

// Seen nowhere else, but in other loops that assign it before they read it; assigned once here.
bool StackReader::IsLocal(const std::string& name, Node loop) const {
  for (Node node : kernel_.body.NamedChildren()) {
    if (UsesOf(node, name) == 0) continue;
    if (!node.Is("for_statement")) return false;
    size_t assigned = 0;
    bool first = true;
    for (Node child : node.Child("body").NamedChildren()) {
      const Node inner = InnerStatement(child);
      if (UsesOf(inner, name) == 0) continue;
      const bool assigns = inner.Is("assignment") && AssignedName(inner) == name;
      if (first && (!assigns || UsesOf(inner, name) != 1)) return false;
      first = false;
      assigned += AssignedName(inner) == name ? 1 : 0;
    }
    if (node == loop && assigned != 1) return false;
  }
  return true;
}

// total += term; total = total + term; best = tl.maximum(best, term)
bool StackReader::ReadGathering(StackedStep& step, Node loop) {
  step.gathers = AssignedName(step.node);
  const Node value = step.node.Child("right");
  if (step.node.Is("augmented_assignment")) {
    if (step.node.Child("operator").text() != "+=") return false;
    step.reduce = "tl.sum";
    step.term = value;
  } else if (value.Is("binary_operator") && value.Child("operator").text() == "+" &&
             value.Child("left").text() == step.gathers) {
    step.reduce = "tl.sum";
    step.term = value.Child("right");
  } else if (value.Is("call")) {
    const std::string_view function = value.Child("function").text();
    const std::vector<Node> arguments = PositionalArguments(value);
    if ((function != "tl.maximum" && function != "tl.minimum") || arguments.size() != 2 ||
        value.Child("arguments").NamedChildren().size() != 2 ||
        arguments[0].text() != step.gathers) {
      return false;
    }
    step.reduce = function == "tl.maximum" ? "tl.max" : "tl.min";
    step.term = arguments[1];
  } else {
    return false;
  }
  if (step.reduce == "tl.sum" && !context_.task().allow_reassociation) return false;
  if (UsesOf(step.term, step.gathers) > 0) return false;
  const size_t own = step.node.Is("augmented_assignment") ? 1 : 2;
  return UsesOf(loop, step.gathers) == own && StartsAsBlock(step.gathers, loop);
}

// Its one assignment in front of the loop makes a float block of one dimension.
bool StackReader::StartsAsBlock(const std::string& name, Node loop) const {
  Node init;
  for (Node node : kernel_.body.NamedChildren()) {
    if (node.begin() > loop.begin() || AssignedName(InnerStatement(node)) != name) continue;
    if (init) return false;
    init = InnerStatement(node);
  }
  const Node value = init.Is("assignment") ? init.Child("right") : Node();
  if (!value.Is("call")) return false;
  const std::string_view function = value.Child("function").text();
  const std::vector<Node> arguments = PositionalArguments(value);
  return (function == "tl.zeros" || function == "tl.full") && !arguments.empty() &&
         (arguments[0].Is("tuple") || arguments[0].Is("list")) &&
         arguments[0].NamedChildren().size() == 1 &&
         value.text().find("tl.float32") != std::string_view::npos;
}

// The value of a local of the loop's body; not valid: it is none.
Node StackReader::ValueOf(const std::string& name, Node body) const {
  for (Node child : body.NamedChildren()) {
    const Node inner = InnerStatement(child);
    if (inner.Is("assignment") && AssignedName(inner) == name) return inner.Child("right");
  }
  return {};
}

std::optional<Terms> StackReader::TermsOf(Node node, Node body) const {
  node = node.Unwrapped();
  if (const auto number = ParseInt(node.text())) return Terms{{"", *number}};
  if (node.Is("identifier")) {
    const Node value = ValueOf(std::string(node.text()), body);
    if (value && !value.Is("identifier") && !value.Is("call")) return TermsOf(value, body);
    return Terms{{std::string(node.text()), 1}};
  }
  if (!node.Is("binary_operator")) return std::nullopt;
  const auto left = TermsOf(node.Child("left"), body), right = TermsOf(node.Child("right"), body);
  const std::string_view sign = node.Child("operator").text();
  if (!left || !right || (sign != "+" && sign != "-" && sign != "*")) return std::nullopt;
  Terms out;
  if (sign == "*") {
    for (const auto& [a, times] : *left) {
      for (const auto& [b, more] : *right) out[Product(a, b)] += times * more;
    }
  } else {
    out = *left;
    for (const auto& [b, more] : *right) out[b] += sign == "+" ? more : -more;
  }
  if (out.size() > kMostTerms) return std::nullopt;
  std::erase_if(out, [](const auto& term) { return term.second == 0; });
  return out;
}

// Names of the top level whose values are blocks.
std::set<std::string> StackReader::BlockNames() const {
  std::set<std::string> blocks;
  for (Node node : kernel_.body.NamedChildren()) {
    const Node inner = InnerStatement(node);
    const std::string name = AssignedName(inner);
    if (name.empty()) continue;
    bool block = false;
    for (Node part : inner.Child("right").Subtree()) {
      const bool makes = part.Is("call") && (part.Child("function").text() == "tl.arange" ||
                                             part.Child("function").text() == "tl.load" ||
                                             part.Child("function").text() == "tl.zeros" ||
                                             part.Child("function").text() == "tl.full");
      block = block || makes || (part.Is("identifier") && blocks.count(std::string(part.text())));
    }
    if (block) blocks.insert(name);
  }
  return blocks;
}

// The name is tl.program_id(axis) * BLOCK + tl.arange(0, BLOCK).
bool StackReader::IsLane(const std::string& name) const {
  Node value;
  for (Node node : kernel_.body.Subtree()) {
    if (AssignedName(node) != name) continue;
    if (value) return false;
    value = node.Child("right");
  }
  if (!value || !value.Is("binary_operator") || value.Child("operator").text() != "+") return false;
  const Node first = value.Child("left").Unwrapped();
  const std::string lanes = WithoutSpaces(value.Child("right").text());
  return first.Is("binary_operator") && first.Child("operator").text() == "*" &&
         ProgramAxis(first.Child("left")).has_value() &&
         lanes == "tl.arange(0," + WithoutSpaces(first.Child("right").text()) + ")";
}

// The mask says that the name is below the bound.
bool StackReader::IsBelow(const std::string& name, const std::string& bound, Node mask) const {
  if (!mask) return false;
  mask = mask.Unwrapped();
  if (mask.Is("identifier")) {
    Node meant;
    size_t assigned = 0;
    for (Node inner : kernel_.body.Subtree()) {
      if (AssignedName(inner) != mask.text()) continue;
      ++assigned;
      meant = inner.Child("right").Unwrapped();
    }
    return assigned == 1 && !meant.Is("identifier") && IsBelow(name, bound, meant);
  }
  if (mask.Is("binary_operator") && mask.Child("operator").text() == "&") {
    return IsBelow(name, bound, mask.Child("left")) || IsBelow(name, bound, mask.Child("right"));
  }
  return mask.Is("comparison_operator") && mask.children().size() == 3 &&
         mask.children()[0].text() == name && mask.children()[1].text() == "<" &&
         mask.children()[2].text() == bound;
}

// Means the same in all loops.
bool StackReader::IsFixed(const std::string& name) const {
  size_t assigned = 0;
  for (Node node : kernel_.body.Subtree()) {
    if (AssignedName(node) != name) continue;
    ++assigned;
    if (node.begin() > plan_.loops.front().loop.node.begin()) return false;
  }
  return assigned <= 1;
}

// Steps and lanes store to places of their own: step * width + lane with lanes below the width, or
// lane * steps + step.
bool StackReader::IsApart(Node store, const StackedLoop& loop) const {
  const auto terms = TermsOf(PositionalArguments(store)[0], loop.loop.body);
  if (!terms) return false;
  const std::set<std::string> blocks = BlockNames();
  std::string step, lane, lane_name;
  for (const auto& [product, times] : *terms) {
    const size_t steps = TimesIn(product, loop.loop.variable);
    std::string block;
    for (const std::string_view factor : Split(product, '*')) {
      // A local that is no sum of products may be anything.
      if (ValueOf(std::string(factor), loop.loop.body)) return false;
      if (blocks.count(std::string(factor)) > 0) block = block.empty() ? factor : "?";
    }
    if (steps == 0 && block.empty()) continue;
    if (steps + (block.empty() ? 0 : 1) != 1 || times != 1 || block == "?") return false;
    std::string& place = steps == 1 ? step : lane;
    if (!place.empty()) return false;
    place = product;
    if (!block.empty()) lane_name = block;
  }
  if (step.empty() || lane.empty()) return false;
  const Node mask = KeywordArgument(store, "mask");
  if (lane == lane_name) {
    for (const std::string_view factor : Split(step, '*')) {
      std::string bound(factor);
      if (factor == loop.loop.variable || Product(loop.loop.variable, bound) != step) continue;
      return IsLane(lane_name) && IsBelow(lane_name, bound, mask);
    }
    return false;
  }
  return step == loop.loop.variable && lane == Product(lane_name, plan_.high) && IsLane(lane_name);
}

void StackReader::NameLoads() {
  std::map<std::string, int> times;
  for (const StackedLoop& loop : plan_.loops) {
    for (Node load : CallsOf(loop.loop.body, "tl.load")) {
      std::string name = "at " + std::to_string(load.index());
      const auto terms = TermsOf(PositionalArguments(load)[0], loop.loop.body);
      bool known = terms.has_value() && PositionalArguments(load).size() == 1;
      std::string others;
      for (Node argument : load.Child("arguments").NamedChildren()) {
        if (!argument.Is("keyword_argument")) continue;
        others += ";" + WithoutSpaces(argument.text());
        for (Node part : argument.Subtree()) {
          if (!part.Is("identifier") || part.parent().Is("attribute")) continue;
          if (part.parent().Is("keyword_argument") && part.parent().Child("name") == part) continue;
          const std::string text(part.text());
          known = known && !ValueOf(text, loop.loop.body) && IsFixed(text);
        }
      }
      if (known) {
        std::vector<std::string> address;
        for (const auto& [product, count] : *terms) {
          std::vector<std::string> factors;
          for (const std::string_view factor : Split(product, '*')) {
            if (factor.empty()) continue;
            const bool step = factor == loop.loop.variable;
            known = known && (step || (!ValueOf(std::string(factor), loop.loop.body) &&
                                       IsFixed(std::string(factor))));
            // Loops may name their step in different ways.
            factors.emplace_back(step ? "<step>" : std::string(factor));
          }
          std::sort(factors.begin(), factors.end());
          address.push_back(std::to_string(count) + "*" + Join(factors, "*"));
        }
        std::sort(address.begin(), address.end());
        if (known) name = Join(address, "+") + others;
      }
      plan_.loads[load.index()] = name;
      plan_.reads_again = ++times[name] > 1 || plan_.reads_again;
    }
  }
}

}  // namespace

std::optional<StackPlan> PlanStack(const DeviceContext& context, const DeviceKernel& kernel) {
  if (!context.IsTriton() || kernel.launches.size() != 1 || kernel.parameters.empty()) {
    return std::nullopt;
  }
  return StackReader(context, kernel).Read();
}

}  // namespace ks
