#include "propose/vector/lane_expr.h"

#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using ExprKind = IrExpr::Kind;

int PrecedenceOf(const std::string& op) {
  if (op == "*" || op == "/") return 10;
  if (op == "+" || op == "-") return 9;
  if (op == "<" || op == ">" || op == "<=" || op == ">=") return 7;
  if (op == "==" || op == "!=") return 6;
  return 1;
}

std::string Wrapped(std::string text, bool wrap) {
  return wrap ? "(" + std::move(text) + ")" : std::move(text);
}

std::string Capitalized(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

}  // namespace

bool LanePrinter::Varies(const IrExprPtr& e) const {
  if (context_.lane_loop.empty()) return false;
  for (const std::string& name : NamesIn(e)) {
    if (name == context_.lane_loop || context_.varying.count(name) > 0) return true;
  }
  return false;
}

bool LanePrinter::PerRow(const IrExprPtr& e) const {
  if (context_.jam_loop.empty() || !e) return false;
  for (const std::string& name : NamesIn(e)) {
    if (name == context_.jam_loop || context_.per_row.count(name) > 0) return true;
  }
  return false;
}

std::string LanePrinter::Local(const std::string& name) const {
  const auto renamed = context_.renamed.find(name);
  const std::string text = renamed == context_.renamed.end() ? name : renamed->second;
  return context_.per_row.count(name) > 0 && !context_.row.empty() ? text + "[" + context_.row + "]"
                                                                   : text;
}

std::string LanePrinter::Scalar(const IrExprPtr& e) const {
  std::map<std::string, IrExprPtr> values;
  if (!context_.row.empty()) {
    values[context_.jam_loop] = MakeBinary("+", MakeName(context_.jam_loop, IrType::kInt),
                                           MakeName(context_.row, IrType::kInt), IrType::kInt);
    for (const std::string& name : context_.per_row) {
      values[name] = MakeName(Local(name), IrType::kOther);
    }
  }
  return ToText(*Substitute(e, values));
}

Power PowerForm(const IrExpr& call, int* factors) {
  if (call.args.size() != 2 || call.args[1]->kind != IrExpr::Kind::kNumber) return Power::kNone;
  std::string text = call.args[1]->text;
  while (text.ends_with('f') || text.ends_with('F')) text.pop_back();
  char* end = nullptr;
  const double exponent = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return Power::kNone;
  if (exponent == 0.5) return Power::kRoot;
  if (exponent != std::floor(exponent)) return Power::kReal;
  if (exponent < 2 || exponent > 4) return Power::kNone;
  if (factors != nullptr) *factors = static_cast<int>(exponent);
  return Power::kWhole;
}

std::string LanePrinter::Operand(const IrExprPtr& e, int precedence) const {
  if (!Varies(e)) return Wrapped(Scalar(e), e->kind == ExprKind::kBinary);
  return Any(e, precedence);
}

std::string LanePrinter::Load(const IrExpr& e) const {
  if (NeedsGather(e.args[0], context_.lane_loop, context_.varying)) {
    const std::string what = e.text + ", " + Int(e.args[0]) + ", ";
    return context_.mask.empty() ? "Gather(shape, " + what + "live)"
                                 : "GatherIf(" + what + context_.mask + ")";
  }
  const auto stride = Polynomial::Of(e.args[0]).StrideOf(context_.lane_loop);
  const std::string address = "&" + e.text + "[" + Scalar(e.args[0]) + "]";
  const int64_t step = stride ? stride->Constant().value_or(1) : 1;
  const std::string key = e.text + "[" + ToText(*e.args[0]) + "]";
  const bool plain = context_.mask.empty() || context_.safe_loads.count(key) > 0;
  if (context_.mask.empty()) context_.safe_loads.insert(key);
  const std::string lanes = plain ? "live" : context_.mask;
  if (step != 1) {
    const std::string tail = address + ", " + std::to_string(step) + ", " + lanes + ")";
    return plain ? "LoadStrided(shape, " + tail : "LoadStridedIf<U>(" + tail;
  }
  return plain ? "Load(shape, " + address + ", live)" : "LoadIf<U>(" + address + ", " + lanes + ")";
}

