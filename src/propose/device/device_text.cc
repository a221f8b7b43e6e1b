#include "propose/device/device_text.h"

#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/cpp/rewrite.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

// Binding strength of an operator; 11 for what needs no parentheses.
int Strength(const IrExpr& e) {
  if (e.kind != EKind::kBinary) return e.kind == EKind::kSelect ? 0 : 11;
  static const std::map<std::string, int> kStrength = {
      {"*", 10}, {"/", 10}, {"%", 10}, {"+", 9},  {"-", 9},  {"<<", 8},
      {">>", 8}, {"<", 7},  {">", 7},  {"<=", 7}, {">=", 7}, {"==", 6},
      {"!=", 6}, {"&", 5},  {"^", 4},  {"|", 3},  {"&&", 2}, {"||", 1}};
  const auto found = kStrength.find(e.text);
  return found == kStrength.end() ? 1 : found->second;
}

std::string Wrapped(const std::string& text, bool wrap) { return wrap ? "(" + text + ")" : text; }

std::string WithoutLaunchBounds(std::string source, size_t before) {
  const size_t at = source.rfind("__launch_bounds__", before);
  if (at == std::string::npos) return source;
  // Only one that belongs to this kernel: no body lies between.
  const size_t brace = source.find_first_of("{}", at);
  if (brace != before) return source;
  int depth = 0;
  for (size_t i = source.find('(', at); i < before; ++i) {
    if (source[i] == '(') ++depth;
    if (source[i] == ')' && --depth == 0) {
      const size_t end = i + 1 < source.size() && source[i + 1] == ' ' ? i + 2 : i + 1;
      return source.erase(at, end - at);
    }
  }
  return source;
}

}  // namespace

std::string DeviceText::Thread(int dimension) const {
  if (!cuda_) return "(int)get_local_id(" + std::to_string(dimension) + ")";
  return std::string("(int)threadIdx.") + "xyz"[dimension];
}

std::string DeviceText::Block(int dimension) const {
  if (!cuda_) return "(" + index_ + ")get_group_id(" + std::to_string(dimension) + ")";
  return "(" + index_ + ")blockIdx." + "xyz"[dimension];
}

std::string DeviceText::Barrier() const {
  return cuda_ ? "__syncthreads();\n" : "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);\n";
}

std::string DeviceText::Shared(const std::string& type, const std::string& name,
                               const std::string& extents) const {
  return (cuda_ ? "__shared__ " : "__local ") + type + " " + name + extents + ";\n";
}

std::string DeviceText::Expr(const IrExprPtr& expression) const {
  const IrExpr& e = *expression;
  switch (e.kind) {
    case EKind::kNumber:
      return e.text.starts_with('-') ? "(" + e.text + ")" : e.text;
    case EKind::kName:
      return e.text;
    case EKind::kIndex:
      return e.text + "[" + Expr(e.args[0]) + "]";
    case EKind::kUnary:
      return e.text + Wrapped(Expr(e.args[0]),
                              Strength(*e.args[0]) < 11 || e.args[0]->kind == EKind::kUnary);
    case EKind::kBinary: {
      const int own = Strength(e);
      return Wrapped(Expr(e.args[0]), Strength(*e.args[0]) < own) + " " + e.text + " " +
             Wrapped(Expr(e.args[1]), Strength(*e.args[1]) <= own);
    }
    case EKind::kSelect:
      return "(" + Expr(e.args[0]) + " ? " + Expr(e.args[1]) + " : " + Expr(e.args[2]) + ")";
    case EKind::kCall: {
      std::vector<std::string> arguments;
      for (const IrExprPtr& a : e.args) arguments.push_back(Expr(a));
      std::string name = e.spelled;
      if (name == "std::max<float>") name = cuda_ ? "fmaxf" : "fmax";
      if (name == "std::min<float>") name = cuda_ ? "fminf" : "fmin";
      return name + "(" + Join(arguments, ", ") + ")";
    }
    case EKind::kCast:
      return "(" + e.text + ")(" + Expr(e.args[0]) + ")";
  }
  return "";
}

std::string DeviceText::Statement(const IrStmt& s, const Replace& replace) const {
  if (replace) {
    if (auto text = replace(s)) return *text;
  }
  switch (s.kind) {
    case SKind::kDecl:
      return s.cpp_type + " " + s.name + (s.value ? " = " + Expr(s.value) : "") + ";\n";
    case SKind::kAssign:
      return Expr(s.target) + " " + s.op + " " + Expr(s.value) + ";\n";
    case SKind::kFor:
      return "for (" + s.cpp_type + " " + s.name + " = " + Expr(s.low) + "; " + s.name + " < " +
             Wrapped(Expr(s.high), Strength(*s.high) <= 7) + "; ++" + s.name + ") {\n" +
             Statements(s.body, replace) + "}\n";
    case SKind::kIf: {
      std::string text = "if (" + Expr(s.condition) + ") {\n" + Statements(s.body, replace) + "}";
      if (!s.other.empty()) text += " else {\n" + Statements(s.other, replace) + "}";
      return text + "\n";
    }
    case SKind::kBlock:
      return "{\n" + Statements(s.body, replace) + "}\n";
    case SKind::kOpaque:
      break;
  }
  return s.text + "\n";
}

