// Syntax tree -> KernelIr.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "propose/vector/loop_ir.h"

namespace ks {
namespace {

IrType TypeOf(std::string_view cpp_type) {
  static constexpr std::string_view kInts[] = {
      "int",          "int64_t",        "std::int64_t", "int32_t",  "std::int32_t", "size_t",
      "std::size_t",  "unsigned",       "uint64_t",     "uint32_t", "uint8_t",      "ptrdiff_t",
      "long",         "long long",      "char",         "int16_t",  "uint16_t",     "int8_t",
      "std::uint8_t", "std::ptrdiff_t", "uint",         "ulong",    "uchar"};
  if (cpp_type == "float" || cpp_type == "double") return IrType::kFloat;
  if (cpp_type == "__half" || cpp_type == "half" || cpp_type == "__nv_bfloat16") {
    return IrType::kFloat;  // device languages
  }
  if (cpp_type == "bool") return IrType::kBool;
  return std::find(std::begin(kInts), std::end(kInts), cpp_type) != std::end(kInts)
             ? IrType::kInt
             : IrType::kOther;
}

// "std::expf" -> "exp" for the functions that vector code knows; else the spelling.
std::string CanonicalCall(std::string_view spelled) {
  std::string_view bare = spelled;
  if (bare.starts_with("std::")) bare.remove_prefix(5);
  if (const size_t cut = bare.find('<'); cut != std::string_view::npos) bare = bare.substr(0, cut);
  static constexpr std::string_view kKnown[] = {
      "exp",  "log",   "tanh",  "sqrt", "erf",  "fabs",  "abs",  "pow",   "max", "min", "fmax",
      "fmin", "log1p", "expm1", "exp2", "log2", "floor", "ceil", "rsqrt", "sin", "cos", "erfc"};
  for (std::string_view name : kKnown) {
    if (bare == name ||
        (bare.size() == name.size() + 1 && bare.starts_with(name) && bare.back() == 'f')) {
      if (name == "fmax") return "max";
      if (name == "fmin") return "min";
      return std::string(name == "fabs" ? "abs" : name);
    }
  }
  return std::string(spelled);
}

IrType Promote(IrType a, IrType b) {
  if (a == IrType::kFloat || b == IrType::kFloat) return IrType::kFloat;
  if (a == IrType::kOther || b == IrType::kOther) return IrType::kOther;
  return IrType::kInt;
}

struct Pointer {
  std::string array;
  IrExprPtr offset;
};

struct Scope {
  std::map<std::string, Pointer> aliases;
  std::map<std::string, IrExprPtr> inlined;
  std::map<std::string, IrType> types;
};

class Builder {
 public:
  explicit Builder(KernelIr& kernel) : kernel_(kernel) {}

  bool Parameters(Node list);
  void Body(Node body) {
    CollectAssigned(body);
    kernel_.body = Block(body.NamedChildren(), 0);
  }

 private:
  void CollectAssigned(Node body);
  std::vector<IrStmt> Block(const std::vector<Node>& statements, size_t from);
  std::vector<IrStmt> Scoped(Node statement);
  std::optional<std::vector<IrStmt>> Declaration(Node node);
  bool Declarator(Node node, Node declarator, const std::string& type, std::vector<IrStmt>& out);
  std::optional<IrStmt> For(Node node);
  std::optional<IrStmt> If(Node node, Node alternative);
  std::optional<IrStmt> Assignment(Node expression);
  std::optional<IrStmt> Statement(Node node);
  IrStmt Opaque(Node node);

  IrExprPtr Expr(Node node);  // null: not understood
  IrExprPtr Name(Node node);
  IrExprPtr Number(Node node);
  IrExprPtr Binary(Node node);
  IrExprPtr Unary(Node node);
  IrExprPtr Call(Node node);
  IrExprPtr Subscript(Node node);
  std::optional<Pointer> PointerValue(Node node);

