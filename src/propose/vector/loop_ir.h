// The kernel as a small tree of typed loops and expressions: what the vectorising skills analyse
// and print again. Built from the syntax tree by BuildKernelIr; pointer aliases and integer locals
// that are never reassigned are substituted, so that indices are written in loop variables and
// sizes.
#ifndef KS_PROPOSE_VECTOR_LOOP_IR_H_
#define KS_PROPOSE_VECTOR_LOOP_IR_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "propose/cpp/syntax.h"

namespace ks {

enum class IrType { kFloat, kInt, kBool, kOther };  // kFloat: float and double

struct IrExpr;
using IrExprPtr = std::shared_ptr<const IrExpr>;

// Immutable.
struct IrExpr {
  enum class Kind { kNumber, kName, kIndex, kUnary, kBinary, kSelect, kCall, kCast };
  Kind kind = Kind::kNumber;
  // kNumber: the literal; kName: the name; kIndex: the array; kUnary, kBinary: the operator;
  // kCall: the canonical function ("exp", "max"); kCast: the C++ type.
  std::string text;
  std::string spelled;          // kCall: as written ("std::exp")
  std::vector<IrExprPtr> args;  // kIndex: the flat index
  IrType type = IrType::kOther;
};

// A statement of a structured loop nest. Value.
struct IrStmt {
  enum class Kind { kDecl, kAssign, kFor, kIf, kBlock, kOpaque };
  Kind kind = Kind::kOpaque;
  size_t begin = 0, end = 0;        // bytes of the source
  std::string name;                 // kDecl: the local; kFor: the loop variable
  std::string cpp_type;             // kDecl, kFor: as written, without const
  IrType type = IrType::kOther;     // kDecl
  IrExprPtr target, value;          // kAssign: target op value; kDecl: value (may be null)
  std::string op;                   // kAssign: "=", "+=", ...
  IrExprPtr low, high;              // kFor: for (name = low; name < high; ++name)
  IrExprPtr condition;              // kIf
  std::vector<IrStmt> body, other;  // kFor, kBlock, kIf (then, else)
  std::string text;                 // kOpaque: verbatim
};

struct IrParameter {
  std::string name;
  std::string element;  // C++ element type of a pointer, or the type of a scalar
  bool pointer = false;
  bool is_const = false;
};

// A function of the candidate. Value.
struct KernelIr {
  std::string name;
  size_t begin = 0, end = 0;  // bytes of the whole definition
  size_t top_begin = 0;       // of the file-scope item that holds the definition
  std::vector<IrParameter> parameters;
  std::vector<IrStmt> body;
  std::map<std::string, std::string> arrays;  // pointers and local arrays: name -> element type
  std::map<std::string, IrType> scalars;      // every scalar name seen
  std::set<std::string> hidden;               // aliases and locals that were substituted away

  // Element type of an array; empty when unknown.
  std::string ElementOf(const std::string& array) const;
  bool IsConstInput(const std::string& array) const;
  bool IsParameter(const std::string& array) const;
};

// Empty: no such function, or its parameters are not plain pointers and scalars.
std::optional<KernelIr> BuildKernelIr(const SyntaxTree& tree, std::string_view entry);

// Construction and folding.
IrExprPtr MakeNumber(int64_t value);
IrExprPtr MakeName(std::string name, IrType type);
IrExprPtr MakeBinary(std::string op, IrExprPtr left, IrExprPtr right, IrType type);
IrExprPtr MakeIndex(std::string array, IrExprPtr index, IrType type);

// C++ text of an expression, fully parenthesised where needed.
std::string ToText(const IrExpr& expression);
// `expression` with names replaced.
IrExprPtr Substitute(const IrExprPtr& expression, const std::map<std::string, IrExprPtr>& values);

// Walks.
void ForEachExpr(const IrExprPtr& expression, const std::function<void(const IrExpr&)>& visit);
void ForEachStmt(const std::vector<IrStmt>& body, const std::function<void(const IrStmt&)>& visit);
// Every expression held by `statement` itself (not by nested statements).
std::vector<IrExprPtr> ExprsOf(const IrStmt& statement);
// Names read anywhere in `expression` (arrays included).
std::set<std::string> NamesIn(const IrExprPtr& expression);
// Whether a negative number of an integer type is another one in `cpp_type`: unsigned, or narrow.
bool WrapsAround(std::string_view cpp_type);
// Whether integers in the expression may not be what they are on paper: it has a cast to such a
// type or an unsigned literal. `i + k < n` says less then than `unsigned(i + k) < n`.
bool MayWrapAround(const IrExprPtr& expression);
bool Mentions(const IrExprPtr& expression, const std::string& name);
bool HasOpaque(const std::vector<IrStmt>& body);
bool SameExpr(const IrExprPtr& a, const IrExprPtr& b);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_LOOP_IR_H_
