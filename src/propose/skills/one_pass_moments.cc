// Skill one_pass_moments: a sum and, in a later loop, the sum of squared differences from a value
// made of it, both in the first loop.
#include <algorithm>

#include "propose/skills/skills.h"
#include "propose/vector/vectorize.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

// for (i) sum += term;  ...  for (i) squares += (term - centre)^2;
struct Moments {
  const IrStmt* first = nullptr;
  const IrStmt* second = nullptr;
  std::string sum, squares;
  IrExprPtr term, centre;
};

bool MentionsAny(const IrExprPtr& e, const std::set<std::string>& names) {
  const std::set<std::string> used = NamesIn(e);
  return std::any_of(used.begin(), used.end(),
                     [&](const std::string& name) { return names.count(name) > 0; });
}

// The scalar that `loop` sums up and the term, its locals written out. Nothing else happens there.
struct ScalarSum {
  std::string name;
  IrExprPtr term;
};
std::optional<ScalarSum> MatchSum(const IrStmt& loop) {
  if (loop.kind != SKind::kFor || loop.body.empty() || HasOpaque(loop.body)) return std::nullopt;
  std::map<std::string, IrExprPtr> locals;
  for (size_t i = 0; i + 1 < loop.body.size(); ++i) {
    const IrStmt& s = loop.body[i];
    if (s.kind != SKind::kDecl || !s.value || s.type != IrType::kFloat) return std::nullopt;
    locals[s.name] = Substitute(s.value, locals);
  }
  const IrStmt& last = loop.body.back();
  if (last.kind != SKind::kAssign || last.op != "+=" || last.target->kind != EKind::kName ||
      last.target->type != IrType::kFloat || locals.count(last.target->text) > 0) {
    return std::nullopt;
  }
  ScalarSum sum{last.target->text, Substitute(last.value, locals)};
  if (Mentions(sum.term, sum.name)) return std::nullopt;
  return sum;
}

// `e` is (term - centre) * (term - centre), or with both sides exchanged: the centre.
IrExprPtr CentreOf(const IrExprPtr& e, const IrExprPtr& term) {
  if (e->kind != EKind::kBinary || e->text != "*" || !SameExpr(e->args[0], e->args[1])) {
    return nullptr;
  }
  const IrExpr& difference = *e->args[0];
  if (difference.kind != EKind::kBinary || difference.text != "-") return nullptr;
  if (SameExpr(difference.args[0], term)) return difference.args[1];
  return SameExpr(difference.args[1], term) ? difference.args[0] : nullptr;
}

// Only scalars are computed between the two loops, and nothing that the term or the bounds need.
bool OnlyScalarsBetween(const std::vector<IrStmt>& body, size_t a, size_t b,
                        const std::vector<IrExprPtr>& needed) {
  std::set<std::string> changed;
  for (size_t i = a + 1; i < b; ++i) {
    const IrStmt& s = body[i];
    const bool scalar =
        s.kind == SKind::kDecl || (s.kind == SKind::kAssign && s.target->kind == EKind::kName);
    if (!scalar) return false;
    changed.insert(s.kind == SKind::kDecl ? s.name : s.target->text);
  }
  return std::none_of(needed.begin(), needed.end(),
                      [&](const IrExprPtr& e) { return MentionsAny(e, changed); });
}

std::optional<Moments> MatchPair(const std::vector<IrStmt>& body, size_t a, size_t b) {
  const auto sum = MatchSum(body[a]);
  const auto squares = MatchSum(body[b]);
  if (!sum || !squares || sum->name == squares->name) return std::nullopt;
  const IrStmt& first = body[a];
  const IrStmt& second = body[b];
  if (!SameExpr(first.low, second.low) || !SameExpr(first.high, second.high)) return std::nullopt;
  const IrExprPtr value =
      Substitute(squares->term, {{second.name, MakeName(first.name, IrType::kInt)}});
  Moments m{&first, &second, sum->name, squares->name, sum->term, CentreOf(value, sum->term)};
  if (!m.centre || !Mentions(m.term, first.name)) return std::nullopt;
  if (Mentions(m.centre, first.name) || Mentions(m.centre, m.squares)) return std::nullopt;
  if (Mentions(m.term, m.squares)) return std::nullopt;
  if (!OnlyScalarsBetween(body, a, b, {m.term, first.low, first.high})) return std::nullopt;
  return m;
}