  KernelIr& kernel_;
  Scope scope_;
  std::set<std::string> assigned_;  // reassigned after their declaration
};

std::shared_ptr<IrExpr> New(IrExpr::Kind kind, std::string text, std::vector<IrExprPtr> args,
                            IrType type) {
  return std::make_shared<IrExpr>(IrExpr{kind, std::move(text), "", std::move(args), type});
}

IrExprPtr Negate(const IrExprPtr& e) {
  if (e->kind == IrExpr::Kind::kBinary) {
    if (e->text == "||" || e->text == "&&") {
      return New(IrExpr::Kind::kBinary, e->text == "||" ? "&&" : "||",
                 {Negate(e->args[0]), Negate(e->args[1])}, IrType::kBool);
    }
    static const std::map<std::string, std::string> kFlip = {
        {"<", ">="}, {">=", "<"}, {">", "<="}, {"<=", ">"}, {"==", "!="}, {"!=", "=="}};
    const auto flipped = kFlip.find(e->text);
    if (flipped != kFlip.end() && e->args[0]->type == IrType::kInt &&
        e->args[1]->type == IrType::kInt) {
      return New(IrExpr::Kind::kBinary, flipped->second, e->args, IrType::kBool);
    }
  }
  if (e->kind == IrExpr::Kind::kUnary && e->text == "!") return e->args[0];
  return New(IrExpr::Kind::kUnary, "!", {e}, IrType::kBool);
}

bool ReadsMemory(const IrExprPtr& e) {
  bool reads = false;
  ForEachExpr(e, [&](const IrExpr& x) {
    reads = reads || x.kind == IrExpr::Kind::kIndex || x.kind == IrExpr::Kind::kCall;
  });
  return reads;
}

// The declared type without const, static and thread_local; `is_const` tells the former.
std::string DeclaredType(Node declaration, bool& is_const) {
  for (Node child : declaration.children()) {
    if (child.Is("type_qualifier") && (child.text() == "const" || child.text() == "constexpr")) {
      is_const = true;
    }
  }
  return std::string(declaration.Child("type").text());
}

bool Builder::Parameters(Node list) {
  for (Node parameter : list.NamedChildren()) {
    if (!parameter.Is("parameter_declaration")) return false;
    IrParameter p;
    p.element = DeclaredType(parameter, p.is_const);
    Node declarator = parameter.Child("declarator");
    if (declarator.Is("pointer_declarator")) {
      p.pointer = true;
      declarator = declarator.Child("declarator");
    }
    if (!declarator.Is("identifier")) return false;
    p.name = std::string(declarator.text());
    if (p.pointer) {
      kernel_.arrays[p.name] = p.element;
    } else {
      scope_.types[p.name] = kernel_.scalars[p.name] = TypeOf(p.element);
    }
    kernel_.parameters.push_back(std::move(p));
  }
  return true;
}

void Builder::CollectAssigned(Node body) {
  for (Node node : body.Subtree()) {
    Node target;
    if (node.Is("assignment_expression")) target = node.Child("left");
    if (node.Is("update_expression")) target = node.Child("argument");
    if (target && target.Unwrapped().Is("identifier")) {
      assigned_.insert(std::string(target.Unwrapped().text()));
    }
    if (node.Is("pointer_expression") && node.text().starts_with('&')) {
      const Node argument = node.Child("argument").Unwrapped();
      if (argument.Is("identifier")) assigned_.insert(std::string(argument.text()));
    }
  }
}

IrStmt Builder::Opaque(Node node) {
  IrStmt s;
  s.begin = node.begin();
  s.end = node.end();
  s.text = std::string(node.text());
  return s;
}

std::vector<IrStmt> Builder::Scoped(Node statement) {
  Scope saved = scope_;
  std::vector<IrStmt> out = statement.Is("compound_statement") ? Block(statement.NamedChildren(), 0)
                                                               : Block({statement}, 0);
  scope_ = std::move(saved);
  return out;
}

std::vector<IrStmt> Builder::Block(const std::vector<Node>& statements, size_t from) {
  std::vector<IrStmt> out;
  for (size_t i = from; i < statements.size(); ++i) {
    const Node node = statements[i];
    if (node.Is("declaration")) {
      if (auto declared = Declaration(node)) {
        for (IrStmt& s : *declared) out.push_back(std::move(s));
      } else {
        out.push_back(Opaque(node));
      }
      continue;
    }
    if (node.Is("if_statement") && !node.Child("alternative")) {
      // "if (c) continue; rest" is "if (!c) { rest }".
      Node then = node.Child("consequence");
      const auto inner = then.Is("compound_statement") ? then.NamedChildren() : std::vector{then};
      const IrExprPtr condition = Expr(node.Child("condition"));
      if (condition && inner.size() == 1 && inner[0].Is("continue_statement")) {
        IrStmt s;
        s.kind = IrStmt::Kind::kIf;
        s.begin = node.begin();
        s.end = statements.back().end();
        s.condition = Negate(condition);
        s.body = Block(statements, i + 1);
        out.push_back(std::move(s));
        return out;
      }
    }
    std::optional<IrStmt> s = Statement(node);
    out.push_back(s ? std::move(*s) : Opaque(node));
  }
  return out;
}

std::optional<IrStmt> Builder::Statement(Node node) {
  if (node.Is("for_statement")) return For(node);
  if (node.Is("if_statement")) return If(node, node.Child("alternative"));
  if (node.Is("compound_statement")) {
    IrStmt s;
    s.kind = IrStmt::Kind::kBlock;
    s.begin = node.begin();
    s.end = node.end();
    s.body = Scoped(node);
    return s;
  }
  if (node.Is("expression_statement") && node.NamedChildren().size() == 1) {
    return Assignment(node.NamedChildren()[0]);
  }
  return std::nullopt;
}

std::optional<IrStmt> Builder::If(Node node, Node alternative) {
  IrStmt s;
  s.kind = IrStmt::Kind::kIf;
  s.begin = node.begin();
  s.end = node.end();
  s.condition = Expr(node.Child("condition"));
  if (!s.condition) return std::nullopt;
  s.body = Scoped(node.Child("consequence"));
  if (alternative) {
    if (alternative.Is("else_clause")) {
      if (alternative.NamedChildren().empty()) return std::nullopt;
      alternative = alternative.NamedChildren()[0];
    }
    s.other = Scoped(alternative);
  }
  return s;
}

std::optional<IrStmt> Builder::Assignment(Node e) {
  IrStmt s;
  s.kind = IrStmt::Kind::kAssign;
  s.begin = e.begin();
  s.end = e.end();
  if (e.Is("update_expression")) {
    s.target = Expr(e.Child("argument"));
    s.op = e.text().find("++") != std::string_view::npos ? "+=" : "-=";
    s.value = MakeNumber(1);
  } else if (e.Is("assignment_expression")) {
    s.target = Expr(e.Child("left"));
    s.op = std::string(e.Child("operator").text());
    s.value = Expr(e.Child("right"));
  }
  if (!s.target || !s.value) return std::nullopt;
  if (s.target->kind != IrExpr::Kind::kName && s.target->kind != IrExpr::Kind::kIndex) {
    return std::nullopt;
  }
  return s;
}

std::optional<std::vector<IrStmt>> Builder::Declaration(Node node) {
  bool is_const = false;
  const std::string type = DeclaredType(node, is_const);
  for (Node child : node.children()) {
    if (child.Is("storage_class_specifier")) return std::nullopt;
  }
  std::vector<IrStmt> out;
  bool first = true;
  for (Node child : node.NamedChildren()) {
    if (child == node.Child("type") || child.Is("type_qualifier")) continue;
    if (!first && TypeOf(type) == IrType::kOther) return std::nullopt;
    first = false;
    if (!Declarator(node, child, type, out)) return std::nullopt;
  }
  return out;
}

bool Builder::Declarator(Node node, Node child, const std::string& type, std::vector<IrStmt>& out) {
  Node declarator = child.Is("init_declarator") ? child.Child("declarator") : child;
  const Node value = child.Is("init_declarator") ? child.Child("value") : Node();
  const bool vector_type = type.starts_with("std::vector<") && type.ends_with(">");
  // "std::vector<float> v(n);" reads as a function to the grammar.
  if (vector_type && declarator.Is("function_declarator")) {
    declarator = declarator.Child("declarator");
  }
  if (vector_type && declarator.Is("identifier")) {
    const std::string element(Trim(std::string_view(type).substr(12, type.size() - 13)));
    kernel_.arrays[std::string(declarator.text())] = element;
    out.push_back(Opaque(node));
    return true;
  }
  if (declarator.Is("array_declarator") && !value) {
    const Node base = declarator.Child("declarator");
    if (!base.Is("identifier") || TypeOf(type) == IrType::kOther) return false;
    kernel_.arrays[std::string(base.text())] = type;
    out.push_back(Opaque(node));
    return true;
  }
  if (declarator.Is("pointer_declarator") || (type == "auto" && value && PointerValue(value))) {
    if (declarator.Is("pointer_declarator")) declarator = declarator.Child("declarator");
    if (!declarator.Is("identifier") || !value) return false;
    const std::string name(declarator.text());
    const auto pointer = PointerValue(value);
    if (!pointer || assigned_.count(name) > 0) return false;
    scope_.aliases[name] = *pointer;
    kernel_.hidden.insert(name);
    return true;
  }
  if (!declarator.Is("identifier")) return false;
  IrStmt s;
  s.kind = IrStmt::Kind::kDecl;
  s.begin = node.begin();
  s.end = node.end();
  s.name = std::string(declarator.text());
  s.cpp_type = type;
  if (value) {
    s.value = Expr(value);
    if (!s.value) return false;
  }
  s.type = type == "auto" && s.value ? s.value->type : TypeOf(type);
  if (s.type == IrType::kOther) return false;
  scope_.types[s.name] = kernel_.scalars[s.name] = s.type;
  scope_.aliases.erase(s.name);
  scope_.inlined.erase(s.name);
  if (s.type == IrType::kInt && s.value && s.value->type == IrType::kInt &&
      assigned_.count(s.name) == 0 && !ReadsMemory(s.value)) {
    const bool wraps = WrapsAround(type);
    scope_.inlined[s.name] = wraps ? New(IrExpr::Kind::kCast, type, {s.value}, s.type) : s.value;
    kernel_.hidden.insert(s.name);
    return true;
  }
  out.push_back(std::move(s));
  return true;
}

std::optional<IrStmt> Builder::For(Node node) {
  IrStmt s;
  s.kind = IrStmt::Kind::kFor;
  s.begin = node.begin();
  s.end = node.end();
  const Node init = node.Child("initializer");
  const Node condition = node.Child("condition").Unwrapped();
  const Node update = node.Child("update");
  if (!init.Is("declaration") || !condition.Is("binary_expression") || !update) return std::nullopt;
  bool is_const = false;
  s.cpp_type = DeclaredType(init, is_const);
  const Node declarator = init.Child("declarator");
  if (!declarator.Is("init_declarator") || TypeOf(s.cpp_type) != IrType::kInt) return std::nullopt;
  s.name = std::string(declarator.Child("declarator").text());
  s.low = Expr(declarator.Child("value"));
  const std::string_view step = update.text();
  const bool by_one = step == "++" + s.name || step == s.name + "++" || step == s.name + " += 1";
  if (!s.low || !by_one || condition.Child("left").text() != s.name) return std::nullopt;
  // Nothing else may move the loop variable.
  const Node body = node.Child("body");
  for (Node inner : body.Subtree()) {
    Node target;
    if (inner.Is("assignment_expression")) target = inner.Child("left");
    if (inner.Is("update_expression")) target = inner.Child("argument");
    if (target && target.text() == s.name) {
      bool shadowed = false;  // an inner loop with a variable of the same name
      for (Node up = inner; up && up.begin() > node.begin(); up = up.parent()) {
        shadowed = shadowed || (up.Is("for_statement") && up.begin() != node.begin());
      }
      if (!shadowed) return std::nullopt;
    }
    if (inner.Is("break_statement") || inner.Is("return_statement") || inner.Is("goto_statement")) {
      return std::nullopt;
    }
  }
  Scope saved = scope_;
  scope_.types[s.name] = kernel_.scalars[s.name] = IrType::kInt;
  scope_.inlined.erase(s.name);
  scope_.aliases.erase(s.name);
  s.high = Expr(condition.Child("right"));
  const std::string_view compare = condition.Child("operator").text();
  if (s.high && compare == "<=") {
    s.high = MakeBinary("+", s.high, MakeNumber(1), IrType::kInt);
  } else if (compare != "<" && compare != "!=") {
    s.high = nullptr;
  }
  if (s.high) s.body = Scoped(body);
  scope_ = std::move(saved);
  if (!s.high) return std::nullopt;
  return s;
}

IrExprPtr Builder::Name(Node node) {
  const std::string name(node.text());
  if (const auto found = scope_.inlined.find(name); found != scope_.inlined.end()) {
    return found->second;
  }
  if (scope_.aliases.count(name) > 0 || kernel_.arrays.count(name) > 0) return nullptr;
  const auto type = scope_.types.find(name);
  if (type != scope_.types.end()) return MakeName(name, type->second);
  if (name == "INFINITY" || name == "FLT_MAX" || name == "FLT_EPSILON" || name == "NAN" ||
      name == "CUDART_INF_F") {
    return MakeName(name, IrType::kFloat);
  }
  // Named constants of the file: kX. Their type is not known here; integers are the rule.
  return name.size() > 1 && name[0] == 'k' && name[1] >= 'A' && name[1] <= 'Z'
             ? MakeName(name, IrType::kOther)
             : nullptr;
}

IrExprPtr Builder::Number(Node node) {
  const std::string text(node.text());
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const bool real = !hex && text.find_first_of(".eEfF") != std::string::npos;
  return New(IrExpr::Kind::kNumber, text, {}, real ? IrType::kFloat : IrType::kInt);
}

IrExprPtr Builder::Binary(Node node) {
  const std::string op(node.Child("operator").text());
  IrExprPtr left = Expr(node.Child("left"));
  IrExprPtr right = Expr(node.Child("right"));
  if (!left || !right) return nullptr;
  static const std::set<std::string> kCompare = {"<", ">", "<=", ">=", "==", "!=", "&&", "||"};
  const IrType type = kCompare.count(op) > 0 ? IrType::kBool : Promote(left->type, right->type);
  return MakeBinary(op, std::move(left), std::move(right), type);
}

IrExprPtr Builder::Unary(Node node) {
  const std::string op(node.Child("operator").text());
  IrExprPtr argument = Expr(node.Child("argument"));
  if (!argument || (op != "-" && op != "!" && op != "+")) return nullptr;
  if (op == "+") return argument;
  const IrType type = op == "!" ? IrType::kBool : argument->type;
  return New(IrExpr::Kind::kUnary, op, {std::move(argument)}, type);
}

IrExprPtr Builder::Call(Node node) {
  const Node function = node.Child("function");
  const Node list = node.Child("arguments");
  std::vector<IrExprPtr> args;
  for (Node argument : list.NamedChildren()) {
    args.push_back(Expr(argument));
    if (!args.back()) return nullptr;
  }
  const std::string spelled(function.text());
  if (spelled.starts_with("static_cast<") && args.size() == 1) {
    const std::string type(Trim(std::string_view(spelled).substr(12, spelled.size() - 13)));
    return TypeOf(type) == IrType::kOther
               ? nullptr
               : New(IrExpr::Kind::kCast, type, std::move(args), TypeOf(type));
  }
  if (TypeOf(spelled) != IrType::kOther && args.size() == 1) {
    return New(IrExpr::Kind::kCast, spelled, std::move(args), TypeOf(spelled));
  }
  const std::string canonical = CanonicalCall(spelled);
  if (spelled.starts_with("std::numeric_limits<") && args.empty()) {
    const IrType type =
        spelled.find("float") != std::string::npos || spelled.find("double") != std::string::npos
            ? IrType::kFloat
            : IrType::kInt;
    auto call = New(IrExpr::Kind::kCall, canonical, {}, type);
    call->spelled = spelled;
    return call;
  }
  if (canonical == spelled && canonical.find("::") != std::string::npos) return nullptr;
  static const std::set<std::string> kPure = {
      "exp",   "log",  "tanh", "sqrt",  "erf",  "abs",   "pow", "max", "min", "log1p",
      "expm1", "exp2", "log2", "floor", "ceil", "rsqrt", "sin", "cos", "erfc"};
  if (kPure.count(canonical) == 0 || args.empty()) return nullptr;
  IrType type = IrType::kFloat;
  if (canonical == "max" || canonical == "min" || canonical == "abs") {
    type = args.size() == 2 ? Promote(args[0]->type, args[1]->type) : args[0]->type;
  }
  auto call = New(IrExpr::Kind::kCall, canonical, std::move(args), type);
  call->spelled = spelled;
  return call;
}

IrExprPtr Builder::Subscript(Node node) {
  const auto pointer = PointerValue(node.Child("argument"));
  Node index = node.NamedChildren().size() == 2 ? node.NamedChildren()[1] : Node();
  if (index.Is("subscript_argument_list")) {
    index = index.NamedChildren().size() == 1 ? index.NamedChildren()[0] : Node();
  }
  if (!pointer || !index) return nullptr;
  IrExprPtr at = Expr(index);
  if (!at || (at->type != IrType::kInt && at->type != IrType::kOther)) return nullptr;
  return MakeIndex(pointer->array, MakeBinary("+", pointer->offset, at, IrType::kInt),
                   TypeOf(kernel_.ElementOf(pointer->array)));
}

std::optional<Pointer> Builder::PointerValue(Node node) {
  node = node.Unwrapped();
  if (node.Is("identifier")) {
    const std::string name(node.text());
    if (const auto alias = scope_.aliases.find(name); alias != scope_.aliases.end()) {
      return alias->second;
    }
    if (kernel_.arrays.count(name) > 0 && assigned_.count(name) == 0) {
      return Pointer{name, MakeNumber(0)};
    }
    return std::nullopt;
  }
  if (node.Is("binary_expression") && node.Child("operator").text() == "+") {
    const auto base = PointerValue(node.Child("left"));
    const IrExprPtr offset = base ? Expr(node.Child("right")) : nullptr;
    if (!offset) return std::nullopt;
    return Pointer{base->array, MakeBinary("+", base->offset, offset, IrType::kInt)};
  }
  if (node.Is("pointer_expression") && node.text().starts_with('&')) {
    const IrExprPtr element = Expr(node.Child("argument"));
    if (!element || element->kind != IrExpr::Kind::kIndex) return std::nullopt;
    return Pointer{element->text, element->args[0]};
  }
  if (node.Is("call_expression") && node.text().ends_with(".data()")) {
    const std::string name(node.text().substr(0, node.text().size() - 7));
    if (kernel_.arrays.count(name) > 0) return Pointer{name, MakeNumber(0)};
  }
  return std::nullopt;
}

IrExprPtr Builder::Expr(Node node) {
  if (!node) return nullptr;
  node = node.Unwrapped();
  if (node.Is("condition_clause") && node.NamedChildren().size() == 1) {
    return Expr(node.NamedChildren()[0]);
  }
  if (node.Is("number_literal")) return Number(node);
  if (node.Is("identifier")) return Name(node);
  if (node.Is("subscript_expression")) return Subscript(node);
  if (node.Is("binary_expression")) return Binary(node);
  if (node.Is("unary_expression")) return Unary(node);
  if (node.Is("call_expression")) return Call(node);
  if (node.Is("pointer_expression") && node.text().starts_with('*')) {
    const auto pointer = PointerValue(node.Child("argument"));
    if (!pointer) return nullptr;
    return MakeIndex(pointer->array, pointer->offset, TypeOf(kernel_.ElementOf(pointer->array)));
  }
  if (node.Is("cast_expression")) {
    const std::string type(node.Child("type").text());
    IrExprPtr value = Expr(node.Child("value"));
    return value && TypeOf(type) != IrType::kOther
               ? New(IrExpr::Kind::kCast, type, {std::move(value)}, TypeOf(type))
               : nullptr;
  }
  if (node.Is("conditional_expression")) {
    IrExprPtr condition = Expr(node.Child("condition"));
    IrExprPtr yes = Expr(node.Child("consequence"));
    IrExprPtr no = Expr(node.Child("alternative"));
    if (!condition || !yes || !no) return nullptr;
    const IrType type = Promote(yes->type, no->type);
    return New(IrExpr::Kind::kSelect, "?:", {condition, yes, no}, type);
  }
  return nullptr;
}

}  // namespace

std::optional<KernelIr> BuildKernelIr(const SyntaxTree& tree, std::string_view entry) {
  for (Node node : tree.root().Subtree()) {
    if (!node.Is("function_definition")) continue;
    const Node declarator = node.Child("declarator");
    if (!declarator.Is("function_declarator") || declarator.Child("declarator").text() != entry) {
      continue;
    }
    KernelIr kernel;
    kernel.name = std::string(entry);
    kernel.begin = node.begin();
    kernel.end = node.end();
    const Node body = node.Child("body");
    if (!body.Is("compound_statement")) return std::nullopt;
    Node top = node;
    while (top.parent() && top.parent().parent()) top = top.parent();
    kernel.top_begin = top.begin();
    Builder builder(kernel);
    if (!builder.Parameters(declarator.Child("parameters"))) return std::nullopt;
    builder.Body(body);
    return kernel;
  }
  return std::nullopt;
}

}  // namespace ks
