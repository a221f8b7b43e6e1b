// Skill joined_moments: the sum of squared differences from a mean is gathered while the mean's
// sum is.
#include <algorithm>

#include "base/text.h"
#include "propose/cpp/function.h"
#include "propose/device/skills.h"
#include "propose/device/thread_loop.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

std::string Squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\n') out += c;
  }
  return out;
}

std::string ReplaceName(Node node, const std::string& name, const std::string& by) {
  TextEdits edits(node.tree()->source());
  for (Node inner : node.Subtree()) {
    if (inner.Is("identifier") && inner.text() == name) edits.Replace(inner, by);
  }
  const std::string all = edits.Apply();
  const size_t grown = all.size() - node.tree()->source().size();
  return all.substr(node.begin(), node.end() - node.begin() + grown);
}

// From `node` (with the blanks in front of it) to the end of its line.
void DropLine(const DeviceContext& context, Node node, TextEdits& edits) {
  const std::string& source = context.source();
  const size_t begin = source.rfind('\n', node.begin()) + 1;
  const size_t end = source.find('\n', node.end());
  edits.Replace(begin, end == std::string::npos ? node.end() : end + 1, "");
}

std::string Blanks(Node node) {
  const std::string& source = node.tree()->source();
  const size_t line = source.rfind('\n', node.begin()) + 1;
  return source.substr(line, node.begin() - line);
}

// A loop that sums `element`, the mean of it, and a loop that sums squared differences from that.
struct Moments {
  Node first, second;        // the loops
  Node element;              // what is summed
  Node zero;                 // statement that sets the squares to zero
  std::string sum, squares;  // names
  std::string mean, count;   // name; what the sum is divided by
  std::string variable;      // of the loops
};

// ---- CUDA C++ and OpenCL C

Node OnlyStatement(Node body) {
  if (!body.Is("compound_statement")) return body;
  return body.NamedChildren().size() == 1 ? body.NamedChildren()[0] : Node();
}

// The assignment "+=" that is all of a loop.
Node SummingAssignment(Node loop) {
  const Node statement = OnlyStatement(loop.Child("body"));
  if (!statement.Is("expression_statement") || statement.NamedChildren().size() != 1) return {};
  const Node inner = statement.NamedChildren()[0];
  const bool sums = inner.Is("assignment_expression") && inner.Child("operator").text() == "+=";
  return sums && inner.Child("left").Is("identifier") ? inner : Node();
}

Node DeclaratorOf(Node declaration) {
  if (!declaration.Is("declaration")) return {};
  const Node declarator = declaration.Child("declarator");
  const bool plain =
      declarator.Is("init_declarator") && declarator.Child("declarator").Is("identifier");
  return plain ? declarator : Node();
}

// `sum / count`, or the block's sum of it
bool ReadMean(const DeviceContext& context, Node declarator, Moments* out) {
  const Node value = declarator.Child("value");
  if (!value.Is("binary_expression") || value.Child("operator").text() != "/") return false;
  Node left = value.Child("left").Unwrapped();
  if (left.Is("call_expression") && BlockReductionOf(context, CalleeName(left)) == '+' &&
      !CallArguments(left).empty()) {
    left = CallArguments(left)[0];
  }
  if (left.text() != out->sum) return false;
  out->mean = std::string(declarator.Child("declarator").text());
  out->count = std::string(value.Child("right").text());
  return true;
}

bool StartsAtZero(const DeviceContext& context, const DeviceKernel& kernel, Node loop) {
  const Node declarator = DeclaratorOf(loop.Child("initializer"));
  if (!declarator) return false;
  if (declarator.Child("value").text() == "0") return true;
  const auto start = ThreadLoopStart(context, *context.launches()[kernel.launches[0]], loop);
  return start && *start == "0";
}

std::optional<Moments> FindInC(const DeviceContext& context, const DeviceKernel& kernel) {
  const std::vector<Node> statements = kernel.body.NamedChildren();
  for (size_t i = 0; i + 3 < statements.size(); ++i) {
    if (!statements[i].Is("for_statement") || !statements[i + 3].Is("for_statement")) continue;
    Moments found;
    found.first = statements[i];
    found.second = statements[i + 3];
    const Node one = SummingAssignment(found.first), two = SummingAssignment(found.second);
    if (!one || !two || !StartsAtZero(context, kernel, found.first)) continue;
    found.sum = std::string(one.Child("left").text());
    found.squares = std::string(two.Child("left").text());
    found.element = one.Child("right");
    found.variable =
        std::string(DeclaratorOf(found.first.Child("initializer")).Child("declarator").text());
    bool known = found.element.Is("subscript_expression");
    for (const char* part : {"initializer", "condition", "update"}) {
      known = known && found.first.Child(part).text() == found.second.Child(part).text();
    }
    for (size_t between : {i + 1, i + 2}) {
      const Node declarator = DeclaratorOf(statements[between]);
      if (!declarator) continue;
      if (declarator.Child("declarator").text() == found.squares) {
        const std::string zero(declarator.Child("value").text());
        if (zero.find_first_not_of("0.fF") == std::string::npos) found.zero = statements[between];
      } else {
        ReadMean(context, declarator, &found);
      }
    }
    const std::string difference = "(" + Squeezed(found.element.text()) + "-" + found.mean + ")";
    if (known && found.zero && !found.mean.empty() &&
        Squeezed(two.Child("right").text()) == difference + "*" + difference) {
      return found;
    }
  }
  return std::nullopt;
}

