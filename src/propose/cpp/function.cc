#include "propose/cpp/function.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace ks {
namespace {

bool IsScope(Node node) {
  return node.Is("compound_statement") || node.Is("for_statement") || node.Is("for_range_loop") ||
         node.Is("lambda_expression") || node.Is("if_statement") || node.Is("while_statement") ||
         node.Is("function_definition");
}

Node EnclosingScope(Node node) {
  for (Node at = node.parent(); at; at = at.parent()) {
    if (IsScope(at)) return at;
  }
  return {};
}

// The declared identifier below a declarator, and what wraps it.
struct DeclaratorParts {
  Node identifier;
  DeclKind kind = DeclKind::kScalar;
};

DeclaratorParts TakeApart(Node declarator) {
  DeclaratorParts parts;
  while (declarator) {
    if (declarator.Is("identifier")) {
      parts.identifier = declarator;
      return parts;
    }
    if (declarator.Is("pointer_declarator")) {
      parts.kind = DeclKind::kPointer;
    } else if (declarator.Is("reference_declarator")) {
      parts.kind = DeclKind::kReference;
    } else if (declarator.Is("array_declarator")) {
      if (parts.kind == DeclKind::kScalar) parts.kind = DeclKind::kArray;
    } else if (!declarator.Is("init_declarator") && !declarator.Is("parenthesized_declarator")) {
      return {};
    }
    Node next = declarator.Child("declarator");
    if (!next) {
      for (Node child : declarator.NamedChildren()) {
        if (child.Is("identifier") || child.Is("pointer_declarator") ||
            child.Is("array_declarator") || child.Is("parenthesized_declarator")) {
          next = child;
        }
      }
    }
    declarator = next;
  }
  return {};
}

bool HasConst(Node declaration) {
  for (Node child : declaration.NamedChildren()) {
    if (child.Is("type_qualifier") && (child.text() == "const" || child.text() == "constexpr")) {
      return true;
    }
  }
  return false;
}

Node WrittenLvalue(Node node) {
  if (node.Is("assignment_expression")) return node.Child("left").Unwrapped();
  if (node.Is("update_expression")) return node.Child("argument").Unwrapped();
  if (node.Is("pointer_expression") && node.Child("operator").text() == "&") {
    return node.Child("argument").Unwrapped();
  }
  return {};
}

}  // namespace

Function::Function(Node definition) : definition_(definition) {
  body_ = definition.Child("body");
  Node declarator = definition.Child("declarator");
  while (declarator && !declarator.Is("function_declarator")) {
    declarator = declarator.Child("declarator");
  }
  parameters_ = declarator.Child("parameters");
  name_ = std::string(declarator.Child("declarator").text());
  CollectParameters();
  CollectDeclarations();
  NameSymbols();
  ResolveAll();
  CountWrites();
  MarkExtents();
}

void Function::AddDeclarator(Node declaration, Node declarator, Node scope, bool parameter) {
  const DeclaratorParts parts = TakeApart(declarator);
  if (!parts.identifier) return;
  auto decl = std::make_unique<Decl>();
  decl->name = std::string(parts.identifier.text());
  decl->type = std::string(declaration.Child("type").text());
  decl->kind = parts.kind;
  if (decl->kind == DeclKind::kScalar &&
      (decl->type.starts_with("std::vector<") || decl->type.starts_with("std::array<"))) {
    decl->kind = DeclKind::kArray;
  }
  decl->is_const = HasConst(declaration);
  decl->is_parameter = parameter;
  decl->is_loop_variable = scope.Is("for_statement") && scope.Child("initializer") == declaration;
  decl->node = declaration;
  if (declarator.Is("init_declarator")) decl->init = declarator.Child("value");
  decl->scope = scope;
  decls_.push_back(std::move(decl));
}

void Function::CollectParameters() {
  for (Node parameter : parameters_.NamedChildren()) {
    const Node declarator = parameter.Child("declarator");
    if (declarator) AddDeclarator(parameter, declarator, definition_, true);
  }
}

void Function::CollectDeclarations() {
  for (Node node : body_.Subtree()) {
    if (node.Is("parameter_declaration")) {  // of a lambda
      if (node.Child("declarator")) {
        AddDeclarator(node, node.Child("declarator"), EnclosingScope(node), false);
      }
      continue;
    }
    if (!node.Is("declaration")) continue;
    const size_t before = decls_.size();
    const Node type = node.Child("type");
    for (Node child : node.NamedChildren()) {
      if (child == type || child.Is("type_qualifier") || child.Is("storage_class_specifier")) {
        continue;
      }
      AddDeclarator(node, child, EnclosingScope(node), false);
    }
    for (size_t i = before; i < decls_.size(); ++i) {
      decls_[i]->declarators = static_cast<int>(decls_.size() - before);
    }
  }
}

void Function::NameSymbols() {
  std::map<std::string, int> count;
  for (const auto& decl : decls_) {
    const int number = ++count[decl->name];
    decl->symbol = number == 1 ? decl->name : decl->name + "#" + std::to_string(number);
  }
}

