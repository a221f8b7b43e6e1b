// Skill split_range: index-set splitting. A loop whose body tests its own variable against bounds
// becomes three loops; in the long one the tests are decided and gone.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

constexpr int64_t kWidestPeel = 16;  // steps that are split off at a border of known distance

Node ConditionOf(Node statement) {
  const Node condition = statement.Child("condition");
  return condition.Is("condition_clause") ? condition.Child("value") : condition;
}

// Where a test of the loop's variable changes its result.
struct Border {
  enum class Side { kLow, kHigh } side = Side::kLow;
  std::string at;  // the interior begins (kLow) or ends (kHigh) here
  Poly value;      // the same
  Node test;
  bool inside = false;  // its value in the interior
  bool exact = false;   // outside of this border it has the other value
};

// How one loop is split.
struct Split {
  const Loop* loop = nullptr;
  std::vector<Border> borders;
  std::map<int, bool> always;  // tests (by node) that hold the same value in the whole loop
};

// `C - base` as a number, when it is one.
std::optional<int64_t> Distance(const Poly& from, const Poly& to) {
  return (to - from).AsConstant();
}

class Splitter {
 public:
  explicit Splitter(const KernelContext::Site& site) : function_(*site.function->function) {}

  // Empty: nothing in the loop tests its variable, or splitting could change what it does.
  std::optional<Split> Plan(const Loop& loop) const {
    if (!loop.HasUnitStep() || HasOpenMp(loop) || loop.variable == nullptr) return std::nullopt;
    const Effects effects = EffectsOf(function_, loop.body);
    if (effects.jumps_out || effects.Writes(loop.variable)) return std::nullopt;
    Split split;
    split.loop = &loop;
    for (Node node : loop.body.Subtree()) {
      if (!node.Is("if_statement") && !node.Is("conditional_expression")) continue;
      CollectTests(ConditionOf(node), loop, split);
    }
    if (split.borders.empty() && split.always.empty()) return std::nullopt;
    return split;
  }

 private:
  void CollectTests(Node condition, const Loop& loop, Split& split) const {
    condition = condition.Unwrapped();
    if (condition.Is("unary_expression")) {
      CollectTests(condition.Child("argument"), loop, split);
      return;
    }
    if (!condition.Is("binary_expression")) return;
    const std::string_view op = condition.Child("operator").text();
    if (op == "&&" || op == "||") {
      CollectTests(condition.Child("left"), loop, split);
      CollectTests(condition.Child("right"), loop, split);
      return;
    }
    if (op == "<" || op == "<=" || op == ">" || op == ">=" || op == "==" || op == "!=") {
      AddTest(condition, std::string(op), loop, split);
    }
  }

  // Integers that the loop does not change.
  bool IsFixed(Node expression, const Loop& loop) const {
    for (Node node : expression.Subtree()) {
      const std::string_view kind = node.kind();
      if (kind == "subscript_expression" || kind == "pointer_expression" ||
          kind == "call_expression" || kind == "update_expression" ||
          kind == "assignment_expression" || kind == "field_expression") {
        return false;
      }
      if (kind == "number_literal" && node.text().find_first_of(".fF") != std::string_view::npos &&
          node.text().rfind("0x", 0) != 0) {
        return false;
      }
      if (kind != "identifier") continue;
      const Decl* const decl = function_.Resolve(node);
      if (decl == loop.variable) continue;
      if (decl == nullptr || decl->kind != DeclKind::kScalar || !IsInteger(decl->type) ||
          decl->writes > 0) {
        return false;
      }
      if (!loop.node.Contains(decl->node)) continue;
      // A name for an expression of fixed ones.
      if (decl->is_loop_variable || !decl->init || !IsFixed(decl->init, loop)) return false;
    }
    return true;
  }

  static bool IsInteger(const std::string& type) {
    return type == "int" || type == "long" || type == "int32_t" || type == "int64_t" ||
           type == "std::int64_t" || type == "std::int32_t" || type == "ptrdiff_t" ||
           type == "std::ptrdiff_t";
  }

