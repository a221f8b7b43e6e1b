#include "propose/vector/loop_ir.h"

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

int Precedence(const std::string& op) {
  if (op == "*" || op == "/" || op == "%") return 10;
  if (op == "+" || op == "-") return 9;
  if (op == "<<" || op == ">>") return 8;
  if (op == "<" || op == ">" || op == "<=" || op == ">=") return 7;
  if (op == "==" || op == "!=") return 6;
  if (op == "&") return 5;
  if (op == "^") return 4;
  if (op == "|") return 3;
  if (op == "&&") return 2;
  return 1;
}

// `outer`: precedence of what stands around; parentheses when this binds less tightly.
std::string Print(const IrExpr& e, int outer) {
  using Kind = IrExpr::Kind;
  switch (e.kind) {
    case Kind::kNumber:
      return e.text.starts_with('-') ? "(" + e.text + ")" : e.text;
    case Kind::kName:
      return e.text;
    case Kind::kIndex:
      return e.text + "[" + Print(*e.args[0], 0) + "]";
    case Kind::kUnary:
      return e.text + Print(*e.args[0], 11);
    case Kind::kBinary: {
      const int own = Precedence(e.text);
      const std::string text =
          Print(*e.args[0], own) + " " + e.text + " " + Print(*e.args[1], own + 1);
      return own < outer ? "(" + text + ")" : text;
    }
    case Kind::kSelect:
      return "(" + Print(*e.args[0], 1) + " ? " + Print(*e.args[1], 1) + " : " +
             Print(*e.args[2], 1) + ")";
    case Kind::kCall: {
      std::vector<std::string> arguments;
      for (const IrExprPtr& a : e.args) arguments.push_back(Print(*a, 0));
      return e.spelled + "(" + Join(arguments, ", ") + ")";
    }
    case Kind::kCast:
      return "static_cast<" + e.text + ">(" + Print(*e.args[0], 0) + ")";
  }
  return "";
}

bool IsZero(const IrExprPtr& e) { return e->kind == IrExpr::Kind::kNumber && e->text == "0"; }

}  // namespace

std::string KernelIr::ElementOf(const std::string& array) const {
  const auto found = arrays.find(array);
  return found == arrays.end() ? "" : found->second;
}

bool KernelIr::IsConstInput(const std::string& array) const {
  return std::any_of(parameters.begin(), parameters.end(), [&](const IrParameter& p) {
    return p.name == array && p.pointer && p.is_const;
  });
}

bool KernelIr::IsParameter(const std::string& array) const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const IrParameter& p) { return p.name == array; });
}

IrExprPtr MakeNumber(int64_t value) {
  return std::make_shared<IrExpr>(
      IrExpr{IrExpr::Kind::kNumber, std::to_string(value), "", {}, IrType::kInt});
}

IrExprPtr MakeName(std::string name, IrType type) {
  return std::make_shared<IrExpr>(IrExpr{IrExpr::Kind::kName, std::move(name), "", {}, type});
}

IrExprPtr MakeBinary(std::string op, IrExprPtr left, IrExprPtr right, IrType type) {
  if (type == IrType::kInt && op == "+" && IsZero(left)) return right;
  if (type == IrType::kInt && (op == "+" || op == "-") && IsZero(right)) return left;
  return std::make_shared<IrExpr>(
      IrExpr{IrExpr::Kind::kBinary, std::move(op), "", {std::move(left), std::move(right)}, type});
}

IrExprPtr MakeIndex(std::string array, IrExprPtr index, IrType type) {
  return std::make_shared<IrExpr>(
      IrExpr{IrExpr::Kind::kIndex, std::move(array), "", {std::move(index)}, type});
}

std::string ToText(const IrExpr& expression) { return Print(expression, 0); }

IrExprPtr Substitute(const IrExprPtr& expression, const std::map<std::string, IrExprPtr>& values) {
  if (!expression) return expression;
  if (expression->kind == IrExpr::Kind::kName) {
    const auto found = values.find(expression->text);
    return found == values.end() ? expression : found->second;
  }
  IrExpr copy = *expression;
  bool changed = false;
  for (IrExprPtr& a : copy.args) {
    IrExprPtr next = Substitute(a, values);
    changed = changed || next != a;
    a = std::move(next);
  }
  return changed ? std::make_shared<IrExpr>(std::move(copy)) : expression;
}

void ForEachExpr(const IrExprPtr& expression, const std::function<void(const IrExpr&)>& visit) {
  if (!expression) return;
  visit(*expression);
  for (const IrExprPtr& a : expression->args) ForEachExpr(a, visit);
}

void ForEachStmt(const std::vector<IrStmt>& body, const std::function<void(const IrStmt&)>& visit) {
  for (const IrStmt& s : body) {
    visit(s);
    ForEachStmt(s.body, visit);
    ForEachStmt(s.other, visit);
  }
}

std::vector<IrExprPtr> ExprsOf(const IrStmt& s) {
  std::vector<IrExprPtr> out;
  for (const IrExprPtr& e : {s.target, s.value, s.low, s.high, s.condition}) {
    if (e) out.push_back(e);
  }
  return out;
}

std::set<std::string> NamesIn(const IrExprPtr& expression) {
  std::set<std::string> names;
  ForEachExpr(expression, [&](const IrExpr& e) {
    if (e.kind == IrExpr::Kind::kName || e.kind == IrExpr::Kind::kIndex) names.insert(e.text);
  });
  return names;
}

bool WrapsAround(std::string_view cpp_type) {
  static constexpr std::string_view kWhole[] = {
      "int",       "int64_t",   "std::int64_t",   "int32_t",      "std::int32_t", "long",
      "long long", "ptrdiff_t", "std::ptrdiff_t", "auto",         "bool",         "float",
      "double",    "__half",    "half",           "__nv_bfloat16"};
  return std::find(std::begin(kWhole), std::end(kWhole), cpp_type) == std::end(kWhole);
}

bool MayWrapAround(const IrExprPtr& expression) {
  bool found = false;
  ForEachExpr(expression, [&](const IrExpr& e) {
    found = found || (e.kind == IrExpr::Kind::kCast && WrapsAround(e.text)) ||
            (e.kind == IrExpr::Kind::kNumber && e.type == IrType::kInt &&
             e.text.find_first_of("uU") != std::string::npos);
  });
  return found;
}

bool Mentions(const IrExprPtr& expression, const std::string& name) {
  return NamesIn(expression).count(name) > 0;
}

bool HasOpaque(const std::vector<IrStmt>& body) {
  bool found = false;
  ForEachStmt(body, [&](const IrStmt& s) { found = found || s.kind == IrStmt::Kind::kOpaque; });
  return found;
}

bool SameExpr(const IrExprPtr& a, const IrExprPtr& b) {
  if (!a || !b) return !a && !b;
  return ToText(*a) == ToText(*b);
}

}  // namespace ks
