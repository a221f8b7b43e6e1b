#include "propose/device/thread_loop.h"

#include <map>

#include "propose/cpp/function.h"

namespace ks {
namespace {

constexpr std::string_view kDimensions = "xyz";

}  // namespace

Node WithoutCasts(Node node) {
  for (;;) {
    node = node.Unwrapped();
    if (node.Is("cast_expression")) {
      node = node.Child("value");
      continue;
    }
    Node operand;
    if (!IsCast(node, &operand)) return node;
    node = operand;
  }
}

bool IsBuiltinOf(const DeviceContext& context, Node node, std::string_view what, int dimension) {
  node = WithoutCasts(node);
  if (context.IsCuda()) {
    return node.Is("field_expression") &&
           node.text() == std::string(what) + "." + kDimensions[static_cast<size_t>(dimension)];
  }
  static const std::map<std::string_view, std::string_view> kCalls = {
      {"threadIdx", "get_local_id"},  {"blockIdx", "get_group_id"},
      {"blockDim", "get_local_size"}, {"gridDim", "get_num_groups"},
      {"global", "get_global_id"},    {"globalSize", "get_global_size"}};
  const auto call = kCalls.find(what);
  return call != kCalls.end() && node.Is("call_expression") && CalleeName(node) == call->second &&
         CallArguments(node).size() == 1 &&
         CallArguments(node)[0].text() == std::to_string(dimension);
}

char BlockReductionOf(const DeviceContext& context, std::string_view function) {
  for (Node node : context.tree().root().Subtree()) {
    if (!node.Is("function_definition")) continue;
    Node declarator = node.Child("declarator");
    if (!declarator.Is("function_declarator") ||
        declarator.Child("declarator").text() != function) {
      continue;
    }
    bool barrier = false, sum = false, largest = false, smallest = false;
    for (Node inner : node.Child("body").Subtree()) {
      if (inner.Is("call_expression")) {
        const std::string callee = PlainCalleeName(inner);
        barrier = barrier || callee == "__syncthreads" || callee == "barrier";
        largest = largest || callee == "fmaxf" || callee == "fmax" || callee == "max";
        smallest = smallest || callee == "fminf" || callee == "fmin" || callee == "min";
      }
      if (inner.Is("subscript_expression") && inner.parent().Is("binary_expression")) {
        sum = sum || inner.parent().Child("operator").text() == "+";
      }
      if (inner.Is("assignment_expression") && inner.Child("operator").text() == "+=") {
        sum = sum || inner.Child("left").Is("subscript_expression");
      }
    }
    if (!barrier || sum + largest + smallest != 1) return 0;
    return sum ? '+' : largest ? '>' : '<';
  }
  return 0;
}

std::optional<std::string> ThreadLoopStart(const DeviceContext& context, const PlanLaunch& launch,
                                           Node node) {
  const Node init = node.Child("initializer");
  const Node update = node.Child("update");
  if (!init.Is("declaration") || !update.Is("assignment_expression") ||
      update.Child("operator").text() != "+=") {
    return std::nullopt;
  }
  const Node declarator = init.Child("declarator");
  if (!declarator.Is("init_declarator") ||
      update.Child("left").text() != declarator.Child("declarator").text()) {
    return std::nullopt;
  }
  const Node step = WithoutCasts(update.Child("right"));
  const bool whole = IsBuiltinOf(context, step, "blockDim", 0) ||
                     (!launch.block.empty() && step.text() == launch.block[0].text);
  if (!whole || launch.block.size() > 1) return std::nullopt;
  const Node start = WithoutCasts(declarator.Child("value"));
  if (IsBuiltinOf(context, start, "threadIdx", 0)) return "0";
  if (start.Is("binary_expression") && start.Child("operator").text() == "+") {
    const Node left = start.Child("left"), right = start.Child("right");
    if (IsBuiltinOf(context, right, "threadIdx", 0)) return std::string(left.text());
    if (IsBuiltinOf(context, left, "threadIdx", 0)) return std::string(right.text());
  }
  return std::nullopt;
}

std::string BlockVariable(int dimension) {
  return std::string("block_") + kDimensions[static_cast<size_t>(dimension)];
}

std::optional<int> BlockDimension(const DeviceContext& context, Node node) {
  if (!node.Is("field_expression") && !node.Is("call_expression")) return std::nullopt;
  for (int d = 0; d < 3; ++d) {
    if (IsBuiltinOf(context, node, "blockIdx", d)) return d;
  }
  return std::nullopt;
}

bool IsFirstThread(const DeviceContext& context, Node condition) {
  condition = condition.Unwrapped();
  if (condition.Is("condition_clause")) condition = condition.NamedChildren()[0].Unwrapped();
  return condition.Is("binary_expression") && condition.Child("operator").text() == "==" &&
         IsBuiltinOf(context, condition.Child("left"), "threadIdx", 0) &&
         condition.Child("right").text() == "0";
}

}  // namespace ks
