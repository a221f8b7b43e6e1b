#include "propose/device/strip_plan.h"

#include <algorithm>
#include <functional>

#include "base/text.h"
#include "core/expr.h"

namespace ks {
namespace {

constexpr int64_t kLongestStripWindow = 8;
// Sizes at which two polynomials of the axes are compared: far apart and without common factors.
constexpr int64_t kSamples[][6] = {{1009, 2003, 4001, 8009, 509, 257},
                                   {3001, 601, 1201, 307, 5003, 911},
                                   {71, 7919, 883, 4409, 1607, 3203}};

size_t AssignmentsOf(Node body, const std::string& name) {
  size_t count = 0;
  for (Node node : body.Subtree()) count += AssignedName(node) == name ? 1 : 0;
  return count;
}

// factor * row + window loop * down + rest
struct Linear {
  int64_t row = 0, down = 0;
  std::string rest = "0";  // of the plan
};

class StripReader {
 public:
  StripReader(const DeviceContext& context, const DeviceKernel& kernel)
      : context_(context),
        kernel_(kernel),
        passed_(context.ParameterValues(kernel, kernel.launches[0])) {}

  std::optional<StripPlan> Read() {
    if (!IsPlain() || !FindPlace() || !FindWindow() || !ReadWindow() || !ReadAround() ||
        !BuffersAreApart(context_, kernel_) || CallsOf(kernel_.body, "tl.store").empty()) {
      return std::nullopt;
    }
    return std::move(plan_);
  }

 private:
  bool IsPlain() const;
  bool FindPlace();
  bool FindCount();
  bool FindWindow();
  bool ReadWindow();
  bool ReadStep(Node statement, bool inner);
  bool ReadUpdate(WindowStep& step);
  bool SortLoads(Node term);
  bool StaysInside(Node load) const;
  bool ReadAround();

  bool Uses(Node node, const std::set<std::string>& names) const {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return UsesOf(node, name) > 0; });
  }
  Node Named(Node value) const;
  bool HasConjunct(Node mask, const std::function<bool(Node)>& fits) const;
  std::optional<std::string> PlanText(Node node) const;
  std::optional<Linear> LinearOf(Node node) const;
  std::optional<int64_t> Difference(const std::string& a, const std::string& b) const;

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const std::vector<std::string> passed_;
  StripPlan plan_;
  std::vector<Node> top_;
  Node window_;
  std::string moving_;              // the row that is read
  Linear reads_;                    // what it is
  std::set<std::string> shared_;    // depend on it
  std::set<std::string> assigned_;  // in the window
};

bool StripReader::IsPlain() const {
  const auto grid = GridUseOf(kernel_);
  if (!grid || !grid->counts.empty() || HelpersAccessMemory(kernel_.body)) return false;
  for (Node node : kernel_.body.Subtree()) {
    if (!node.Is("call")) continue;
    const std::string_view function = node.Child("function").text();
    if (function.find("atomic") != std::string_view::npos ||
        function.find("asm") != std::string_view::npos || function == "tl.debug_barrier" ||
        function == "tl.dot") {
      return false;
    }
  }
  return true;
}

bool StripReader::FindPlace() {
  for (Node node : kernel_.body.NamedChildren()) {
    if (node.Is("expression_statement") && node.NamedChildren()[0].Is("string")) continue;
    top_.push_back(node);
  }
  for (Node node : top_) {
    const Node inner = InnerStatement(node);
    if (!inner.Is("assignment")) continue;
    const Node value = inner.Child("right");
    const std::string name = AssignedName(inner);
    for (const PlanConstant& constant : context_.plan().constants) {
      const std::string lanes = "tl.arange(0," + constant.name + ")";
      for (int axis = 0; axis < 3; ++axis) {
        const std::string first = "tl.program_id(" + std::to_string(axis) + ")*" + constant.name;
        const std::string text = WithoutSpaces(value.text());
        if (text != first + "+" + lanes && text != lanes + "+" + first) continue;
        plan_.at = name;
        plan_.block = constant.name;
        plan_.axis = axis;
      }
    }
    if (plan_.at.empty() || !value.Is("binary_operator") || value.Child("left").text() != plan_.at)
      continue;
    const std::string_view sign = value.Child("operator").text();
    const std::string width(value.Child("right").text());
    if ((sign != "//" && sign != "%") || (!plan_.width.empty() && plan_.width != width)) continue;
    const auto text = PlanText(value.Child("right"));
    if (!text) return false;
    plan_.width = width;
    plan_.plan_width = *text;
    (sign == "//" ? plan_.row : plan_.column) = name;
    if (sign == "//") plan_.row_statement = node;
  }
  for (const std::string* name : {&plan_.at, &plan_.row, &plan_.column}) {
    if (name->empty() || AssignmentsOf(kernel_.body, *name) != 1) return false;
  }
  return FindCount();
}

