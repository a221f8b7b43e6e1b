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

// The statement, and its line where nothing else stands there.
void DropLine(const DeviceContext& context, Node node, TextEdits& edits) {
  const std::string& source = context.source();
  const size_t begin = source.rfind('\n', node.begin()) + 1;
  const size_t end = source.find('\n', node.end());
  const bool alone = end != std::string::npos &&
                     source.find_first_not_of(' ', begin) == node.begin() &&
                     source.find_first_not_of(' ', node.end()) == end;
  if (alone) {
    edits.Replace(begin, end + 1, "");
  } else {
    edits.Replace(node, "");
  }
}

// 0, 0.0f and the like.
bool IsZero(std::string_view text) {
  return text.find('0') != std::string_view::npos && (text[0] == '0' || text[0] == '.') &&
         text.find_first_not_of("0.fF") == std::string_view::npos;
}

// Times that the body gives `name` a value, its declaration with a value included.
size_t AssignmentsTo(Node body, std::string_view name) {
  size_t count = 0;
  for (Node node : body.Subtree()) {
    Node target;
    if (node.Is("assignment_expression") || node.Is("assignment") ||
        node.Is("augmented_assignment")) {
      target = node.Child("left");
    } else if (node.Is("init_declarator")) {
      target = node.Child("declarator");
    } else if (node.Is("update_expression") || node.Is("pointer_expression")) {
      target = node.Child("argument");  // &name too: who knows
    }
    if (!target) continue;
    for (Node part : target.Subtree()) {
      count += part.Is("identifier") && part.text() == name ? 1 : 0;
    }
  }
  return count;
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
  bool shared = false;       // C: the threads of a block deal the loops out, and add up their sums
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
  bool shared = false;
  if (left.Is("call_expression") && BlockReductionOf(context, CalleeName(left)) == '+' &&
      !CallArguments(left).empty()) {
    left = CallArguments(left)[0];
    shared = true;
  }
  if (left.text() != out->sum || shared != out->shared) return false;
  out->mean = std::string(declarator.Child("declarator").text());
  out->count = std::string(WithoutCasts(value.Child("right")).text());
  return true;
}

// for (int j = 0; j < n; ++j), or the same dealt out to the threads of a block: every element once.
bool TakesAll(const DeviceContext& context, const DeviceKernel& kernel, Moments* out) {
  const Node loop = out->first;
  const Node declarator = DeclaratorOf(loop.Child("initializer"));
  const Node update = loop.Child("update");
  if (!declarator || !update) return false;
  out->variable = std::string(declarator.Child("declarator").text());
  const auto start = ThreadLoopStart(context, *context.launches()[kernel.launches[0]], loop);
  out->shared = start.has_value();
  if (start) return *start == "0";
  const std::string step = Squeezed(update.text()), &name = out->variable;
  return declarator.Child("value").text() == "0" &&
         (step == "++" + name || step == name + "++" || step == name + "+=1");
}

// Whether the loop ends at what the sum is divided by, and neither changes.
bool CountsWhatItSums(const DeviceKernel& kernel, const Moments& found) {
  const Node condition = found.first.Child("condition").Unwrapped();
  return condition.Is("binary_expression") && condition.Child("operator").text() == "<" &&
         condition.Child("left").text() == found.variable &&
         WithoutCasts(condition.Child("right")).text() == found.count &&
         found.count.find_first_of("()[]+-*/ ") == std::string::npos &&
         AssignmentsTo(kernel.body, found.count) == 0;
}

// A sum that begins with zero and is only added to in its loop; a mean that stays what it is; an
// element that nobody changes by looking at it.
bool OnlySummed(const DeviceKernel& kernel, const Moments& found) {
  bool zero = false;
  for (Node node : kernel.body.Subtree()) {
    if (!node.Is("init_declarator") || node.Child("declarator").text() != found.sum) continue;
    zero = IsZero(node.Child("value").text());
  }
  for (Node node : found.element.Subtree()) {
    if (node.Is("call_expression") || node.Is("update_expression") ||
        node.Is("assignment_expression")) {
      return false;
    }
  }
  return zero && AssignmentsTo(kernel.body, found.sum) == 2 &&
         AssignmentsTo(kernel.body, found.mean) == 1 &&
         AssignmentsTo(kernel.body, found.squares) == 2;
}