void Function::CountWrites() {
  for (Node node : body_.Subtree()) {
    const Node written = WrittenLvalue(node);
    if (!written.Is("identifier")) continue;
    const Decl* decl = Resolve(written);
    if (decl != nullptr && decl->is_loop_variable && decl->scope.Child("update") == node) continue;
    for (const auto& own : decls_) {
      if (own.get() == decl) ++own->writes;
    }
  }
}

void Function::MarkExtents() {
  for (Node node : body_.Subtree()) {
    const Node bound =
        node.Is("for_statement") ? node.Child("condition").Child("right").Unwrapped() : Node();
    const Decl* decl = bound.Is("identifier") ? Resolve(bound) : nullptr;
    for (const auto& own : decls_) {
      if (own.get() == decl) own->is_extent = true;
    }
  }
}

const Decl* Function::Resolve(Node identifier) const {
  const int at = identifier.index() - definition_.index();
  return at >= 0 && at < static_cast<int>(resolved_.size()) ? resolved_[static_cast<size_t>(at)]
                                                            : nullptr;
}

void Function::ResolveAll() {
  const std::vector<Node> nodes = definition_.Subtree();
  resolved_.resize(static_cast<size_t>(nodes.back().index() - definition_.index() + 1));
  for (Node node : nodes) {
    if (!node.Is("identifier")) continue;
    resolved_[static_cast<size_t>(node.index() - definition_.index())] = Find(node);
  }
}

const Decl* Function::Find(Node identifier) const {
  const Decl* found = nullptr;
  for (const auto& decl : decls_) {
    if (decl->name != identifier.text() || !decl->scope.Contains(identifier)) continue;
    if (decl->node.begin() > identifier.begin()) continue;
    if (found == nullptr || decl->node.begin() >= found->node.begin()) found = decl.get();
  }
  return found;
}

const Decl* Function::DeclaredBy(Node node) const {
  for (const auto& decl : decls_) {
    if (decl->node == node) return decl.get();
  }
  return nullptr;
}

const Decl* Function::FindSymbol(const std::string& symbol) const {
  for (const auto& decl : decls_) {
    if (decl->symbol == symbol) return decl.get();
  }
  return nullptr;
}

bool Function::IsUnique(std::string_view name) const {
  return std::count_if(decls_.begin(), decls_.end(),
                       [&](const auto& decl) { return decl->name == name; }) == 1;
}

Poly Function::ValueOf(Node expression) const {
  const Node node = expression.Unwrapped();
  Node operand;
  if (node.Is("number_literal")) {
    std::string digits(node.text());
    while (!digits.empty() && std::string_view("uUlLzZ").find(digits.back()) != std::string::npos) {
      digits.pop_back();
    }
    if (const auto value = ParseInt(digits)) return Poly::Constant(*value);
  } else if (node.Is("identifier")) {
    const Decl* decl = Resolve(node);
    if (decl == nullptr) return Poly::Symbol(std::string(node.text()));
    const bool stable = decl->kind == DeclKind::kScalar && decl->writes == 0;
    if (stable && (decl->is_loop_variable || decl->is_parameter)) {
      return Poly::Symbol(decl->symbol);
    }
    if (stable && decl->init && decl->type != "float" && decl->type != "double") {
      const Poly value = ValueOf(decl->init);
      if (!value.HasOpaque()) {
        if (!decl->is_extent || value.IsNonNegative()) return value;
        const std::set<std::string> symbols = value.Symbols();
        const bool fixed = std::all_of(symbols.begin(), symbols.end(), [&](const auto& symbol) {
          const Decl* source = FindSymbol(symbol);
          return source != nullptr && source->is_parameter;
        });
        return fixed ? Poly::Symbol(decl->symbol) : value;
      }
      std::set<std::string> mentions;
      CollectMentions(node, mentions);
      return Poly::Opaque(decl->symbol, mentions, value.IsNonNegative());
    }
  } else if (node.Is("binary_expression")) {
    const std::string_view op = node.Child("operator").text();
    if (op == "+" || op == "-" || op == "*") {
      const Poly left = ValueOf(node.Child("left"));
      const Poly right = ValueOf(node.Child("right"));
      return op == "+" ? left + right : op == "-" ? left - right : left * right;
    }
  } else if (node.Is("unary_expression") && node.Child("operator").text() == "-") {
    return Poly() - ValueOf(node.Child("argument"));
  } else if (IsCast(node, &operand)) {
    return ValueOf(operand);
  }
  std::set<std::string> mentions;
  CollectMentions(node, mentions);
  const bool quotient = node.Is("binary_expression") && node.Child("operator").text() == "/" &&
                        ValueOf(node.Child("left")).IsNonNegative() &&
                        ValueOf(node.Child("right")).IsNonNegative();
  return Poly::Opaque(std::string(node.text()), mentions, quotient);
}