// The grid is ceil_div(count, BLOCK) along the axis, and whole rows make up the count.
bool StripReader::FindCount() {
  const PlanLaunch& launch = *context_.launches()[kernel_.launches[0]];
  const auto axis = static_cast<size_t>(plan_.axis);
  size_t places = 0;
  for (Node call : CallsOf(kernel_.body, "tl.program_id")) {
    places += ProgramAxis(call) == plan_.axis ? 1 : 0;
  }
  if (places != 1 || launch.grid.size() <= axis) return false;
  const std::string text = WithoutSpaces(launch.grid[axis].text), head = "ceil_div(";
  const std::string tail = "," + plan_.block + ")";
  if (!text.starts_with(head) || !text.ends_with(tail)) return false;
  plan_.plan_count = text.substr(head.size(), text.size() - head.size() - tail.size());
  int depth = 0;
  for (const char c : plan_.plan_count) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth < 0 || (depth == 0 && c == ',')) return false;
  }
  const std::string rows = "(" + plan_.plan_count + ")/" + plan_.plan_width;
  return Difference(rows, rows) == 0;
}

// The value of a name that the kernel assigns once, or `value`.
Node StripReader::Named(Node value) const {
  value = value.Unwrapped();
  if (!value.Is("identifier")) return value;
  const std::string name(value.text());
  if (AssignmentsOf(kernel_.body, name) != 1) return value;
  for (Node node : kernel_.body.Subtree()) {
    if (node.Is("assignment") && AssignedName(node) == name) return node.Child("right").Unwrapped();
  }
  return value;
}

bool StripReader::HasConjunct(Node mask, const std::function<bool(Node)>& fits) const {
  if (!mask) return false;
  const Node value = Named(mask);
  if (value.Is("binary_operator") && value.Child("operator").text() == "&") {
    return HasConjunct(value.Child("left"), fits) || HasConjunct(value.Child("right"), fits);
  }
  return value.Is("comparison_operator") && value.children().size() == 3 && fits(value);
}

// A scalar over parameters and numbers in the language of the plan.
std::optional<std::string> StripReader::PlanText(Node node) const {
  node = node.Unwrapped();
  if (node.Is("integer")) return std::string(node.text());
  if (node.Is("identifier")) {
    for (size_t i = 0; i < passed_.size(); ++i) {
      if (kernel_.parameter_names[i] != node.text()) continue;
      const bool fixed = AssignmentsOf(kernel_.body, kernel_.parameter_names[i]) == 0;
      return fixed && !passed_[i].empty() ? std::optional("(" + passed_[i] + ")") : std::nullopt;
    }
    const Node value = Named(node);
    return value == node ? std::nullopt : PlanText(value);
  }
  if (!node.Is("binary_operator")) return std::nullopt;
  const auto left = PlanText(node.Child("left")), right = PlanText(node.Child("right"));
  const std::string sign(node.Child("operator").text());
  if (!left || !right) return std::nullopt;
  if (sign == "//") return "floor_div(" + *left + ", " + *right + ")";
  if (sign != "+" && sign != "-" && sign != "*") return std::nullopt;
  return "(" + *left + " " + sign + " " + *right + ")";
}

