// Skill triton_full_tiles: the steps of a loop that lie wholly inside carry no mask.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "propose/device/skills.h"
#include "propose/device/triton_parts.h"

namespace ks {
namespace {

// Masks of one loop's body with what the loop's end decides left out.
class Hoister {
 public:
  Hoister(const DeviceKernel& kernel, const PythonLoop& loop) : kernel_(kernel), loop_(loop) {
    for (Node child : loop.body.NamedChildren()) {
      const Node inner = InnerStatement(child);
      if (!inner.Is("assignment")) continue;
      const std::string name = AssignedName(inner);
      const Node value = inner.Child("right");
      if (IsPlace(value)) places_.insert(name);
      if (const auto mask = Without(value)) masks_[name] = {inner, *mask};
    }
  }

  // The lines of the loop's body for steps that lie inside; empty: no mask falls.
  std::string Lines() const {
    TextEdits edits(kernel_.body.tree()->source());
    bool changed = false;
    for (const char* function : {"tl.load", "tl.store"}) {
      for (Node call : CallsOf(loop_.body, function)) changed = Drop(call, edits) || changed;
    }
    for (const auto& [name, mask] : masks_) {
      if (mask.second.empty() || mask.second == mask.first.Child("right").text()) continue;
      edits.Replace(mask.first.Child("right"), mask.second);
      changed = true;
    }
    if (!changed) return "";
    // The body as it is in the edited source.
    const std::string& before = kernel_.body.tree()->source();
    const std::string after = edits.Apply();
    const size_t line = before.rfind('\n', loop_.body.begin()) + 1;
    const size_t end = loop_.body.end() + after.size() - before.size();
    return after.substr(line, end - line) + "\n";
  }

 private:
  // start + tl.arange(0, STEP), or a name for the second part
  bool IsPlace(Node value) const {
    if (!value.Is("binary_operator") || value.Child("operator").text() != "+" ||
        value.Child("left").text() != loop_.variable) {
      return false;
    }
    const std::string wanted = "tl.arange(0, " + loop_.step + ")";
    const Node right = value.Child("right");
    if (right.text() == wanted) return true;
    for (Node child : kernel_.body.NamedChildren()) {
      const Node inner = InnerStatement(child);
      if (AssignedName(inner) == right.text()) return inner.Child("right").text() == wanted;
    }
    return false;
  }

  // place < end, place[None, :] < end
  bool IsInside(Node condition) const {
    condition = Bare(condition);
    if (!condition.Is("comparison_operator")) return false;
    const std::string text(condition.text());
    const size_t less = text.find(" < ");
    if (less == std::string::npos || text.substr(less + 3) != loop_.high) return false;
    std::string left = text.substr(0, less);
    left = left.substr(0, left.find('['));
    return places_.count(left) > 0;
  }

  static Node Bare(Node node) {
    while (node.Is("parenthesized_expression") && !node.NamedChildren().empty())
      node = node.NamedChildren()[0];
    return node;
  }

  // A mask without what holds inside: "" when nothing is left. Empty optional: nothing falls.
  std::optional<std::string> Without(Node mask) const {
    if (IsInside(mask)) return "";
    const Node bare = Bare(mask);
    if (!bare.Is("binary_operator") || bare.Child("operator").text() != "&") return std::nullopt;
    const Node left = bare.Child("left"), right = bare.Child("right");
    const auto a = Without(left), b = Without(right);
    if (!a && !b) return std::nullopt;
    const std::string one = a ? *a : std::string(left.text());
    const std::string two = b ? *b : std::string(right.text());
    return one.empty() ? two : two.empty() ? one : one + " & " + two;
  }

  bool Drop(Node call, TextEdits& edits) const {
    const Node mask = KeywordArgument(call, "mask");
    if (!mask) return false;
    std::optional<std::string> left = Without(mask);
    if (const auto known = masks_.find(std::string(mask.text())); known != masks_.end()) {
      if (!known->second.second.empty()) return false;  // its assignment changes
      left = "";
    }
    if (!left) return false;
    if (!left->empty()) {
      edits.Replace(mask, *left);
      return true;
    }
    for (const char* keyword : {"mask", "other"}) {
      const Node value = KeywordArgument(call, keyword);
      if (!value) continue;
      const Node argument = value.parent();
      const size_t comma = kernel_.body.tree()->source().rfind(',', argument.begin());
      edits.Replace(comma, argument.end(), "");
    }
    return true;
  }

  const DeviceKernel& kernel_;
  const PythonLoop& loop_;
  std::set<std::string> places_;
  std::map<std::string, std::pair<Node, std::string>> masks_;  // name -> assignment, what is left
};

class TritonFullTilesSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "triton_full_tiles"; }
  std::string_view summary() const override {
    return "All steps of a loop but the last lie wholly inside, yet every one computes and applies "
           "its mask. Peel the last step: the loop over whole blocks carries no mask, so that it "
           "loads whole vectors and pipelines.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    TextEdits all(context.source());
    std::string names;
    for (const DeviceKernel& kernel : context.kernels()) {
      for (const PythonLoop& loop : RangeLoops(kernel.body)) {
        if (loop.low != "0" || !context.HasConstant(loop.step) || loop.node.parent() != kernel.body)
          continue;
        const std::string body = Hoister(kernel, loop).Lines();
        if (body.empty()) continue;
        all.Insert(loop.node.begin(), WholeLoop(context, loop, body));
        const std::vector<Node> range = PositionalArguments(loop.call);
        all.Replace(range[0], Whole(loop));
        names = kernel.name;
      }
    }
    if (names.empty()) return edits;
    edits.push_back({all.Apply(), "Run whole blocks of " + names + " without masks, then the rest.",
                     EditKind::kStructure, 1.12});
    return edits;
  }

 private:
  static std::string Whole(const PythonLoop& loop) {
    return loop.high + " // " + loop.step + " * " + loop.step;
  }

  // The first loop, up to the blanks in front of the old one.
  static std::string WholeLoop(const DeviceContext& context, const PythonLoop& loop,
                               const std::string& body) {
    const std::string& source = context.source();
    const size_t line = source.rfind('\n', loop.node.begin()) + 1;
    const std::string blanks = source.substr(line, loop.node.begin() - line);
    const std::vector<Node> range = PositionalArguments(loop.call);
    const std::string head = source.substr(loop.node.begin(), range[1].begin() - loop.node.begin());
    const std::string tail =
        source.substr(range[1].end(), source.find('\n', range[1].end()) - range[1].end());
    return head + Whole(loop) + tail + "\n" + body + blanks;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTritonFullTilesSkill() {
  return std::make_unique<TritonFullTilesSkill>();
}

}  // namespace ks