  void AddTest(Node test, std::string op, const Loop& loop, Split& split) const {
    const Node left = test.Child("left"), right = test.Child("right");
    if (!IsInteger(loop.type) || !IsFixed(left, loop) || !IsFixed(right, loop)) {
      return;
    }
    const std::string& symbol = loop.variable->symbol;
    // sign * v + rest (op) 0
    const Poly difference = function_.ValueOf(left) - function_.ValueOf(right);
    const auto stride = difference.Stride(symbol);
    const auto sign = stride ? stride->AsConstant() : std::nullopt;
    if (!sign || (*sign != 1 && *sign != -1) || difference.HasOpaque()) return;
    const Poly rest = difference - Poly::Constant(*sign) * Poly::Symbol(symbol);
    Poly at = *sign == 1 ? Poly() - rest : rest;
    if (*sign == -1 && op != "==" && op != "!=") op[0] = op[0] == '<' ? '>' : '<';
    if (op == "==" || op == "!=") {
      AddEquality(test, op == "!=", at, loop, split);
    } else {
      // v <= c is v < c + 1; v > c is not v < c + 1.
      if (op == "<=" || op == ">") at = at + Poly::Constant(1);
      AddHalfSpace(test, op[0] == '<', at, loop, split);
    }
  }

  Poly LowOf(const Loop& loop) const { return function_.ValueOf(loop.low); }
  Poly HighOf(const Loop& loop) const {
    const Poly high = function_.ValueOf(loop.high);
    return loop.inclusive ? high + Poly::Constant(1) : high;
  }

  // v == at, at a known short distance from one of the ends.
  void AddEquality(Node test, bool inside, const Poly& at, const Loop& loop, Split& split) const {
    const auto from_low = Distance(LowOf(loop), at);
    const auto to_high = Distance(at, HighOf(loop));
    if (from_low && *from_low >= 0 && *from_low < kWidestPeel) {
      Add(split, {Border::Side::kLow, "", at + Poly::Constant(1), test, inside, *from_low == 0});
    } else if (to_high && *to_high >= 1 && *to_high <= kWidestPeel) {
      Add(split, {Border::Side::kHigh, "", at, test, inside, *to_high == 1});
    } else if ((from_low && *from_low < 0) || (to_high && *to_high < 1)) {
      split.always[test.index()] = inside;
    }
  }

  // The test holds below `at` (below) or from it on.
  void AddHalfSpace(Node test, bool below, const Poly& at, const Loop& loop, Split& split) const {
    const auto from_low = Distance(LowOf(loop), at);
    const auto to_high = Distance(at, HighOf(loop));
    if (from_low && *from_low <= 0) {
      split.always[test.index()] = !below;
    } else if (to_high && *to_high <= 0) {
      split.always[test.index()] = below;
    } else if (from_low && *from_low <= kWidestPeel) {
      Add(split, {Border::Side::kLow, "", at, test, !below, true});
    } else if (to_high && *to_high <= kWidestPeel) {
      Add(split, {Border::Side::kHigh, "", at, test, below, true});
    } else if (below) {  // somewhere: where the test holds is taken for the long part
      Add(split, {Border::Side::kHigh, "", at, test, true, true});
    } else {
      Add(split, {Border::Side::kLow, "", at, test, true, true});
    }
  }

  void Add(Split& split, Border border) const {
    const auto text = TextOf(border.value);
    if (!text) return;
    border.at = *text;
    split.borders.push_back(std::move(border));
  }

  // A polynomial over declared names as C++; empty when a symbol is not a name of the source.
  std::optional<std::string> TextOf(const Poly& value) const {
    for (const std::string& symbol : value.Symbols()) {
      const Decl* const decl = function_.FindSymbol(symbol);
      if (decl == nullptr || decl->name != symbol || !function_.IsUnique(symbol)) {
        return std::nullopt;
      }
    }
    return value.ToString();
  }

  const Function& function_;
};

// The text of a piece of code with decided tests folded away and inner loops split as well.
class Folder {
 public:
  Folder(Rewriter& rewriter, const std::vector<Split>& splits)
      : rewriter_(rewriter), splits_(splits) {}