// a - b, where it is the same number whatever the sizes are.
std::optional<int64_t> StripReader::Difference(const std::string& a, const std::string& b) const {
  std::optional<int64_t> difference;
  for (const auto& sample : kSamples) {
    AxisValues values;
    size_t next = 0;
    for (const std::string& axis : context_.task().axes) {
      values[axis] = sample[next % 6] + static_cast<int64_t>(next / 6);
      ++next;
    }
    for (const PlanConstant& constant : context_.plan().constants) {
      const auto value = EvaluateExtent(constant.value.text, values);
      if (value.ok()) values[constant.name] = *value;
    }
    // EvaluateExtent refuses what is negative.
    const auto one = EvaluateExtent("1000000000 + " + a, values);
    const auto two = EvaluateExtent("1000000000 + " + b, values);
    if (!one.ok() || !two.ok() || (difference && *difference != *one - *two)) return std::nullopt;
    difference = *one - *two;
  }
  return difference;
}

std::optional<WindowLoop> WindowLoopOf(Node node) {
  if (!node.Is("for_statement") || !node.Child("left").Is("identifier")) return std::nullopt;
  const Node call = node.Child("right");
  if (!call.Is("call") || node.Child("alternative")) return std::nullopt;
  const std::string_view function = call.Child("function").text();
  if (function != "range" && function != "tl.range" && function != "tl.static_range")
    return std::nullopt;
  const std::vector<Node> arguments = PositionalArguments(call);
  if (arguments.empty() || arguments.size() > 2) return std::nullopt;
  WindowLoop loop;
  loop.variable = std::string(node.Child("left").text());
  const auto high = ParseInt(arguments.back().text());
  const auto low =
      arguments.size() == 2 ? ParseInt(arguments[0].text()) : std::optional<int64_t>(0);
  if (!low || !high || *high <= *low || *high - *low > kLongestStripWindow) return std::nullopt;
  loop.low = *low;
  loop.high = *high;
  return loop;
}

bool StripReader::FindWindow() {
  for (Node node : top_) {
    if (node.Is("for_statement")) {
      if (window_) return false;
      window_ = node;
    } else if (!node.Is("expression_statement")) {
      return false;
    }
  }
  const auto down = window_ ? WindowLoopOf(window_) : std::nullopt;
  if (!down || down->high - down->low < 2) return false;
  plan_.down = *down;
  return true;
}

bool StripReader::ReadWindow() {
  for (Node node : window_.Child("body").Subtree()) {
    if (const std::string name = AssignedName(node); !name.empty()) assigned_.insert(name);
  }
  const std::vector<Node> outer = window_.Child("body").NamedChildren();
  for (size_t i = 0; i < outer.size(); ++i) {
    if (!outer[i].Is("for_statement")) {
      if (!ReadStep(outer[i], false)) return false;
      continue;
    }
    const auto across = WindowLoopOf(outer[i]);
    if (!across || i + 1 != outer.size()) return false;
    plan_.across = *across;
    for (Node inner : outer[i].Child("body").NamedChildren()) {
      if (!ReadStep(inner, true)) return false;
    }
  }
  return !moving_.empty() && !plan_.accumulators.empty();
}

std::optional<Linear> StripReader::LinearOf(Node node) const {
  node = node.Unwrapped();
  if (node.Is("identifier") && node.text() == plan_.row) return Linear{1, 0, "0"};
  if (node.Is("identifier") && node.text() == plan_.down.variable) return Linear{0, 1, "0"};
  if (UsesOf(node, plan_.row) == 0 && UsesOf(node, plan_.down.variable) == 0) {
    const auto text = PlanText(node);
    return text ? std::optional(Linear{0, 0, *text}) : std::nullopt;
  }
  if (!node.Is("binary_operator")) return std::nullopt;
  const auto left = LinearOf(node.Child("left")), right = LinearOf(node.Child("right"));
  const std::string sign(node.Child("operator").text());
  if (!left || !right) return std::nullopt;
  const std::string rest = "(" + left->rest + " " + sign + " " + right->rest + ")";
  if (sign == "+") return Linear{left->row + right->row, left->down + right->down, rest};
  if (sign == "-") return Linear{left->row - right->row, left->down - right->down, rest};
  if (sign != "*") return std::nullopt;
  const auto number = ParseInt(node.Child("right").Unwrapped().text());
  if (!number) return std::nullopt;
  return Linear{left->row * *number, left->down * *number, rest};
}

