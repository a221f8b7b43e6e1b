// Skill unroll_and_jam: unrolls a parallel outer loop and jams the copies into the inner loops, so
// that values loaded in the inner loop serve several rows (register blocking).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

// Writes `copies` jammed copies of a loop's body. Single use.
class JamWriter {
 public:
  JamWriter(const AnalysedFunction& function, const Loop& loop, int copies, Rewriter& rewriter)
      : function_(*function.function), nest_(*function.nest), loop_(loop) {
    varying_ = {loop.variable};
    replacements_.resize(static_cast<size_t>(copies));
    for (int copy = 0; copy < copies; ++copy) {
      auto& own = replacements_[static_cast<size_t>(copy)];
      if (copy > 0) own[loop.variable] = fmt::format("({} + {})", loop.name(), copy);
    }
    for (const auto& decl : function_.decls()) {
      if (!loop.body.Contains(decl->node) || decl->is_loop_variable) continue;
      if (IsUniform(function_, *decl, varying_)) continue;
      for (int copy = 1; copy < copies; ++copy) {
        replacements_[static_cast<size_t>(copy)][decl.get()] =
            rewriter.FreshName(fmt::format("{}_{}", decl->name, copy));
      }
    }
  }

  std::string Write() { return WriteAll(loop_.Statements()); }
  // Loops that were jammed (the copies share their header).
  int jammed() const { return jammed_; }

 private:
  const Loop* LoopAt(Node statement) const {
    for (const Loop* loop : nest_.all()) {
      if (loop->node == statement) return loop;
    }
    return nullptr;
  }

  bool IsUniformHere(Node expression) const {
    return IsUniformExpression(function_, expression, loop_.body, varying_);
  }

  std::string WriteAll(const std::vector<Node>& statements) {
    std::string out;
    for (Node statement : statements) out += WriteOne(statement);
    return out;
  }

  std::string WriteBlock(Node statement) {
    return statement.Is("compound_statement") ? WriteAll(statement.NamedChildren())
                                              : WriteOne(statement);
  }

  std::string WriteOne(Node statement) {
    const Loop* inner = LoopAt(statement);
    if (inner != nullptr && inner->canonical && IsUniformHere(inner->low) &&
        IsUniformHere(inner->high)) {
      ++jammed_;
      return WithBody(*inner, WriteAll(inner->Statements()));
    }
    if (statement.Is("if_statement") && IsUniformHere(statement.Child("condition"))) {
      std::string out = fmt::format("if {} {{\n{}}}", statement.Child("condition").text(),
                                    WriteBlock(statement.Child("consequence")));
      Node alternative = statement.Child("alternative");
      if (alternative) {
        if (alternative.Is("else_clause")) alternative = alternative.NamedChildren()[0];
        out += fmt::format(" else {{\n{}}}", WriteBlock(alternative));
      }
      return out + "\n";
    }
    if (statement.Is("compound_statement")) return "{\n" + WriteBlock(statement) + "}\n";
    if (statement.Is("declaration")) {
      const Decl* decl = function_.DeclaredBy(statement);
      if (decl != nullptr && decl->declarators == 1 && IsUniform(function_, *decl, varying_)) {
        return std::string(statement.text()) + "\n";
      }
    }
    std::string out;
    for (const auto& own : replacements_) out += TextWith(function_, statement, own) + "\n";
    return out;
  }

  const Function& function_;
  const LoopNest& nest_;
  const Loop& loop_;
  int jammed_ = 0;
  std::set<const Decl*> varying_;
  std::vector<std::map<const Decl*, std::string>> replacements_;
};

class UnrollAndJamSkill final : public Skill {
 public:
  std::string name() const override { return "unroll_and_jam"; }
  std::string_view summary() const override {
    return "Unroll a parallel outer loop by 2 to 8 and merge the copies of its inner loops: one "
           "load of what does not depend on the outer loop serves several rows, and several "
           "independent sums hide latency. Costs registers and a remainder loop.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (loop.IsInnermost() || loop.step != "1" || HasOpenMp(loop) || HasJumps(loop.body)) {
        continue;
      }
      const StrideCount strides =
          CountStrides(InnermostAccesses(*site.function, loop), loop.variable->symbol);
      if (!site.function->dependence().IsParallel(loop)) continue;
      for (int copies : {4, 2, 6, 8, 3}) {
        const std::string source = Write(kernel, site, copies);
        if (source.empty()) break;
        const double gain = strides.none > 0 ? (copies == 4 || copies == 6 ? 1.6 : 1.4) : 1.05;
        edits.push_back(
            {source,
             fmt::format("Unroll {} by {} and jam its inner loops.", Describe(loop), copies),
             EditKind::kStructure, gain});
      }
    }
    return edits;
  }

 private:
  static std::string Write(const KernelContext& kernel, const KernelContext::Site& site,
                           int copies) {
    const Loop& loop = *site.loop;
    Rewriter rewriter(kernel.tree());
    JamWriter writer(*site.function, loop, copies, rewriter);
    const std::string body = writer.Write();
    if (writer.jammed() == 0 || body.size() > 60000) return "";
    const std::string end = rewriter.FreshName(loop.name() + "_jammed");
    const std::string text =
        fmt::format("const {} {} = {};\n", loop.type, end,
                    WholeStepsText(loop, std::to_string(copies))) +
        ForText(loop.type, loop.name(), loop.LowText(), end, std::to_string(copies), body) +
        ForText(loop.type, loop.name(), end, loop.HighText(), "1", loop.BodyText());
    const bool alone = !loop.node.parent().Is("compound_statement");
    rewriter.ReplaceStatement(loop.node, alone ? "{\n" + text + "}\n" : text);
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewUnrollAndJamSkill() { return std::make_unique<UnrollAndJamSkill>(); }

}  // namespace ks