  std::string LoopText(const Split& split) {
    const Loop& loop = *split.loop;
    const std::string first = rewriter_.FreshName("first"), last = rewriter_.FreshName("last");
    const std::string type = "const " + loop.type + " ";
    const std::string high = loop.HighText();
    for (const auto& [node, value] : split.always) truth_[node] = value;
    std::string head, before, after, out;
    const std::string low_end = Bound(split, Border::Side::kLow, loop.LowText());
    const std::string high_end = Bound(split, Border::Side::kHigh, high);
    const bool has_low = Has(split, Border::Side::kLow), has_high = Has(split, Border::Side::kHigh);
    if (has_low) {
      head += fmt::format("{0}{1} = {2} < {3} ? {2} : {3};\n", type, first, Wrapped(low_end),
                          Wrapped(high));
      before = SideText(split, Border::Side::kLow, loop.LowText(), first);
    }
    const std::string from = has_low ? first : loop.LowText();
    if (has_high) {
      head += fmt::format("{0}{1} = {2} > {3} ? {2} : {3};\n", type, last, Wrapped(high_end), from);
      after = SideText(split, Border::Side::kHigh, last, high);
    }
    for (const Border& border : split.borders) truth_[border.test.index()] = border.inside;
    out = For(loop, from, has_high ? last : high, BodyText(loop));
    for (const Border& border : split.borders) truth_.erase(border.test.index());
    for (const auto& [node, value] : split.always) truth_.erase(node);
    return "{\n" + head + before + out + after + "}\n";
  }

 private:
  static std::string Wrapped(const std::string& text) { return Parenthesized(text); }

  static bool Has(const Split& split, Border::Side side) {
    return std::any_of(split.borders.begin(), split.borders.end(),
                       [&](const Border& border) { return border.side == side; });
  }

  // The innermost of the borders of one side, not beyond the loop's own end.
  static std::string Bound(const Split& split, Border::Side side, const std::string& own) {
    std::string bound = own;
    std::vector<Poly> seen;
    for (const Border& border : split.borders) {
      if (border.side != side || std::count(seen.begin(), seen.end(), border.value) > 0) continue;
      seen.push_back(border.value);
      bound = fmt::format("({0} {1} {2} ? {0} : {2})", Wrapped(bound),
                          side == Border::Side::kLow ? ">" : "<", Wrapped(border.at));
    }
    return bound;
  }

  static std::string For(const Loop& loop, const std::string& from, const std::string& to,
                         const std::string& body) {
    std::string text = ForText(loop.type, loop.name(), from, to, "1", body);
    std::string pragmas;
    for (const std::string& pragma : loop.pragmas) pragmas += pragma + "\n";
    return pragmas + text;
  }

  // What lies outside of one border. With a single one its tests are known there, too.
  std::string SideText(const Split& split, Border::Side side, const std::string& from,
                       const std::string& to) {
    std::vector<const Border*> borders;
    for (const Border& border : split.borders) {
      if (border.side == side) borders.push_back(&border);
    }
    const bool one = std::all_of(borders.begin(), borders.end(), [&](const Border* border) {
      return border->exact && border->value == borders.front()->value;
    });
    if (one) {
      for (const Border* border : borders) truth_[border->test.index()] = !border->inside;
    }
    const std::string body = Folded(split.loop->body);
    if (one) {
      for (const Border* border : borders) truth_.erase(border->test.index());
    }
    if (body.find_first_not_of(" \t\n{};") == std::string::npos) return "";
    return ForText(split.loop->type, split.loop->name(), from, to, "1", Inner(body));
  }

  std::string BodyText(const Loop& loop) {
    nested_ = true;
    return Inner(Folded(loop.body));
  }

  // Without the braces of a block.
  static std::string Inner(const std::string& body) {
    const size_t begin = body.find_first_not_of(" \t\n");
    const size_t end = body.find_last_not_of(" \t\n");
    if (begin != std::string::npos && body[begin] == '{' && body[end] == '}') {
      return body.substr(begin + 1, end - begin - 1) + "\n";
    }
    return body + "\n";
  }

  std::string Folded(Node region) {
    std::vector<std::pair<Node, std::string>> changes;
    Walk(region, region, changes);
    if (changes.size() == 1 && changes[0].first == region) return changes[0].second;
    return TextWithNodes(region, changes);
  }