bool StripReader::ReadStep(Node statement, bool inner) {
  const Node node = InnerStatement(statement);
  const std::string name = AssignedName(node);
  if (!statement.Is("expression_statement") || name.empty() || !CallsOf(node, "tl.store").empty() ||
      UsesOf(node, plan_.at) > 0) {
    return false;
  }
  WindowStep step;
  step.node = statement;
  step.inner = inner;
  const bool down = UsesOf(node, plan_.down.variable) > 0 || Uses(node, plan_.own);
  if (AssignmentsOf(kernel_.body, name) == 2) {
    step.kind = WindowStep::Kind::kUpdate;
    if (UsesOf(node, plan_.row) > 0 || !ReadUpdate(step)) return false;
    plan_.steps.push_back(std::move(step));
    return true;
  }
  if (!node.Is("assignment") || !node.Child("left").Is("identifier") ||
      AssignmentsOf(kernel_.body, name) != 1 || UsesOf(node.Child("right"), name) > 0) {
    return false;
  }
  if (UsesOf(node, plan_.row) > 0) {
    const auto linear = LinearOf(node.Child("right"));
    if (!moving_.empty() || !linear || linear->row < 1 || linear->row > kLongestStripWindow ||
        linear->down != 1) {
      return false;
    }
    moving_ = name;
    reads_ = *linear;
    plan_.stride = linear->row;
    shared_.insert(name);
  } else if (down) {
    step.kind = WindowStep::Kind::kOwn;
    std::set<std::string> others = assigned_;
    for (const std::string& own : plan_.own) others.erase(own);
    others.erase(name);
    if (Uses(node, others)) return false;
    plan_.own.insert(name);
  } else if (Uses(node, shared_)) {
    shared_.insert(name);
  }
  if (step.kind == WindowStep::Kind::kShared) {
    for (Node load : CallsOf(node, "tl.load")) {
      if (Uses(load, shared_) && !StaysInside(load)) return false;
    }
  }
  plan_.steps.push_back(std::move(step));
  return true;
}

bool StripReader::ReadUpdate(WindowStep& step) {
  const Node node = InnerStatement(step.node);
  WindowUpdate& update = step.update;
  update.name = AssignedName(node);
  const Node value = node.Child("right");
  if (node.Is("augmented_assignment")) {
    if (node.Child("operator").text() != "+=") return false;
    update.op = "+";
    update.term = value;
  } else if (value.Is("binary_operator") && value.Child("operator").text() == "+") {
    update.op = "+";
    const bool left = value.Child("left").text() == update.name;
    if (!left && value.Child("right").text() != update.name) return false;
    update.term = value.Child(left ? "right" : "left");
  } else if (value.Is("call")) {
    update.op = std::string(value.Child("function").text());
    const std::vector<Node> arguments = PositionalArguments(value);
    if ((update.op != "tl.maximum" && update.op != "tl.minimum") || arguments.size() != 2)
      return false;
    const bool left = arguments[0].text() == update.name;
    if (!left && arguments[1].text() != update.name) return false;
    update.term = arguments[left ? 1 : 0];
    for (Node argument : value.Child("arguments").NamedChildren()) {
      if (argument.Is("keyword_argument")) update.keywords += ", " + std::string(argument.text());
    }
  } else {
    return false;
  }
  if (UsesOf(update.term, update.name) > 0 || !SortLoads(update.term)) return false;
  plan_.accumulators.push_back(update.name);
  return true;
}

// Loads in a term are made once: for a row that is read, or for a place of the window.
bool StripReader::SortLoads(Node term) {
  for (Node load : CallsOf(term, "tl.load")) {
    const bool down = UsesOf(load, plan_.down.variable) > 0 || Uses(load, plan_.own);
    if (!down) {
      if (Uses(load, shared_) && !StaysInside(load)) return false;
      plan_.loads[load.index()] = WindowStep::Kind::kShared;
      continue;
    }
    std::set<std::string> others = assigned_;
    for (const std::string& own : plan_.own) others.erase(own);
    if (Uses(load, others) || !CallsOf(load.Child("arguments"), "tl.load").empty()) return false;
    plan_.loads[load.index()] = WindowStep::Kind::kOwn;
  }
  return true;
}

