// A function of a kernel: its parameters, its declarations with scopes, and the polynomial meaning
// of its integer and pointer expressions.
#ifndef KS_PROPOSE_CPP_FUNCTION_H_
#define KS_PROPOSE_CPP_FUNCTION_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "propose/cpp/expr.h"
#include "propose/cpp/syntax.h"

namespace ks {

enum class DeclKind { kScalar, kPointer, kReference, kArray };

// One declared name. `symbol` is its unique name inside polynomials: the name itself, or the name
// with a number where several declarations share it.
struct Decl {
  std::string name;
  std::string symbol;
  std::string type;  // element type without const, "float"
  DeclKind kind = DeclKind::kScalar;
  bool is_const = false;  // the pointee for pointers, the value for scalars
  bool is_parameter = false;
  bool is_loop_variable = false;
  Node node;               // the declaration or parameter
  Node init;               // not valid when none
  Node scope;              // visible inside
  int declarators = 1;     // names declared by the same declaration
  bool is_extent = false;  // the whole upper bound of a loop
  int writes = 0;          // assignments after the declaration (to the name itself)
};

// Base pointer and element index of a pointer-valued expression.
struct Address {
  const Decl* base = nullptr;
  Poly index;
};

// Immutable; refers to the tree it was made from.
class Function {
 public:
  explicit Function(Node definition);
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  const std::string& name() const { return name_; }
  Node definition() const { return definition_; }
  Node parameters() const { return parameters_; }
  Node body() const { return body_; }
  const std::vector<std::unique_ptr<Decl>>& decls() const { return decls_; }
  // The declaration that an `identifier` node names; null for globals and unknown names.
  const Decl* Resolve(Node identifier) const;
  // The declaration `node` made (a loop's initializer, say); null when none.
  const Decl* DeclaredBy(Node node) const;
  // The declaration of a symbol that appears in polynomials; null when none.
  const Decl* FindSymbol(const std::string& symbol) const;
  // True when exactly one declaration of this function has that name.
  bool IsUnique(std::string_view name) const;

  // The value of an integer expression; locals that are written once are replaced by their value,
  // unless they bound a loop and could be below 0: such a name counts as a size (the loop would not
  // run otherwise).
  Poly ValueOf(Node expression) const;
  // Where `expression` (a pointer, or an array name) points. Empty when not understood.
  std::optional<Address> AddressOf(Node expression) const;
  // The address of an lvalue `p[i]` or `*p`.
  std::optional<Address> AddressOfElement(Node lvalue) const;

 private:
  void CollectParameters();
  void CollectDeclarations();
  void CountWrites();
  void MarkExtents();
  void NameSymbols();
  void ResolveAll();
  const Decl* Find(Node identifier) const;
  // Symbols that `expression` depends on, through initialisers; "*" when it can change at any time.
  void CollectMentions(Node expression, std::set<std::string>& mentions) const;
  void AddDeclarator(Node declaration, Node declarator, Node scope, bool parameter);

  Node definition_, parameters_, body_;
  std::string name_;
  std::vector<std::unique_ptr<Decl>> decls_;
  std::vector<const Decl*> resolved_;  // by node index, from the definition's on
};

// All function definitions of a file, in order (inside namespaces, templates and extern "C" too).
std::vector<std::unique_ptr<Function>> FunctionsOf(const SyntaxTree& tree);

// The single index of a `subscript_expression`; not valid when it has several.
Node SubscriptIndex(Node subscript);
// The function name of a call as written: "std::exp", "expf", "static_cast"; empty otherwise.
std::string CalleeName(Node call);
// The same without "std::".
std::string PlainCalleeName(Node call);
// Argument expressions of a call.
std::vector<Node> CallArguments(Node call);
// True for static_cast<T>(x), T(x) with a primitive T, and (T)x; `operand` receives x.
bool IsCast(Node expression, Node* operand);

}  // namespace ks

#endif  // KS_PROPOSE_CPP_FUNCTION_H_