void FindPairs(const std::vector<IrStmt>& body, std::vector<Moments>& out) {
  for (size_t a = 0; a < body.size(); ++a) {
    for (size_t b = a + 1; b < body.size(); ++b) {
      if (auto found = MatchPair(body, a, b)) {
        out.push_back(*std::move(found));
        break;
      }
    }
    FindPairs(body[a].body, out);
    FindPairs(body[a].other, out);
  }
}

class OnePassMomentsSkill final : public Skill {
 public:
  std::string name() const override { return "one_pass_moments"; }
  std::string_view summary() const override {
    return "Sum and sum of squared differences from the mean in one pass over the data: both are "
           "taken about the first element, which keeps the digits that plain squares would lose, "
           "and moved to the mean afterwards. Saves a pass of normalisations; needs the tolerance "
           "for it.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    if (!kernel.MayReassociate()) return {};
    const auto ir = BuildKernelIr(kernel.tree(), kernel.task().entry);
    if (!ir) return {};
    std::vector<Moments> pairs;
    FindPairs(ir->body, pairs);
    std::vector<Edit> edits;
    for (const Moments& m : pairs) {
      const std::string source = Write(kernel.source(), *ir, m);
      const std::string why = "Sum up " + m.sum + " and " + m.squares + " in one pass";
      const auto lanes =
          VectorizeKernel(source, kernel.task().entry, kernel.machine(), VectorizeOptions());
      if (lanes) edits.push_back({lanes->source, why + ", in lanes.", EditKind::kStrategy, 3.2});
      edits.push_back({source, why + ".", EditKind::kStructure, 1.2});
    }
    return edits;
  }

 private:
  static std::string Write(const std::string& source, const KernelIr& ir, const Moments& m) {
    const auto fresh = [&](const std::string& base) {
      std::string name = base;
      for (int i = 2; source.find(name) != std::string::npos; ++i) name = base + std::to_string(i);
      return name;
    };
    const std::string shift = fresh("shift"), total = fresh("shifted_sum");
    const std::string squares = fresh("shifted_squares"), item = fresh("shifted");
    const std::string type = TypeOf(ir, m.sum);
    const std::string& i = m.first->name;
    const std::string low = ToText(*m.first->low), high = ToText(*m.first->high);
    const IrExprPtr head = Substitute(m.term, {{i, m.first->low}});
    const std::string count = "static_cast<" + type + ">((" + high + ") - (" + low + "))";
    const std::string centre = "(" + ToText(*m.centre) + ")";
    const std::string one_pass =
        "const " + type + " " + shift + " = (" + low + ") < (" + high + ") ? " + ToText(*head) +
        " : 0;\n" + type + " " + total + " = 0;\n" + type + " " + squares + " = 0;\n" + "for (" +
        m.first->cpp_type + " " + i + " = " + low + "; " + i + " < " + high + "; ++" + i +
        ") {\n  const " + type + " " + item + " = " + ToText(*m.term) + " - " + shift + ";\n  " +
        total + " += " + item + ";\n  " + squares + " += " + item + " * " + item + ";\n}\n" +
        m.sum + " += " + total + " + " + count + " * " + shift + ";";
    const std::string closed = m.squares + " += " + squares + " + (" + centre + " - " + shift +
                               ") * (" + count + " * (" + centre + " - " + shift + ") - 2 * " +
                               total + ");";
    std::string out = source;
    out.replace(m.second->begin, m.second->end - m.second->begin, closed);
    const size_t line = source.rfind('\n', m.first->begin) + 1;
    const std::string margin(m.first->begin - line, ' ');
    out.replace(m.first->begin, m.first->end - m.first->begin, WithMargin(one_pass, margin));
    return out;
  }

  static std::string WithMargin(const std::string& text, const std::string& margin) {
    std::string out;
    for (char c : text) {
      out += c;
      if (c == '\n') out += margin;
    }
    return out;
  }

  // As the accumulator is declared; float when it is a parameter.
  static std::string TypeOf(const KernelIr& ir, const std::string& name) {
    std::string type = "float";
    ForEachStmt(ir.body, [&](const IrStmt& s) {
      if (s.kind == SKind::kDecl && s.name == name) type = s.cpp_type;
    });
    return type;
  }
};

}  // namespace

std::unique_ptr<Skill> NewOnePassMomentsSkill() { return std::make_unique<OnePassMomentsSkill>(); }

}  // namespace ks