std::string LanePrinter::Call(const IrExpr& e) const {
  int factors = 0;
  const Power power = e.text == "pow" ? PowerForm(e, &factors) : Power::kReal;
  if (power == Power::kRoot) return "Sqrt(" + Float(e.args[0]) + ")";
  if (power == Power::kWhole) {
    const std::string base = Operand(e.args[0], 11);
    std::string product = base;
    for (int i = 1; i < factors; ++i) product += " * " + base;
    return "(" + product + ")";
  }
  std::vector<std::string> arguments;
  for (const IrExprPtr& a : e.args) arguments.push_back(Float(a));
  return Capitalized(e.text) + "(" + Join(arguments, ", ") + ")";
}

std::string LanePrinter::Binary(const IrExpr& e, int precedence) const {
  const int own = PrecedenceOf(e.text);
  const bool floats = e.args[0]->type == IrType::kFloat || e.args[1]->type == IrType::kFloat;
  const auto side = [&](const IrExprPtr& a, int p) {
    const bool convert = floats && a->type != IrType::kFloat && Varies(a);
    return convert ? Float(a) : Operand(a, p);
  };
  if (e.text == "/" && floats && !Varies(e.args[1]) && e.args[1]->type == IrType::kFloat) {
    // One division for the whole loop: the reciprocal does not vary.
    const std::string divisor = Wrapped(Scalar(e.args[1]), e.args[1]->kind == ExprKind::kBinary);
    return Wrapped(side(e.args[0], 10) + " * (1.0f / " + divisor + ")", precedence > 10);
  }
  return Wrapped(side(e.args[0], own) + " " + e.text + " " + side(e.args[1], own + 1),
                 own < precedence);
}

std::string LanePrinter::Any(const IrExprPtr& e, int precedence) const {
  switch (e->kind) {
    case ExprKind::kNumber:
      return e->text;
    case ExprKind::kName:
      if (e->text == context_.lane_loop) return "Iota<U>(" + e->text + ")";
      return Local(e->text);
    case ExprKind::kIndex:
      return Load(*e);
    case ExprKind::kUnary:
      return e->text == "!" ? "~" + Wrapped(Mask(e->args[0]), true)
                            : Wrapped("-" + Operand(e->args[0], 11), precedence > 10);
    case ExprKind::kBinary:
      if (e->text == "&&" || e->text == "||") return Mask(e);
      return Binary(*e, precedence);
    case ExprKind::kSelect: {
      const bool real = e->type == IrType::kFloat;
      const auto lane = [&](const IrExprPtr& a) { return real ? Float(a) : Int(a); };
      return "Select(" + Mask(e->args[0]) + ", " + lane(e->args[1]) + ", " + lane(e->args[2]) + ")";
    }
    case ExprKind::kCall:
      return Call(*e);
    case ExprKind::kCast: {
      const bool to_float = e->type == IrType::kFloat;
      const bool from_float = e->args[0]->type == IrType::kFloat;
      if (to_float) return Float(e->args[0]);
      return from_float ? "ToInt(" + Float(e->args[0]) + ")" : Int(e->args[0]);
    }
  }
  return "";
}

std::string LanePrinter::Float(const IrExprPtr& e) const {
  if (!Varies(e)) return "Splat<U>(" + Scalar(e) + ")";
  return e->type == IrType::kFloat ? Any(e, 0) : "ToFloat(" + Any(e, 0) + ")";
}

std::string LanePrinter::Int(const IrExprPtr& e) const {
  if (!Varies(e)) return "SplatInt<U>(static_cast<int32_t>(" + Scalar(e) + "))";
  return Any(e, 0);
}

std::string LanePrinter::Mask(const IrExprPtr& e) const {
  if (!Varies(e)) return "SplatMask<U>(" + Scalar(e) + ")";
  if (e->kind == ExprKind::kBinary && (e->text == "&&" || e->text == "||")) {
    return "(" + Mask(e->args[0]) + (e->text == "&&" ? " & " : " | ") + Mask(e->args[1]) + ")";
  }
  return Wrapped(Any(e, 0), e->kind == ExprKind::kBinary);
}

std::string LanePrinter::Lane(const IrExprPtr& e, IrType as) const {
  if (as == IrType::kFloat) return Float(e);
  return as == IrType::kBool ? Mask(e) : Int(e);
}

}  // namespace ks