std::string DeviceText::Statements(const std::vector<IrStmt>& body, const Replace& replace) const {
  std::string text;
  for (const IrStmt& s : body) text += Statement(s, replace);
  return text;
}

std::string DeviceText::Unflatten(const std::vector<LoopHeader>& loops,
                                  const std::string& flat) const {
  std::string text;
  for (size_t i = loops.size(); i-- > 0;) {
    const LoopHeader& loop = loops[i];
    const std::string type = loop.cpp_type == "int64_t" ? index_ : loop.cpp_type;
    if (i == 0) {
      text += "const " + type + " " + loop.name + " = " + flat + ";\n";
      continue;
    }
    const std::string extent = "(" + Expr(loop.high) + ")";
    text += "const " + type + " " + loop.name + " = " + flat + " % " + extent + ";\n";
    text += flat + " /= " + extent + ";\n";
  }
  return text;
}

std::string DeviceText::ExtentText(const std::vector<LoopHeader>& loops) const {
  std::vector<std::string> factors;
  for (const LoopHeader& loop : loops) factors.push_back("(" + Expr(loop.high) + ")");
  return factors.empty() ? "1" : "(" + Join(factors, " * ") + ")";
}

std::optional<std::string> PlanExtent(const VirtualNest& nest,
                                      const std::vector<LoopHeader>& loops) {
  std::vector<std::string> factors;
  for (const LoopHeader& loop : loops) {
    const std::optional<std::string> factor = nest.PlanText(loop.high);
    if (!factor) return std::nullopt;
    factors.push_back(*factor);
  }
  return factors.empty() ? "1" : Join(factors, "*");
}

std::string IndentBody(const std::string& text) {
  // Shared with the CPU skills: by brace depth.
  return Indent(text, 2);
}

std::optional<std::string> ReplaceKernel(const DeviceContext& context, const VirtualNest& nest,
                                         const KernelRewrite& rewrite) {
  std::string source = context.source();
  source.replace(nest.body_begin, nest.body_end - nest.body_begin,
                 "{\n" + IndentBody(rewrite.body) + "}");
  source = WithoutLaunchBounds(std::move(source), nest.body_begin);
  if (!rewrite.bound.empty() && context.IsCuda()) {
    const size_t name = source.rfind(nest.kernel + "(", nest.body_begin);
    if (name == std::string::npos) return std::nullopt;
    source.insert(name, "__launch_bounds__(" + rewrite.bound + ") ");
  }
  for (const std::string& include : rewrite.includes) {
    const std::string line = "#include <" + include + ">\n";
    if (source.find(line) == std::string::npos) source = line + source;
  }
  for (const auto& [name, value] : rewrite.constants) {
    auto next = WithNewConstant(source, name, value);
    if (!next) return std::nullopt;
    source = *std::move(next);
  }
  auto grid = WithLaunchOption(source, nest.launch, "grid", "(" + rewrite.grid + ")");
  if (!grid) return std::nullopt;
  auto block = WithLaunchOption(*grid, nest.launch, "block", "(" + rewrite.block + ")");
  if (!block || rewrite.shared.empty()) return block;
  return WithLaunchOption(*block, nest.launch, "shared", rewrite.shared);
}

std::optional<OwnKernels> WithOwnKernels(const DeviceContext& context, const DeviceKernel& kernel) {
  Node declarator = kernel.definition.Child("declarator");
  while (declarator && !declarator.Is("function_declarator")) {
    declarator = declarator.Child("declarator");
  }
  const Node name = declarator.Child("declarator");
  if (context.IsTriton() || !name.Is("identifier")) return std::nullopt;
  const std::string& source = context.source();
  const size_t begin = source.rfind('\n', kernel.definition.begin()) + 1;
  const size_t end = kernel.definition.end();
  OwnKernels own;
  std::string copies;
  for (size_t i = 0; i < kernel.launches.size(); ++i) {
    own.names.push_back(i == 0 ? kernel.name
                               : context.FreshName(kernel.name + "_" + std::to_string(i + 1)));
    if (i == 0) continue;
    copies += "\n\n" + source.substr(begin, name.begin() - begin) + own.names.back() +
              source.substr(name.end(), end - name.end());
  }
  own.source = source.substr(0, end) + copies + source.substr(end);
  for (size_t i = 1; i < kernel.launches.size(); ++i) {
    auto next = WithLaunchKernel(own.source, kernel.launches[i], own.names[i]);
    if (!next) return std::nullopt;
    own.source = *std::move(next);
  }
  return own;
}

bool NamesAreFree(const VirtualNest& nest) {
  const auto own = [](const std::string& name) { return name.starts_with("ks_"); };
  for (const auto& [name, element] : nest.ir.arrays) {
    if (own(name)) return false;
  }
  return std::none_of(nest.ir.scalars.begin(), nest.ir.scalars.end(),
                      [&](const auto& scalar) { return own(scalar.first); });
}

std::string TypeOfLocal(const VirtualNest& nest, const std::string& name) {
  std::string type;
  ForEachStmt(nest.ir.body, [&](const IrStmt& s) {
    if (s.kind == SKind::kDecl && s.name == name) type = s.cpp_type;
  });
  return type;
}

}  // namespace ks