// The squares where they are used: the block's sum of them, or the name. Empty: more than one use.
Node UseOfSquares(const DeviceContext& context, const DeviceKernel& kernel, const Moments& found) {
  Node use;
  for (Node node : kernel.body.Subtree()) {
    if (!node.Is("identifier") || node.text() != found.squares || node.begin() < found.second.end())
      continue;
    if (use) return {};
    use = node;
  }
  for (Node up = use ? use.parent() : Node(); up && !up.Is("declaration"); up = up.parent()) {
    if (up.Is("call_expression") && BlockReductionOf(context, CalleeName(up)) == '+') return up;
  }
  return use;
}

std::optional<std::string> InC(const DeviceContext& context, const DeviceKernel& kernel) {
  const auto found = FindInC(context, kernel);
  const Node use = found ? UseOfSquares(context, kernel, *found) : Node();
  if (!use) return std::nullopt;
  const std::string shift = context.FreshName("shift"), element(found->element.text());
  const std::string type(found->zero.Child("type").text()), blanks = Blanks(found->first);
  TextEdits edits(context.source());
  edits.Insert(found->first.begin(),
               type + " " + found->squares + " = 0.0f;\n" + blanks + "const " + type + " " + shift +
                   " = " + ReplaceName(found->element, found->variable, "0") + ";\n" + blanks);
  const std::string moved = "(" + element + " - " + shift + ")";
  edits.Replace(found->first.Child("body"),
                "{\n" + blanks + "  " + found->sum + " += " + element + ";\n" + blanks + "  " +
                    found->squares + " += " + moved + " * " + moved + ";\n" + blanks + "}");
  DropLine(context, found->zero, edits);
  DropLine(context, found->second, edits);
  const std::string off = "(" + found->mean + " - " + shift + ")";
  // Rounding must not make it negative.
  const std::string larger = context.IsCuda() ? "fmaxf" : "fmax";
  edits.Replace(use, larger + "(0.0f, " + std::string(use.text()) + " - " + found->count + " * " +
                         off + " * " + off + ")");
  return edits.Apply();
}

// ---- Triton

// The only assignment to `name` in a block.
Node AssignmentOf(Node block, const std::string& name) {
  Node found;
  for (Node child : block.NamedChildren()) {
    const Node inner = InnerStatement(child);
    if (AssignedName(inner) != name) continue;
    if (found || !inner.Is("assignment")) return {};
    found = inner;
  }
  return found;
}

std::optional<Moments> FindInTriton(const std::vector<TritonStatement>& statements) {
  for (size_t i = 0; i + 3 < statements.size(); ++i) {
    const TritonStatement &a = statements[i], &b = statements[i + 3];
    if (!a.is_loop || !b.is_loop || a.gathered.size() != 1 || b.gathered.size() != 1) continue;
    if (a.gathered[0].reduce != "tl.sum" || b.gathered[0].reduce != "tl.sum") continue;
    if (a.loop.call.text() != b.loop.call.text() || a.loop.variable != b.loop.variable) continue;
    Moments found;
    found.first = a.node;
    found.second = b.node;
    found.sum = a.gathered[0].name;
    found.squares = b.gathered[0].name;
    found.variable = a.loop.variable;
    for (size_t between : {i + 1, i + 2}) {
      const Node inner = InnerStatement(statements[between].node);
      if (AssignedName(inner) == found.squares) found.zero = statements[between].node;
      const Node value = inner.Is("assignment") ? inner.Child("right") : Node();
      if (!value.Is("binary_operator") || value.Child("operator").text() != "/") continue;
      if (Squeezed(value.Child("left").text()) != "tl.sum(" + found.sum + ",axis=0)") continue;
      found.mean = AssignedName(inner);
      found.count = std::string(value.Child("right").text());
    }
    for (Node child : a.loop.body.NamedChildren()) {
      const Node inner = InnerStatement(child);
      if (AssignedName(inner) == found.sum) found.element = inner.Child("right");
    }
    const bool load =
        found.element.Is("call") && found.element.Child("function").text() == "tl.load";
    if (load && found.zero && !found.mean.empty()) return found;
  }
  return std::nullopt;
}

