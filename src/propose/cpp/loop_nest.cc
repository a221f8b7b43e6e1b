#include "propose/cpp/loop_nest.h"

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

bool IsLoopVariable(const Function& function, Node node, const Decl* variable) {
  node = node.Unwrapped();
  return node.Is("identifier") && function.Resolve(node) == variable;
}

// The step of an update clause of `variable`; empty when it is not a forward step.
std::string StepOf(const Function& function, Node update, const Decl* variable) {
  if (update.Is("update_expression")) {
    const bool forward = update.Child("operator").text() == "++";
    return forward && IsLoopVariable(function, update.Child("argument"), variable) ? "1" : "";
  }
  if (!update.Is("assignment_expression") || update.Child("operator").text() != "+=" ||
      !IsLoopVariable(function, update.Child("left"), variable)) {
    return "";
  }
  const Node right = update.Child("right").Unwrapped();
  if (right.Is("identifier") && function.Resolve(right) == nullptr)
    return std::string(right.text());
  const std::optional<int64_t> value = function.ValueOf(right).AsConstant();
  return value && *value > 0 ? std::to_string(*value) : "";
}

// `s = s op value` in all its spellings.
std::optional<Reduction> AsReduction(const Function& function, Node statement) {
  Node expression = statement;
  if (statement.Is("expression_statement")) {
    const std::vector<Node> children = statement.NamedChildren();
    if (children.size() != 1) return std::nullopt;
    expression = children[0];
  }
  if (!expression.Is("assignment_expression")) return std::nullopt;
  const Node left = expression.Child("left").Unwrapped();
  if (!left.Is("identifier")) return std::nullopt;
  const Decl* decl = function.Resolve(left);
  if (decl == nullptr || decl->kind != DeclKind::kScalar) return std::nullopt;
  const std::string_view op = expression.Child("operator").text();
  const Node right = expression.Child("right").Unwrapped();
  const auto is_self = [&](Node node) {
    return node.Unwrapped().Is("identifier") && function.Resolve(node.Unwrapped()) == decl;
  };
  if (op == "+=" || op == "*=")
    return Reduction{decl, std::string(op.substr(0, 1)), statement, right};
  if (op != "=") return std::nullopt;
  if (right.Is("binary_expression")) {
    const std::string_view inner = right.Child("operator").text();
    if (inner != "+" && inner != "*") return std::nullopt;
    if (is_self(right.Child("left"))) {
      return Reduction{decl, std::string(inner), statement, right.Child("right")};
    }
    if (is_self(right.Child("right"))) {
      return Reduction{decl, std::string(inner), statement, right.Child("left")};
    }
    return std::nullopt;
  }
  if (!right.Is("call_expression")) return std::nullopt;
  const std::string callee = PlainCalleeName(right);
  const std::vector<Node> arguments = CallArguments(right);
  const bool is_max = callee == "max" || callee == "fmax" || callee == "fmaxf";
  const bool is_min = callee == "min" || callee == "fmin" || callee == "fminf";
  if (arguments.size() != 2 || (!is_max && !is_min)) return std::nullopt;
  const std::string name = is_max ? "max" : "min";
  if (is_self(arguments[0])) return Reduction{decl, name, statement, arguments[1]};
  if (is_self(arguments[1])) return Reduction{decl, name, statement, arguments[0]};
  return std::nullopt;
}