void Function::CollectMentions(Node expression, std::set<std::string>& mentions) const {
  for (Node node : expression.Subtree()) {
    if (!node.Is("identifier")) continue;
    const Decl* decl = Resolve(node);
    if (decl == nullptr) {
      mentions.insert(std::string(node.text()));
    } else if (mentions.insert(decl->symbol).second && !decl->is_loop_variable &&
               !decl->is_parameter) {
      if (decl->writes > 0 || decl->kind == DeclKind::kReference) mentions.insert("*");
      if (decl->init) CollectMentions(decl->init, mentions);
    }
  }
}

std::optional<Address> Function::AddressOf(Node expression) const {
  const Node node = expression.Unwrapped();
  if (node.Is("identifier")) {
    const Decl* decl = Resolve(node);
    if (decl == nullptr) return std::nullopt;
    if (decl->kind == DeclKind::kArray) return Address{decl, Poly()};
    if (decl->kind != DeclKind::kPointer) return std::nullopt;
    if (decl->is_parameter) {
      if (decl->writes > 0) return std::nullopt;
      return Address{decl, Poly()};
    }
    if (decl->writes > 0 || !decl->init) return std::nullopt;
    return AddressOf(decl->init);
  }
  if (node.Is("binary_expression")) {
    const std::string_view op = node.Child("operator").text();
    std::optional<Address> left = AddressOf(node.Child("left"));
    if (left && (op == "+" || op == "-")) {
      const Poly offset = ValueOf(node.Child("right"));
      left->index = op == "+" ? left->index + offset : left->index - offset;
      return left;
    }
    std::optional<Address> right = AddressOf(node.Child("right"));
    if (right && op == "+") {
      right->index = right->index + ValueOf(node.Child("left"));
      return right;
    }
    return std::nullopt;
  }
  if (node.Is("pointer_expression") && node.Child("operator").text() == "&") {
    return AddressOfElement(node.Child("argument"));
  }
  if (node.Is("call_expression") && PlainCalleeName(node) == "__builtin_assume_aligned") {
    const std::vector<Node> arguments = CallArguments(node);
    if (!arguments.empty()) return AddressOf(arguments[0]);
  }
  Node operand;
  if (IsCast(node, &operand) && operand.Is("call_expression") &&
      PlainCalleeName(operand) == "__builtin_assume_aligned") {
    return AddressOf(operand);
  }
  return std::nullopt;
}

std::optional<Address> Function::AddressOfElement(Node lvalue) const {
  const Node node = lvalue.Unwrapped();
  if (node.Is("subscript_expression")) {
    const Node argument = node.Child("argument").Unwrapped();
    const Node index = SubscriptIndex(node);
    if (!index || argument.Is("subscript_expression")) return std::nullopt;
    std::optional<Address> address = AddressOf(argument);
    if (address) address->index = address->index + ValueOf(index);
    return address;
  }
  if (node.Is("pointer_expression") && node.Child("operator").text() == "*") {
    return AddressOf(node.Child("argument"));
  }
  return std::nullopt;
}

std::vector<std::unique_ptr<Function>> FunctionsOf(const SyntaxTree& tree) {
  std::vector<std::unique_ptr<Function>> functions;
  for (Node node : tree.root().Subtree()) {
    if (!node.Is("function_definition") || !node.Child("body").Is("compound_statement")) continue;
    auto function = std::make_unique<Function>(node);
    if (!function->name().empty()) functions.push_back(std::move(function));
  }
  return functions;
}

Node SubscriptIndex(Node subscript) {
  const std::vector<Node> indices = subscript.Child("indices").NamedChildren();
  return indices.size() == 1 ? indices[0] : Node();
}

std::string CalleeName(Node call) {
  const Node function = call.Child("function");
  if (function.Is("template_function")) {
    return std::string(function.Child("name").text());
  }
  if (function.Is("identifier") || function.Is("primitive_type")) {
    return std::string(function.text());
  }
  if (function.Is("qualified_identifier")) {
    const std::string text(function.text());
    return text.substr(0, text.find('<'));
  }
  return {};
}

std::string PlainCalleeName(Node call) {
  std::string name = CalleeName(call);
  if (name.starts_with("::")) name.erase(0, 2);
  if (name.starts_with("std::")) name.erase(0, 5);
  return name;
}

std::vector<Node> CallArguments(Node call) { return call.Child("arguments").NamedChildren(); }

bool IsCast(Node expression, Node* operand) {
  const Node node = expression.Unwrapped();
  if (node.Is("cast_expression")) {
    *operand = node.Child("value").Unwrapped();
    return operand->valid();
  }
  if (!node.Is("call_expression")) return false;
  static constexpr std::string_view kTypes[] = {"static_cast", "float",   "double", "int",
                                                "int32_t",     "int64_t", "size_t", "long"};
  const std::string name = PlainCalleeName(node);
  if (std::find(std::begin(kTypes), std::end(kTypes), name) == std::end(kTypes)) return false;
  const std::vector<Node> arguments = CallArguments(node);
  if (arguments.size() != 1) return false;
  *operand = arguments[0].Unwrapped();
  return true;
}

}  // namespace ks
