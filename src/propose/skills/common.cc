#include "propose/skills/common.h"

#include <fmt/format.h>

#include <algorithm>

namespace ks {

std::string Describe(const Loop& loop) {
  const std::string& source = loop.node.tree()->source();
  const auto line =
      1 + std::count(source.begin(),
                     source.begin() + static_cast<std::ptrdiff_t>(loop.node.begin()), '\n');
  return fmt::format("the loop over {} (line {})", loop.name(), line);
}

bool HasOpenMp(const Loop& loop) {
  const auto marked = [](const Loop& at) {
    return std::any_of(at.pragmas.begin(), at.pragmas.end(), [](const std::string& pragma) {
      return pragma.find("omp") != std::string::npos;
    });
  };
  for (const Loop* at = &loop; at != nullptr; at = at->parent) {
    if (marked(*at)) return true;
  }
  std::vector<const Loop*> below = {&loop};
  while (!below.empty()) {
    const Loop* at = below.back();
    below.pop_back();
    if (marked(*at)) return true;
    for (const auto& child : at->children) below.push_back(child.get());
  }
  return false;
}

bool HasJumps(Node node) {
  for (Node at : node.Subtree()) {
    if (at.Is("break_statement") || at.Is("continue_statement") || at.Is("return_statement") ||
        at.Is("goto_statement")) {
      return true;
    }
  }
  return false;
}

std::vector<Access> InnermostAccesses(const AnalysedFunction& function, const Loop& loop) {
  std::vector<Access> accesses;
  std::vector<const Loop*> stack = {&loop};
  while (!stack.empty()) {
    const Loop* at = stack.back();
    stack.pop_back();
    for (const auto& child : at->children) stack.push_back(child.get());
    if (!at->IsInnermost()) continue;
    const Effects effects = EffectsOf(*function.function, at->body);
    accesses.insert(accesses.end(), effects.accesses.begin(), effects.accesses.end());
  }
  return accesses;
}

StrideCount CountStrides(const std::vector<Access>& accesses, const std::string& symbol) {
  StrideCount count;
  for (const Access& access : accesses) {
    const std::optional<Poly> stride = access.index.Stride(symbol);
    if (!stride) {
      ++count.unknown;
    } else if (stride->IsZero()) {
      ++count.none;
    } else if (stride->AsConstant() == 1) {
      ++count.unit;
    } else {
      ++count.strided;
    }
  }
  return count;
}

bool IsUniform(const Function& function, const Decl& decl, const std::set<const Decl*>& varying) {
  if (decl.kind != DeclKind::kScalar || decl.writes > 0 || !decl.init) return false;
  for (Node node : decl.init.Subtree()) {
    if (node.Is("subscript_expression") || node.Is("pointer_expression")) return false;
    if (node.Is("call_expression")) {
      Node operand;
      const std::string name = PlainCalleeName(node);
      if (!IsCast(node, &operand) && name != "min" && name != "max") return false;
    }
    if (!node.Is("identifier")) continue;
    const Decl* used = function.Resolve(node);
    if (used == nullptr || used == &decl) continue;
    if (varying.count(used) != 0) return false;
    if (used->is_parameter || used->is_loop_variable) continue;
    if (!IsUniform(function, *used, varying)) return false;
  }
  return true;
}

bool IsUniformExpression(const Function& function, Node expression, Node region,
                         const std::set<const Decl*>& varying) {
  for (Node node : expression.Subtree()) {
    if (node.Is("subscript_expression") || node.Is("pointer_expression") ||
        node.Is("assignment_expression") || node.Is("update_expression")) {
      return false;
    }
    if (!node.Is("identifier")) continue;
    const Decl* used = function.Resolve(node);
    if (used == nullptr) continue;
    if (varying.count(used) != 0) return false;
    if (!region.Contains(used->node) || used->is_loop_variable) {
      if (!used->is_loop_variable && !used->is_parameter && used->writes > 0) return false;
      continue;
    }
    if (!IsUniform(function, *used, varying)) return false;
  }
  return true;
}

bool IsPlainScalarType(const std::string& type) {
  static constexpr std::string_view kTypes[] = {"float",    "double",  "int",           "int32_t",
                                                "int64_t",  "uint8_t", "uint32_t",      "long",
                                                "unsigned", "size_t",  "std::ptrdiff_t"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

std::string NeutralOf(const Reduction& reduction) {
  if (reduction.op == "+") return "0";
  if (reduction.op == "*") return "1";
  return reduction.accumulator->name;
}

std::string FoldText(const Reduction& reduction, const std::string& target,
                     const std::string& value) {
  if (reduction.op == "+" || reduction.op == "*") {
    return fmt::format("{} {}= {};\n", target, reduction.op, value);
  }
  const char* relation = reduction.op == "max" ? ">" : "<";
  return fmt::format("{0} = {1} {2} {0} ? {1} : {0};\n", target, Parenthesized(value), relation);
}

}  // namespace ks
