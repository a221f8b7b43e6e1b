#include "propose/device/triton_parts.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/launch_plan_edit.h"

namespace ks {
namespace {

constexpr int kLongestPointerChain = 8;

// The function that reduces what `statement` of a loop gathers into the block; empty: it is none.
std::string GatheringOf(Node statement) {
  if (statement.Is("augmented_assignment")) {
    return statement.Child("operator").text() == "+=" ? "tl.sum" : "";
  }
  const Node value = statement.Child("right");
  if (!value.Is("call")) return "";
  const std::vector<Node> arguments = PositionalArguments(value);
  if (arguments.size() != 2 || arguments[0].text() != statement.Child("left").text()) return "";
  const std::string_view function = value.Child("function").text();
  return function == "tl.maximum" ? "tl.max" : function == "tl.minimum" ? "tl.min" : "";
}

bool StartsNeutral(const Gathered& gathered) {
  const Node value = gathered.init.Child("right");
  const std::string_view function = value.Is("call") ? value.Child("function").text() : "";
  if (value.text().find("tl.float32") == std::string_view::npos) return false;
  const std::vector<Node> arguments = PositionalArguments(value);
  const bool row = !arguments.empty() && (arguments[0].Is("tuple") || arguments[0].Is("list")) &&
                   arguments[0].NamedChildren().size() == 1;
  if (!row) return false;
  return function == "tl.zeros" || (function == "tl.full" && gathered.reduce != "tl.sum");
}

// All uses outside of its loop are the whole block's reduction.
bool OnlyReduced(const std::vector<TritonStatement>& statements, const TritonStatement& own,
                 const Gathered& gathered) {
  for (const TritonStatement& statement : statements) {
    if (statement.node == own.node || InnerStatement(statement.node) == gathered.init) continue;
    size_t reduced = 0;
    for (Node call : CallsOf(statement.node, gathered.reduce)) {
      const std::vector<Node> arguments = PositionalArguments(call);
      const Node axis = KeywordArgument(call, "axis");
      const bool whole =
          (axis && axis.text() == "0") || (arguments.size() == 2 && arguments[1].text() == "0");
      reduced += whole && !arguments.empty() && arguments[0].text() == gathered.name ? 1 : 0;
    }
    if (UsesOf(statement.node, gathered.name) != reduced) return false;
  }
  return true;
}

class RowReader {
 public:
  RowReader(const DeviceContext& context, const DeviceKernel& kernel)
      : context_(context), kernel_(kernel) {}

  std::optional<std::vector<TritonStatement>> Read() {
    const std::vector<PythonLoop> loops = RangeLoops(kernel_.body);
    for (Node node : kernel_.body.NamedChildren()) {
      TritonStatement statement;
      statement.node = node;
      if (node.Is("expression_statement") && node.NamedChildren()[0].Is("string")) continue;
      if (node.Is("for_statement")) {
        const auto loop = std::find_if(loops.begin(), loops.end(),
                                       [&](const PythonLoop& l) { return l.node == node; });
        if (loop == loops.end() || loop->low != "0" || !context_.HasConstant(loop->step))
          return std::nullopt;
        statement.is_loop = true;
        statement.loop = *loop;
      } else if (!node.Is("expression_statement")) {
        return std::nullopt;
      }
      statements_.push_back(std::move(statement));
    }
    for (TritonStatement& statement : statements_) {
      if (statement.is_loop && !Gather(statement)) return std::nullopt;
    }
    return std::move(statements_);
  }

 private:
  bool Gather(TritonStatement& own) {
    for (Node child : own.loop.body.NamedChildren()) {
      if (!child.Is("expression_statement")) return false;
      const Node inner = InnerStatement(child);
      const std::string name = AssignedName(inner);
      if (name.empty()) {
        if (!inner.Is("call") || inner.Child("function").text() != "tl.store") return false;
        continue;
      }
      Gathered gathered{name, GatheringOf(inner), InitOf(name)};
      if (!gathered.init) {
        // A local of the loop: nobody else may see it.
        for (const TritonStatement& other : statements_) {
          if (other.node == own.node || UsesOf(other.node, name) == 0) continue;
          if (!other.is_loop || !BeginsWithAssignment(other.loop.body, name)) return false;
        }
        if (!BeginsWithAssignment(own.loop.body, name)) return false;
        continue;
      }
      if (gathered.reduce.empty() || !StartsNeutral(gathered) ||
          gathered.init.begin() > own.node.begin() || Assignments(name) != 1 ||
          UsesOf(own.loop.body, name) != (gathered.reduce == "tl.sum" ? 1U : 2U) ||
          !OnlyReduced(statements_, own, gathered)) {
        return false;
      }
      own.gathered.push_back(std::move(gathered));
    }
    return true;
  }