// In the second loop: squares += where(mask, d * d, 0), d = the same load - mean, from the same
// places.
bool SquaresDifferences(const Moments& found, Node* mask) {
  const Node first = found.first.Child("body"), second = found.second.Child("body");
  if (second.NamedChildren().size() != first.NamedChildren().size() + 1) return false;
  Node update;
  for (Node child : second.NamedChildren()) {
    const Node inner = InnerStatement(child);
    const std::string name = AssignedName(inner);
    if (name == found.squares) {
      update = inner.Child("right");
      continue;
    }
    const Node same = AssignmentOf(first, name);
    if (same && same.text() == inner.text()) continue;
    if (!inner.Is("assignment") || Squeezed(inner.Child("right").text()) !=
                                       Squeezed(found.element.text()) + "-" + found.mean) {
      return false;
    }
  }
  if (!update.Is("call") || update.Child("function").text() != "tl.where") return false;
  const std::vector<Node> arguments = PositionalArguments(update);
  if (arguments.size() != 3 || !arguments[1].Is("binary_operator")) return false;
  const std::string_view left = arguments[1].Child("left").text();
  const Node difference = AssignmentOf(second, std::string(left));
  const Node loaded = KeywordArgument(found.element, "mask");
  *mask = arguments[0];
  return difference && arguments[1].Child("operator").text() == "*" &&
         arguments[1].Child("right").text() == left && arguments[2].text() == "0.0" && loaded &&
         Squeezed(loaded.text()) == Squeezed(mask->text()) &&
         Squeezed(difference.Child("right").text()) ==
             Squeezed(found.element.text()) + "-" + found.mean;
}

// The first element of the row: the load's address with the loop's places at zero.
std::optional<std::string> FirstElement(const Moments& found) {
  const std::vector<Node> address = PositionalArguments(found.element);
  if (address.size() != 1) return std::nullopt;
  for (Node child : found.first.Child("body").NamedChildren()) {
    const Node inner = InnerStatement(child);
    const std::string name = AssignedName(inner);
    if (!inner.Is("assignment") || UsesOf(inner.Child("right"), found.variable) != 1) continue;
    if (UsesOf(address[0], name) != 1 || UsesOf(address[0], found.variable) != 0) continue;
    return "tl.load(" + ReplaceName(address[0], name, "0") + ")";
  }
  return std::nullopt;
}

std::optional<std::string> InTriton(const DeviceContext& context, const DeviceKernel& kernel) {
  const auto statements = RowStatements(context, kernel);
  const auto found = statements ? FindInTriton(*statements) : std::nullopt;
  Node mask;
  if (!found || !SquaresDifferences(*found, &mask)) return std::nullopt;
  const auto first = FirstElement(*found);
  std::vector<Node> uses;
  for (Node call : CallsOf(kernel.body, "tl.sum")) {
    if (Squeezed(call.text()) == "tl.sum(" + found->squares + ",axis=0)") uses.push_back(call);
  }
  if (!first || uses.size() != 1) return std::nullopt;
  const std::string shift = context.FreshName("first_value"), value = context.FreshName("moved");
  const std::string blanks = Blanks(found->first);
  TextEdits edits(context.source());
  edits.Insert(found->first.begin(), std::string(found->zero.text()) + "\n" + blanks + shift +
                                         " = " + *first + "\n" + blanks);
  const Node update = found->element.parent();
  const std::string inner = Blanks(update);
  edits.Insert(update.begin(), value + " = " + std::string(found->element.text()) + "\n" + inner);
  edits.Replace(found->element, value);
  edits.Insert(update.end(), "\n" + inner + found->squares + " += tl.where(" +
                                 std::string(mask.text()) + ", (" + value + " - " + shift +
                                 ") * (" + value + " - " + shift + "), 0.0)");
  DropLine(context, found->zero, edits);
  DropLine(context, found->second, edits);
  const std::string off = "(" + found->mean + " - " + shift + ")";
  edits.Replace(uses[0], "tl.maximum(0.0, " + std::string(uses[0].text()) + " - " + found->count +
                             " * " + off + " * " + off + ")");
  return edits.Apply();
}

class JoinedMomentsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "joined_moments"; }
  std::string_view summary() const override {
    return "A variance needs no pass of its own behind the mean: sum the elements and their "
           "squared "
           "differences from the row's first element in one loop, and correct by the mean's "
           "distance "
           "from that. Saves reading the row once.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.task().allow_reassociation) return edits;
    const char* const backend = context.IsTriton() ? "triton"
                                : context.IsCuda() ? "cuda"
                                                   : "opencl";
    const std::unique_ptr<DeviceSkill> split =
        context.IsTriton() ? NewTritonSplitRowsSkill() : NewSplitLoopsSkill();
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1) continue;
      const auto source = context.IsTriton() ? InTriton(context, kernel) : InC(context, kernel);
      if (!source) continue;
      edits.push_back({*source, "Gather mean and variance of " + kernel.name + " in one pass.",
                       EditKind::kStrategy, 1.3});
      // Once split, the loops are kernels of their own: both together, where rows are few and long.
      const auto now =
          DeviceContext::Make(*source, context.task(), context.machine(), backend, nullptr);
      if (now == nullptr) continue;
      for (Edit& both : split->Edits(*now)) {
        both.rationale = edits.front().rationale + " " + both.rationale;
        both.expected_gain *= 1.3;
        edits.push_back(std::move(both));
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewJoinedMomentsSkill() {
  return std::make_unique<JoinedMomentsSkill>();
}

}  // namespace ks