// Its mask says that the row lies below an end which the last output's window reaches itself.
bool StripReader::StaysInside(Node load) const {
  return HasConjunct(KeywordArgument(load, "mask"), [&](Node comparison) {
    if (comparison.children()[0].text() != moving_ || comparison.children()[1].text() != "<") {
      return false;
    }
    const auto end = PlanText(comparison.children()[2]);
    if (!end) return false;
    const std::string rows = "(" + plan_.plan_count + ")/" + plan_.plan_width;
    const std::string last = std::to_string(reads_.row) + "*(" + rows + " - 1) + " + reads_.rest +
                             " + " + std::to_string(plan_.down.high - 1);
    const auto beyond = Difference(*end, last);  // of a row that is read and not below the last
    return beyond && *beyond <= 1;
  });
}

bool StripReader::ReadAround() {
  std::set<std::string> each = {plan_.at, plan_.row}, known;
  bool behind = false;
  for (Node node : top_) {
    const Node inner = InnerStatement(node);
    const std::string name = AssignedName(inner);
    if (node == window_) {
      behind = true;
      continue;
    }
    const bool accumulator = std::find(plan_.accumulators.begin(), plan_.accumulators.end(),
                                       name) != plan_.accumulators.end();
    if (!behind) {
      if (name.empty() || !inner.Is("assignment")) return false;
      if (accumulator) {
        if (Uses(inner, each)) return false;
        plan_.inits.push_back(node);
      } else if (name != plan_.at && name != plan_.row && name != plan_.column &&
                 Uses(inner, each)) {
        if (AssignmentsOf(kernel_.body, name) != 1) return false;
        each.insert(name);
        plan_.each.push_back(node);
      } else {
        plan_.before.push_back(node);
      }
      known.insert(name);
      continue;
    }
    // Names of the window keep their last values only there.
    std::set<std::string> window = assigned_;
    for (const std::string& own : plan_.accumulators) window.erase(own);
    if (Uses(inner, window)) return false;
    if (!name.empty() && !accumulator && known.count(name) > 0) return false;
    if (!name.empty()) each.insert(name);
    plan_.after.push_back(node);
  }
  each.erase(plan_.row);
  if (Uses(window_, each) || plan_.inits.size() != plan_.accumulators.size()) return false;
  each.insert(plan_.row);
  const auto ends = [&](Node comparison) {
    if (comparison.children()[0].text() != plan_.at || comparison.children()[1].text() != "<")
      return false;
    const auto end = PlanText(comparison.children()[2]);
    return end && Difference(*end, plan_.plan_count) == 0;
  };
  for (const std::vector<Node>* list : {&plan_.each, &plan_.after}) {
    for (Node node : *list) {
      for (const char* function : {"tl.load", "tl.store"}) {
        for (Node call : CallsOf(node, function)) {
          const bool moves = std::string_view(function) == "tl.store" || Uses(call, each);
          if (moves && !HasConjunct(KeywordArgument(call, "mask"), ends)) return false;
        }
      }
    }
  }
  return true;
}

}  // namespace

std::string RenamedText(Node node, const std::map<std::string, std::string>& names) {
  const std::string& source = node.tree()->source();
  std::string out;
  size_t at = node.begin();
  for (Node inner : node.Subtree()) {
    if (!inner.Is("identifier")) continue;
    const auto found = names.find(std::string(inner.text()));
    const Node up = inner.parent();
    if (found == names.end() || (up.Is("keyword_argument") && up.Child("name") == inner) ||
        (up.Is("attribute") && up.Child("attribute") == inner)) {
      continue;
    }
    out += source.substr(at, inner.begin() - at) + found->second;
    at = inner.end();
  }
  return out + source.substr(at, node.end() - at);
}

std::optional<StripPlan> PlanStrips(const DeviceContext& context, const DeviceKernel& kernel) {
  if (!context.IsTriton() || kernel.launches.size() != 1 || kernel.parameters.empty()) {
    return std::nullopt;
  }
  return StripReader(context, kernel).Read();
}

}  // namespace ks