// `if (e > s) s = e;` is a max, with < a min.
std::optional<Reduction> AsConditionalReduction(const Function& function, Node statement) {
  if (!statement.Is("if_statement") || statement.Child("alternative")) return std::nullopt;
  Node condition = statement.Child("condition");
  if (condition.Is("condition_clause")) condition = condition.Child("value");
  condition = condition.Unwrapped();
  Node then = statement.Child("consequence");
  if (then.Is("compound_statement")) {
    const std::vector<Node> inner = then.NamedChildren();
    if (inner.size() != 1) return std::nullopt;
    then = inner[0];
  }
  if (!condition.Is("binary_expression") || !then.Is("expression_statement")) return std::nullopt;
  const std::vector<Node> inner = then.NamedChildren();
  if (inner.size() != 1 || !inner[0].Is("assignment_expression") ||
      inner[0].Child("operator").text() != "=") {
    return std::nullopt;
  }
  const Node left = inner[0].Child("left").Unwrapped();
  const Node value = inner[0].Child("right").Unwrapped();
  const Decl* decl = left.Is("identifier") ? function.Resolve(left) : nullptr;
  if (decl == nullptr || decl->kind != DeclKind::kScalar) return std::nullopt;
  std::string op(condition.Child("operator").text());
  Node a = condition.Child("left").Unwrapped(), b = condition.Child("right").Unwrapped();
  if (b.text() == value.text() && a.text() == left.text()) {
    std::swap(a, b);
    op = op == "<" ? ">" : op == ">" ? "<" : "";
  }
  if (a.text() != value.text() || b.text() != left.text()) return std::nullopt;
  if (op == ">") return Reduction{decl, "max", statement, value};
  if (op == "<") return Reduction{decl, "min", statement, value};
  return std::nullopt;
}

// For a bound written low + (whole - low) / step * step (or whole / step * step from 0): `whole`.
std::optional<Node> WholeStepsBound(const Function& function, const Loop& loop, Node high) {
  if (loop.inclusive) return std::nullopt;
  const auto is_op = [](Node node, std::string_view op) {
    return node.Is("binary_expression") && node.Child("operator").text() == op;
  };
  const Poly low = function.ValueOf(loop.low);
  Node product = high;
  if (is_op(high, "+")) {
    if (!(function.ValueOf(high.Child("left")) == low)) return std::nullopt;
    product = high.Child("right").Unwrapped();
  } else if (!low.IsZero()) {
    return std::nullopt;
  }
  if (!is_op(product, "*") || product.Child("right").text() != loop.step) return std::nullopt;
  const Node quotient = product.Child("left").Unwrapped();
  if (!is_op(quotient, "/") || quotient.Child("right").text() != loop.step) return std::nullopt;
  Node whole = quotient.Child("left").Unwrapped();
  if (is_op(high, "+")) {
    if (!is_op(whole, "-") || !(function.ValueOf(whole.Child("right")) == low)) return std::nullopt;
    whole = whole.Child("left").Unwrapped();
  }
  return whole;
}

}  // namespace

std::string Loop::HighText() const {
  const std::string text(high.text());
  return inclusive ? text + " + 1" : text;
}

std::vector<Node> Loop::Statements() const {
  if (body.Is("compound_statement")) return body.NamedChildren();
  return {body};
}

std::string Loop::BodyText() const {
  const std::string_view text = body.text();
  if (!body.Is("compound_statement")) {
    std::string out;  // pragmas in front of a single statement belong to it
    for (const std::string& pragma : body.tree()->PragmasBefore(body)) out += pragma + "\n";
    return out + std::string(text);
  }
  return std::string(text.substr(1, text.size() - 2));
}

const Loop* Loop::PerfectChild() const {
  const std::vector<Node> statements = Statements();
  if (statements.size() != 1 || children.size() != 1) return nullptr;
  return statements[0] == children[0]->node ? children[0].get() : nullptr;
}

LoopNest::LoopNest(const Function& function) : function_(&function) {
  Collect(function.body(), nullptr);
}

void LoopNest::Collect(Node node, Loop* parent) {
  if (node.Is("for_statement") || node.Is("while_statement") || node.Is("do_statement") ||
      node.Is("for_range_loop")) {
    std::unique_ptr<Loop> loop = Read(node, parent);
    Loop* at = loop.get();
    (parent == nullptr ? roots_ : parent->children).push_back(std::move(loop));
    all_.push_back(at);
    if (at->body) Collect(at->body, at);
    return;
  }
  for (Node child : node.children()) Collect(child, parent);
}