std::optional<Moments> FindInC(const DeviceContext& context, const DeviceKernel& kernel) {
  const std::vector<Node> statements = kernel.body.NamedChildren();
  for (size_t i = 0; i + 3 < statements.size(); ++i) {
    if (!statements[i].Is("for_statement") || !statements[i + 3].Is("for_statement")) continue;
    Moments found;
    found.first = statements[i];
    found.second = statements[i + 3];
    const Node one = SummingAssignment(found.first), two = SummingAssignment(found.second);
    if (!one || !two || !TakesAll(context, kernel, &found)) continue;
    found.sum = std::string(one.Child("left").text());
    found.squares = std::string(two.Child("left").text());
    found.element = one.Child("right");
    bool known = found.element.Is("subscript_expression");
    for (const char* part : {"initializer", "condition", "update"}) {
      known = known && found.first.Child(part).text() == found.second.Child(part).text();
    }
    for (size_t between : {i + 1, i + 2}) {
      const Node declarator = DeclaratorOf(statements[between]);
      if (!declarator) continue;
      if (declarator.Child("declarator").text() == found.squares) {
        const bool alone = statements[between].text().find(',') == std::string_view::npos &&
                           statements[between].Child("type").text() == "float";
        if (alone && IsZero(declarator.Child("value").text())) found.zero = statements[between];
      } else {
        ReadMean(context, declarator, &found);
      }
    }
    const std::string difference = "(" + Squeezed(found.element.text()) + "-" + found.mean + ")";
    if (known && found.zero && !found.mean.empty() &&
        Squeezed(two.Child("right").text()) == difference + "*" + difference &&
        CountsWhatItSums(kernel, found) && OnlySummed(kernel, found)) {
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
  if (!use || !found.shared) return use;
  const Node call = use.parent().parent();
  const bool whole = call.Is("call_expression") &&
                     BlockReductionOf(context, CalleeName(call)) == '+' &&
                     !CallArguments(call).empty() && CallArguments(call)[0] == use;
  return whole ? call : Node();
}

// The statement of a block that `node` is part of; empty: it is the only one under an if or a loop.
Node StatementOf(Node node) {
  while (node && node.parent() && !node.parent().Is("compound_statement")) {
    node = node.parent();
    if (node.Is("for_statement") || node.Is("while_statement") || node.Is("do_statement") ||
        node.Is("if_statement") || node.Is("switch_statement") ||
        node.Is("conditional_expression")) {
      return {};
    }
  }
  return node;
}

std::optional<std::string> InC(const DeviceContext& context, const DeviceKernel& kernel) {
  const auto found = FindInC(context, kernel);
  const Node use = found ? UseOfSquares(context, kernel, *found) : Node();
  const Node user = StatementOf(use);
  if (!user) return std::nullopt;
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
  // Rounding must not make it negative; what is no number stays none.
  const std::string spread = context.FreshName("spread");
  edits.Insert(user.begin(), "const " + type + " " + spread + " = " + std::string(use.text()) +
                                 " - " + found->count + " * " + off + " * " + off + ";\n" +
                                 Blanks(user));
  edits.Replace(use, "(" + spread + " < 0.0f ? 0.0f : " + spread + ")");
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

// The load has what lies inside, and zero beyond: mask=place < end, with place = start +
// tl.arange(0, STEP) and the end that the sum is divided by.
bool MasksTheRest(const PythonLoop& loop, const Moments& found) {
  const Node mask = KeywordArgument(found.element, "mask");
  const Node other = KeywordArgument(found.element, "other");
  if (!mask || !other || !IsZero(other.text()) || loop.low != "0" || loop.high != found.count) {
    return false;
  }
  Node inside = mask;
  if (mask.Is("identifier")) {
    const Node named = AssignmentOf(loop.body, std::string(mask.text()));
    if (!named) return false;
    inside = named.Child("right");
  }
  const std::string text = Squeezed(inside.text());
  const size_t less = text.find('<');
  if (less == std::string::npos || text.substr(less + 1) != Squeezed(found.count)) return false;
  const Node place = AssignmentOf(loop.body, text.substr(0, less));
  if (!place) return false;
  const std::string start = loop.variable + "+", all = Squeezed(place.Child("right").text());
  if (!all.starts_with(start)) return false;
  const Node lane = AssignmentOf(loop.node.parent(), all.substr(start.size()));
  const std::string lanes = lane ? Squeezed(lane.Child("right").text()) : all.substr(start.size());
  return lanes == "tl.arange(0," + Squeezed(loop.step) + ")";
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
    if (load && found.zero && !found.mean.empty() && MasksTheRest(a.loop, found)) return found;
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
  if (AssignmentsTo(kernel.body, found->mean) != 1 ||
      AssignmentsTo(kernel.body, found->count) != 0) {
    return std::nullopt;
  }
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
                                         " = " + *first + ".to(tl.float32)\n" + blanks);
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
                             " * " + off + " * " + off + ", propagate_nan=tl.PropagateNan.ALL)");
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
    const std::unique_ptr<DeviceSkill> spread = NewSpreadRowSkill();
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1) continue;
      const auto source = context.IsTriton() ? InTriton(context, kernel) : InC(context, kernel);
      if (!source) continue;
      const std::string rationale = "Gather mean and variance of " + kernel.name + " in one pass.";
      edits.push_back({*source, rationale, EditKind::kStrategy, 1.3});
      // Once split, the loops are kernels of their own: both together, where rows are few and long.
      const auto now =
          DeviceContext::Make(*source, context.task(), context.machine(), backend, nullptr);
      if (now == nullptr) continue;
      for (const DeviceSkill* next : {split.get(), spread.get()}) {
        for (Edit& both : next->Edits(*now)) {
          both.rationale = rationale + " " + both.rationale;
          both.expected_gain *= 1.3;
          edits.push_back(std::move(both));
        }
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