  // Of the top level.
  size_t Assignments(const std::string& name) const {
    size_t count = 0;
    for (const TritonStatement& statement : statements_) {
      count += !statement.is_loop && AssignedName(InnerStatement(statement.node)) == name ? 1 : 0;
    }
    return count;
  }

  // The first statement of the block that names it assigns it without reading it.
  static bool BeginsWithAssignment(Node block, const std::string& name) {
    for (Node child : block.NamedChildren()) {
      const Node inner = InnerStatement(child);
      if (UsesOf(inner, name) == 0) continue;
      return inner.Is("assignment") && AssignedName(inner) == name && UsesOf(inner, name) == 1;
    }
    return false;
  }

  Node InitOf(const std::string& name) const {
    Node init;
    for (const TritonStatement& statement : statements_) {
      const Node inner = InnerStatement(statement.node);
      if (!statement.is_loop && AssignedName(inner) == name) init = inner;
    }
    return init;
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  std::vector<TritonStatement> statements_;
};

}  // namespace

size_t UsesOf(Node node, std::string_view name) {
  size_t uses = 0;
  for (Node inner : node.Subtree()) {
    if (!inner.Is("identifier") || inner.text() != name) continue;
    const Node parent = inner.parent();
    uses += parent.Is("keyword_argument") && parent.Child("name") == inner ? 0 : 1;
  }
  return uses;
}

Node InnerStatement(Node statement) {
  const bool wrapped =
      statement.Is("expression_statement") && statement.NamedChildren().size() == 1;
  return wrapped ? statement.NamedChildren()[0] : statement;
}

std::string AssignedName(Node statement) {
  if (!statement.Is("assignment") && !statement.Is("augmented_assignment")) return "";
  return std::string(statement.Child("left").text());
}

std::string LinesOf(Node statement) {
  const std::string& source = statement.tree()->source();
  const size_t line = source.rfind('\n', statement.begin()) + 1;
  return source.substr(line, statement.end() - line) + "\n";
}

std::string Deeper(const std::string& lines, size_t blanks) {
  std::string out;
  for (const std::string_view line :
       Split(std::string_view(lines).substr(0, lines.size() - 1), '\n')) {
    out += (line.empty() ? "" : std::string(blanks, ' ')) + std::string(line) + "\n";
  }
  return out;
}

std::optional<std::vector<TritonStatement>> RowStatements(const DeviceContext& context,
                                                          const DeviceKernel& kernel) {
  return RowReader(context, kernel).Read();
}

std::string BufferOf(const DeviceContext& context, const DeviceKernel& kernel, Node call) {
  const auto head = [](Node address) {
    while (address.Is("binary_operator") && address.Child("operator").text() == "+") {
      address = address.Child("left");
    }
    return address;
  };
  const std::vector<Node> arguments = PositionalArguments(call);
  Node base = arguments.empty() ? Node() : head(arguments[0]);
  const auto& names = kernel.parameter_names;
  for (int steps = 0; steps < kLongestPointerChain && base && base.Is("identifier"); ++steps) {
    const auto found = std::find(names.begin(), names.end(), base.text());
    Node from;
    size_t assigned = 0;
    for (Node inner : kernel.body.Subtree()) {
      if (!inner.Is("assignment") || inner.Child("left").text() != base.text()) continue;
      from = head(inner.Child("right"));
      // x = x + row keeps the buffer, as x += row does.
      if (!from || from.text() != base.text()) ++assigned;
    }
    if (found != names.end()) {
      const size_t place = static_cast<size_t>(found - names.begin());
      return assigned > 0 ? "" : context.ParameterValues(kernel, kernel.launches[0])[place];
    }
    if (assigned != 1 || from.text() == base.text()) return "";
    base = from;
  }
  return "";
}

std::optional<std::string> WithAllArguments(const DeviceContext& context, std::string source) {
  for (size_t i = 0; i < context.launches().size(); ++i) {
    auto next =
        WithLaunchOption(source, i, "args", "(" + Join(context.LaunchArguments(i), ", ") + ")");
    if (!next) return std::nullopt;
    source = *std::move(next);
  }
  return source;
}

bool BuffersAreApart(const DeviceContext& context, const DeviceKernel& kernel) {
  std::set<std::string> stored;
  for (Node store : CallsOf(kernel.body, "tl.store")) {
    const std::string buffer = BufferOf(context, kernel, store);
    if (buffer.empty() || !stored.insert(buffer).second) return false;
  }
  for (Node load : CallsOf(kernel.body, "tl.load")) {
    const std::string buffer = BufferOf(context, kernel, load);
    if (buffer.empty() || stored.count(buffer) > 0) return false;
  }
  return true;
}

}  // namespace ks
