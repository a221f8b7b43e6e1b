// Places in a Triton kernel and edits of its text.
#ifndef KS_PROPOSE_DEVICE_TRITON_TEXT_H_
#define KS_PROPOSE_DEVICE_TRITON_TEXT_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "propose/device/device_context.h"

namespace ks {

// Replacements of byte ranges that do not overlap; applied at once. Single thread.
class TextEdits {
 public:
  explicit TextEdits(const std::string& source) : source_(source) {}
  void Replace(size_t begin, size_t end, std::string text) {
    changes_.push_back({begin, end, std::move(text)});
  }
  void Replace(Node node, std::string text) { Replace(node.begin(), node.end(), std::move(text)); }
  void Insert(size_t at, std::string text) { Replace(at, at, std::move(text)); }
  bool empty() const { return changes_.empty(); }
  std::string Apply() const;

 private:
  struct Change {
    size_t begin, end;
    std::string text;
  };
  const std::string& source_;
  std::vector<Change> changes_;
};

// An expression as no one would write it, to compare by: without spaces and ends of lines.
std::string WithoutSpaces(std::string_view text);
// Calls of that function ("tl.dot") below `node`, in source order.
std::vector<Node> CallsOf(Node node, std::string_view function);
// The value of a keyword argument; not valid when the call has none of that name.
Node KeywordArgument(Node call, std::string_view name);
// Arguments by position.
std::vector<Node> PositionalArguments(Node call);
// The axis that tl.program_id or tl.num_programs is asked for, by position or as axis=; empty: it
// is another call, or the axis is no number.
std::optional<int> ProgramAxis(Node call);
// Axes of the grid that a kernel asks for. Value.
struct GridUse {
  std::set<int> places, counts;  // of tl.program_id, of tl.num_programs
};
// Empty: not known, because an axis is no number, the functions go by another name, or a function
// of the file that the kernel calls asks for them.
std::optional<GridUse> GridUseOf(const DeviceKernel& kernel);
// Functions of the file that are called below `body`, and those that they call.
std::vector<Node> HelpersOf(Node body);
// Whether one of these accesses memory or does what nobody knows (an atomic, assembly).
bool HelpersAccessMemory(Node body);
// Sets a keyword argument of `call`, or adds it behind the others.
void SetKeyword(Node call, std::string_view name, const std::string& value, TextEdits& edits);
// Adds "name: tl.constexpr" behind the kernel's parameters.
void AddConstexpr(const DeviceKernel& kernel, const std::string& name, TextEdits& edits);
// Adds a statement in front of the kernel's first one (behind a docstring).
void AddFirstStatement(const DeviceKernel& kernel, const std::string& statement, TextEdits& edits);

// for variable in range(low, high, step): body
struct PythonLoop {
  Node node, call, body;
  std::string variable, low, high, step;
};
// Loops over range or tl.range with two or three arguments (one: low is "0", no step: "1").
std::vector<PythonLoop> RangeLoops(Node node);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TRITON_TEXT_H_
