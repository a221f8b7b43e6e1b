#include "propose/cpp/effects.h"

#include <algorithm>

namespace ks {
namespace {

// Walks a region once, in order.
class Collector {
 public:
  explicit Collector(const Function& function, Node region)
      : function_(function), region_(region) {}

  Effects Run() {
    for (const auto& decl : function_.decls()) {
      if (region_.Contains(decl->node) && !decl->is_parameter) effects_.declared.insert(decl.get());
    }
    Visit(region_);
    return std::move(effects_);
  }

 private:
  void Refuse(const std::string& why) {
    if (effects_.understood) effects_.obstacle = why;
    effects_.understood = false;
  }

  void VisitAll(const std::vector<Node>& nodes) {
    for (Node node : nodes) Visit(node);
  }

  void Visit(Node node) {
    const std::string_view kind = node.kind();
    if (kind == "assignment_expression") {
      VisitAssignment(node);
    } else if (kind == "update_expression") {
      Touch(node.Child("argument").Unwrapped(), true, true, "+=");
    } else if (kind == "subscript_expression" || kind == "identifier") {
      Touch(node, true, false, "");
    } else if (kind == "pointer_expression") {
      if (node.Child("operator").text() == "&") {
        Refuse("takes an address");
      } else {
        Touch(node, true, false, "");
      }
    } else if (kind == "call_expression") {
      VisitCall(node);
    } else if (kind == "declaration") {
      VisitDeclaration(node);
    } else if (kind == "break_statement" || kind == "continue_statement") {
      VisitJump(node);
    } else if (kind == "return_statement" || kind == "goto_statement") {
      effects_.jumps_out = true;
      VisitAll(node.NamedChildren());
    } else if (kind == "lambda_expression" || kind == "field_expression" ||
               kind == "new_expression" || kind == "delete_expression" ||
               kind == "throw_statement" || kind == "try_statement" || kind == "asm_statement" ||
               kind == "gnu_asm_expression" || kind == "for_range_loop" ||
               kind == "labeled_statement" || kind == "switch_statement" ||
               kind == "co_await_expression") {
      Refuse("contains a " + std::string(kind));
    } else if (kind == "type_descriptor" || kind == "primitive_type" || kind == "type_identifier" ||
               kind == "template_argument_list") {
      return;
    } else {
      VisitAll(node.NamedChildren());
    }
  }

  void VisitAssignment(Node node) {
    const std::string op(node.Child("operator").text());
    Visit(node.Child("right"));
    Touch(node.Child("left").Unwrapped(), op != "=", true, op);
  }

  void VisitDeclaration(Node node) {
    for (Node child : node.NamedChildren()) {
      if (child.Is("storage_class_specifier") && child.text() != "constexpr") {
        Refuse("a static local");
      }
      if (!child.Is("init_declarator")) continue;
      const Node value = child.Child("value");
      // A pointer local is an alias: its uses are resolved where they happen.
      const bool pointer = child.Child("declarator").Is("pointer_declarator");
      if (pointer && !function_.AddressOf(value)) Refuse("an unknown pointer");
      if (child.Child("declarator").Is("reference_declarator")) Refuse("a reference");
      if (pointer) continue;
      Visit(value);
    }
  }

  void VisitJump(Node node) {
    const bool is_break = node.Is("break_statement");
    for (Node at = node.parent(); at; at = at.parent()) {
      const bool loop = at.Is("for_statement") || at.Is("while_statement") || at.Is("do_statement");
      if (loop && region_.Contains(at) && at != region_) return;
      if (loop && at == region_ && !is_break) return;
      if (at == region_ || loop) break;
    }
    (is_break ? effects_.jumps_out : effects_.has_continue) = true;
  }

  void VisitCall(Node node) {
    Node operand;
    if (IsCast(node, &operand)) return Visit(operand);
    effects_.calls.push_back(node);
    const std::string name = PlainCalleeName(node);
    if (name.empty()) return Refuse("an indirect call");
    const bool known = IsPureMathCall(name);
    for (Node argument : CallArguments(node)) {
      if (!known && function_.AddressOf(argument)) return Refuse("passes a pointer to " + name);
      Visit(argument);
    }
    if (!known && name.find("thread") != std::string::npos) Refuse("calls " + name);
  }

  // A use of an lvalue: an array element, a scalar, or something not understood.
  void Touch(Node node, bool read, bool write, const std::string& op) {
    if (node.Is("identifier")) {
      const Decl* decl = function_.Resolve(node);
      if (decl == nullptr) {
        if (write) Refuse("writes a global");
        return;
      }
      if (write && decl->kind == DeclKind::kPointer) Refuse("moves a pointer");
      if (decl->kind == DeclKind::kReference) Refuse("uses a reference");
      effects_.scalars.push_back({node, decl, read, write, op});
      return;
    }
    if (node.Is("subscript_expression")) {
      if (const Node index = SubscriptIndex(node)) Visit(index);
    }
    const std::optional<Address> address = function_.AddressOfElement(node);
    if (!address) {
      if (write) return Refuse("writes through an unknown pointer");
      // An element of a vector value (v[3]) is a use of the scalar.
      const Node base = node.Child("argument").Unwrapped();
      const Decl* decl = base.Is("identifier") ? function_.Resolve(base) : nullptr;
      if (decl != nullptr && decl->kind == DeclKind::kScalar) {
        effects_.scalars.push_back({base, decl, true, false, ""});
        return;
      }
      return Refuse("reads through an unknown pointer");
    }
    effects_.accesses.push_back({node, address->base, address->index, read, write, op});
  }

  const Function& function_;
  Node region_;
  Effects effects_;
};

}  // namespace

bool Effects::Writes(const Decl* decl) const {
  return std::any_of(accesses.begin(), accesses.end(),
                     [&](const Access& a) { return a.base == decl && a.write; }) ||
         std::any_of(scalars.begin(), scalars.end(),
                     [&](const ScalarUse& s) { return s.decl == decl && s.write; });
}

bool Effects::Reads(const Decl* decl) const {
  return std::any_of(accesses.begin(), accesses.end(),
                     [&](const Access& a) { return a.base == decl && a.read; }) ||
         std::any_of(scalars.begin(), scalars.end(),
                     [&](const ScalarUse& s) { return s.decl == decl && s.read; });
}

Effects EffectsOf(const Function& function, Node region) {
  return Collector(function, region).Run();
}

bool IsPureMathCall(const std::string& plain_name) {
  static constexpr std::string_view kNames[] = {
      "abs",   "acos",  "asin",  "atan",      "atan2", "cbrt",    "ceil", "cos",   "cosh",
      "erf",   "exp",   "exp2",  "expm1",     "fabs",  "floor",   "fma",  "fmax",  "fmin",
      "fmod",  "hypot", "log",   "log10",     "log1p", "log2",    "max",  "min",   "pow",
      "round", "rsqrt", "sin",   "sinh",      "sqrt",  "tan",     "tanh", "trunc", "lrint",
      "isnan", "isinf", "clamp", "nearbyint", "rint",  "copysign"};
  std::string_view name = plain_name;
  const auto listed = [](std::string_view text) {
    return std::find(std::begin(kNames), std::end(kNames), text) != std::end(kNames);
  };
  if (listed(name)) return true;
  if (name.starts_with("__builtin_")) name.remove_prefix(10);
  if (listed(name)) return true;
  return name.ends_with('f') && listed(name.substr(0, name.size() - 1));
}

}  // namespace ks