std::unique_ptr<Loop> LoopNest::Read(Node statement, const Loop* parent) const {
  auto loop = std::make_unique<Loop>();
  loop->node = statement;
  loop->body = statement.Child("body");
  loop->parent = parent;
  loop->depth = parent == nullptr ? 0 : parent->depth + 1;
  loop->pragmas = statement.tree()->PragmasBefore(statement);
  const Node initializer = statement.Child("initializer");
  const Node condition = statement.Child("condition");
  if (!statement.Is("for_statement") || !initializer.Is("declaration") ||
      !condition.Is("binary_expression")) {
    return loop;
  }
  const Decl* variable = function_->DeclaredBy(initializer);
  if (variable == nullptr || variable->declarators != 1 || variable->kind != DeclKind::kScalar ||
      variable->writes > 0 || !variable->init) {
    return loop;
  }
  const std::string_view op = condition.Child("operator").text();
  if ((op != "<" && op != "<=") || !IsLoopVariable(*function_, condition.Child("left"), variable)) {
    return loop;
  }
  const std::string step = StepOf(*function_, statement.Child("update"), variable);
  if (step.empty()) return loop;
  loop->high = condition.Child("right");
  for (Node node : loop->high.Subtree()) {  // a bound that the body changes is no bound
    const Decl* decl = node.Is("identifier") ? function_->Resolve(node) : nullptr;
    if (decl != nullptr && !decl->is_loop_variable && decl->writes > 0) return loop;
    if (node.Is("update_expression") || node.Is("assignment_expression")) return loop;
  }
  loop->canonical = true;
  loop->variable = variable;
  loop->type = variable->type;
  loop->low = variable->init;
  loop->inclusive = op == "<=";
  loop->step = step;
  return loop;
}

const Loop* LoopNest::FindVariable(const std::string& symbol) const {
  for (const Loop* loop : all_) {
    if (loop->canonical && loop->variable->symbol == symbol) return loop;
  }
  return nullptr;
}

std::vector<Poly> LoopNest::UpperBounds(const Loop& loop) const {
  const Poly extra = Poly::Constant(loop.inclusive ? 1 : 0);
  Node high = loop.high.Unwrapped();
  if (high.Is("identifier")) {  // a local that holds min(a, b)
    const Decl* decl = function_->Resolve(high);
    if (decl != nullptr && decl->init && decl->writes == 0 && !decl->is_loop_variable) {
      high = decl->init.Unwrapped();
    }
  }
  std::vector<Poly> bounds;
  if (const std::optional<Node> whole = WholeStepsBound(*function_, loop, high)) {
    // The last value is at most the whole bound minus one step.
    const std::optional<int64_t> number = ParseInt(loop.step);
    const Poly step = number ? Poly::Constant(*number) : Poly::Symbol(loop.step);
    bounds.push_back(function_->ValueOf(*whole) - step + Poly::Constant(1));
    return bounds;
  }
  if (high.Is("call_expression") && PlainCalleeName(high) == "min") {
    for (Node argument : CallArguments(high)) {
      bounds.push_back(function_->ValueOf(argument) + extra);
    }
  } else {
    bounds.push_back(function_->ValueOf(loop.high) + extra);
  }
  return bounds;
}

std::vector<Reduction> ReductionsOf(const LoopNest& nest, const Loop& loop) {
  const Function& function = nest.function();
  std::vector<Reduction> found;
  for (Node node : loop.body.Subtree()) {
    std::optional<Reduction> reduction;
    if (node.Is("if_statement")) reduction = AsConditionalReduction(function, node);
    if (node.Is("expression_statement") && !reduction) reduction = AsReduction(function, node);
    if (!reduction || loop.node.Contains(reduction->accumulator->node)) continue;
    found.push_back(*reduction);
  }
  // Every mention of the accumulator must lie in exactly one reduction statement, outside its
  // value.
  std::vector<Reduction> sound;
  for (const Reduction& candidate : found) {
    bool ok = true;
    for (Node node : loop.node.Subtree()) {
      if (!node.Is("identifier") || function.Resolve(node) != candidate.accumulator) continue;
      const bool conditional = candidate.statement.Is("if_statement");
      if (!candidate.statement.Contains(node) || (candidate.value.Contains(node) && !conditional)) {
        ok = false;
      }
    }
    if (ok && !EffectsOf(function, candidate.value).Reads(candidate.accumulator)) {
      sound.push_back(candidate);
    }
  }
  return sound;
}

}  // namespace ks