  void Walk(Node node, Node region, std::vector<std::pair<Node, std::string>>& changes) {
    if (node.Is("for_statement")) {
      for (const Split& split : splits_) {
        if (split.loop->node == node && nested_) {
          changes.emplace_back(node, LoopText(split));
          return;
        }
      }
    }
    if (node.Is("if_statement") || node.Is("conditional_expression")) {
      const bool statement = node.Is("if_statement");
      const Node condition = ConditionOf(node);
      const Known known = Evaluate(condition);
      if (known.value) {
        Node taken = node.Child(*known.value ? "consequence" : "alternative");
        if (taken.Is("else_clause")) taken = taken.NamedChildren().front();
        const std::string text = taken.valid() ? Folded(taken) : statement ? ";" : "0";
        changes.emplace_back(node, statement ? text : "(" + text + ")");
        return;
      }
      if (known.text != condition.text()) changes.emplace_back(condition, known.text);
      Walk(node.Child("consequence"), region, changes);
      if (node.Child("alternative")) Walk(node.Child("alternative"), region, changes);
      return;
    }
    for (Node child : node.NamedChildren()) Walk(child, region, changes);
  }

  struct Known {
    std::optional<bool> value;
    std::string text;  // what is left of the condition
  };

  Known Evaluate(Node condition) const {
    const Node bare = condition.Unwrapped();
    if (const auto found = truth_.find(bare.index()); found != truth_.end()) {
      return {found->second, found->second ? "true" : "false"};
    }
    if (bare.Is("unary_expression") && bare.Child("operator").text() == "!") {
      const Known inner = Evaluate(bare.Child("argument"));
      if (inner.value) return {!*inner.value, *inner.value ? "false" : "true"};
      return {std::nullopt, std::string(condition.text())};
    }
    const std::string_view op = bare.Is("binary_expression") ? bare.Child("operator").text() : "";
    if (op != "&&" && op != "||") return {std::nullopt, std::string(condition.text())};
    const bool decides = op == "||";  // the value that decides the whole
    const Known left = Evaluate(bare.Child("left")), right = Evaluate(bare.Child("right"));
    for (const Known& side : {left, right}) {
      if (side.value == decides) return {decides, decides ? "true" : "false"};
    }
    if (left.value && right.value) return left;
    if (left.value) return right;
    if (right.value) return left;
    return {std::nullopt, fmt::format("({} {} {})", left.text, op, right.text)};
  }

  Rewriter& rewriter_;
  const std::vector<Split>& splits_;
  std::map<int, bool> truth_;  // decided tests, by node
  bool nested_ = false;        // inner loops are split in interiors only
};

class SplitRangeSkill final : public Skill {
 public:
  std::string name() const override { return "split_range"; }
  std::string_view summary() const override {
    return "A loop that tests its own variable (borders of a stencil, padding, a triangle) becomes "
           "border loops and an interior in which the tests are decided and gone, so that it can "
           "vectorise. Order and result stay exactly the same; costs code size.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      if (site.loop->parent != nullptr && PlanOf(site, *site.loop->parent)) continue;
      std::vector<Split> nest;
      PlanNest(site, *site.loop, nest);
      if (nest.empty()) continue;
      if (nest.size() > 1) edits.push_back(Write(kernel, nest));
      for (const Split& split : nest) edits.push_back(Write(kernel, {split}));
      if (edits.size() >= kMaxEdits) break;
    }
    return edits;
  }

 private:
  static constexpr size_t kMaxEdits = 8;

  static std::optional<Split> PlanOf(const KernelContext::Site& site, const Loop& loop) {
    return Splitter(site).Plan(loop);
  }

  static void PlanNest(const KernelContext::Site& site, const Loop& loop,
                       std::vector<Split>& nest) {
    std::optional<Split> split = PlanOf(site, loop);
    if (split) nest.push_back(*std::move(split));
    if (nest.empty()) return;  // only below a loop that is split
    for (const auto& child : loop.children) PlanNest(site, *child, nest);
  }

  static Edit Write(const KernelContext& kernel, const std::vector<Split>& nest) {
    Rewriter rewriter(kernel.tree());
    Folder folder(rewriter, nest);
    const Loop& outer = *nest.front().loop;
    rewriter.ReplaceStatement(outer.node, folder.LoopText(nest.front()));
    std::string loops = Describe(outer);
    for (size_t i = 1; i < nest.size(); ++i) loops += " and " + Describe(*nest[i].loop);
    const bool innermost =
        std::any_of(nest.begin(), nest.end(), [](const Split& s) { return s.loop->IsInnermost(); });
    return {rewriter.Apply(),
            fmt::format("Split {} into borders and an interior without tests.", loops),
            EditKind::kStructure, innermost ? 2.0 : 1.1};
  }
};

}  // namespace

std::unique_ptr<Skill> NewSplitRangeSkill() { return std::make_unique<SplitRangeSkill>(); }

}  // namespace ks
