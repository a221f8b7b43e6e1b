// Skill lane_strips: runs a parallel loop as the innermost one, a strip of lanes at a time.
//
// for j { float s = 0; for p { s += a[p] * b[p * n + j]; } c[j] = s; } becomes, for strips of j,
// an array of sums and loops over the lanes inside the loop over p: contiguous and vectorisable.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

// Distributes the statements of one parallel loop over lane loops. Single use.
class StripWriter {
 public:
  StripWriter(const AnalysedFunction& function, const Loop& loop, Rewriter& rewriter)
      : function_(*function.function), nest_(*function.nest), loop_(loop), rewriter_(rewriter) {}

  // The strip loop; empty when it cannot be written.
  std::string Write(const std::string& lanes) {
    NumberPieces(loop_.Statements());
    if (pushed_ == 0 || !ChooseArrays()) return "";
    const std::string first = rewriter_.FreshName(loop_.name() + "_first");
    lane_ = rewriter_.FreshName("lane");
    replacements_[loop_.variable] = fmt::format("({} + {})", first, lane_);
    std::string declarations;
    for (const auto& decl : function_.decls()) {  // in the order of the source: runs replay
      const auto array = arrays_.find(decl.get());
      if (array == arrays_.end()) continue;
      const std::string& name = array->second;
      declarations += fmt::format("{} {}[{}];\n", decl->type, name, lanes);
      replacements_[decl.get()] = fmt::format("{}[{}]", name, lane_);
    }
    const std::string rest = rewriter_.FreshName("lanes");
    const std::string end = rewriter_.FreshName(loop_.name() + "_whole");
    limit_ = lanes;
    const std::string full = WriteStatements(loop_.Statements());
    limit_ = rest;
    replacements_[loop_.variable] = fmt::format("({} + {})", end, lane_);
    const std::string partial = WriteStatements(loop_.Statements());
    const std::string& type = loop_.type;
    return fmt::format("const {} {} = {};\n", type, end, WholeStepsText(loop_, lanes)) +
           ForText(type, first, loop_.LowText(), end, lanes, declarations + full) +
           fmt::format("if ({0} < {1}) {{\nconst {2} {3} = {4} - {0};\n{5}{6}}}\n", end,
                       loop_.HighText(), type, rest, Parenthesized(loop_.HighText()), declarations,
                       partial);
  }

 private:
  const Loop* LoopAt(Node statement) const {
    for (const Loop* loop : nest_.all()) {
      if (loop->node == statement) return loop;
    }
    return nullptr;
  }

  // The lanes can run inside this loop: same trip count for every lane.
  bool CanPush(const Loop& inner) const {
    const std::set<const Decl*> varying = {loop_.variable};
    return inner.canonical && IsUniformExpression(function_, inner.low, loop_.body, varying) &&
           IsUniformExpression(function_, inner.high, loop_.body, varying);
  }

  void NumberPieces(const std::vector<Node>& statements) {
    bool open = false;
    for (Node statement : statements) {
      const Loop* inner = LoopAt(statement);
      if (inner != nullptr && CanPush(*inner)) {
        ++pushed_;
        open = false;
        NumberPieces(inner->Statements());
      } else {
        if (!open) ++pieces_;
        open = true;
        piece_of_.emplace_back(statement, pieces_);
      }
    }
  }

  // Locals that live across pieces become arrays of lanes.
  bool ChooseArrays() {
    std::map<const Decl*, std::set<int>> uses;
    for (const auto& [statement, piece] : piece_of_) {
      for (Node node : statement.Subtree()) {
        if (!node.Is("identifier")) continue;
        const Decl* decl = function_.Resolve(node);
        if (decl == nullptr || !loop_.body.Contains(decl->node)) continue;
        if (decl->is_loop_variable) continue;
        uses[decl].insert(piece);
      }
    }
    for (const auto& decl : function_.decls()) {
      const auto found = uses.find(decl.get());
      if (found == uses.end() || found->second.size() < 2) continue;
      if (decl->kind != DeclKind::kScalar || !IsPlainScalarType(decl->type) ||
          decl->declarators != 1) {
        return false;
      }
      arrays_[decl.get()] = rewriter_.FreshName(decl->name + "_lanes");
    }
    return true;
  }

  std::string WriteStatements(const std::vector<Node>& statements) {
    std::string out, run;
    const auto flush = [&] {
      if (!run.empty()) out += ForText(loop_.type, lane_, "0", limit_, "1", run);
      run.clear();
    };
    for (Node statement : statements) {
      const Loop* inner = LoopAt(statement);
      if (inner != nullptr && CanPush(*inner)) {
        flush();
        out += WithBody(*inner, WriteStatements(inner->Statements()));
      } else {
        run += WriteStatement(statement) + "\n";
      }
    }
    flush();
    return out;
  }

  std::string WriteStatement(Node statement) {
    if (statement.Is("declaration")) {
      const Decl* decl = function_.DeclaredBy(statement);
      if (decl != nullptr && arrays_.count(decl) != 0) {
        if (!decl->init) return "";
        return fmt::format("{} = {};", replacements_[decl],
                           TextWith(function_, decl->init, replacements_));
      }
    }
    return TextWith(function_, statement, replacements_);
  }

  const Function& function_;
  const LoopNest& nest_;
  const Loop& loop_;
  Rewriter& rewriter_;
  std::vector<std::pair<Node, int>> piece_of_;
  std::map<const Decl*, std::string> arrays_, replacements_;
  std::string lane_, limit_;
  int pieces_ = 0, pushed_ = 0;
};

class LaneStripsSkill final : public Skill {
 public:
  std::string name() const override { return "lane_strips"; }
  std::string_view summary() const override {
    return "A parallel outer loop whose steps are neighbours in memory becomes the innermost loop "
           "over a strip of lanes; scalars become small arrays. Makes strided reductions "
           "contiguous and vectorisable without reordering a sum. Costs a buffer of lanes.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (loop.step != "1") continue;
      if (loop.IsInnermost() || HasOpenMp(loop) || HasJumps(loop.body)) continue;
      const StrideCount strides =
          CountStrides(InnermostAccesses(*site.function, loop), loop.variable->symbol);
      if (strides.unit == 0 || strides.strided + strides.unknown > 0) continue;
      if (!site.function->dependence().IsParallel(loop)) continue;
      AddEdits(kernel, site, edits);
    }
    return edits;
  }

 private:
  static void AddEdits(const KernelContext& kernel, const KernelContext::Site& site,
                       std::vector<Edit>& edits) {
    for (int64_t width : {int64_t{32}, int64_t{128}, int64_t{512}}) {
      Rewriter rewriter(kernel.tree());
      const std::string lanes =
          rewriter.AddTunable("kStripLanes", width, {8, 16, 32, 64, 128, 256, 512, 1024});
      StripWriter writer(*site.function, *site.loop, rewriter);
      const std::string text = writer.Write(lanes);
      if (text.empty()) return;
      const bool alone = !site.loop->node.parent().Is("compound_statement");
      rewriter.ReplaceStatement(site.loop->node, alone ? "{\n" + text + "}\n" : text);
      edits.push_back(
          {rewriter.Apply(),
           fmt::format("Run {} innermost in strips of {} lanes.", Describe(*site.loop), width),
           EditKind::kStructure, 4.0});
    }
  }
};

}  // namespace

std::unique_ptr<Skill> NewLaneStripsSkill() { return std::make_unique<LaneStripsSkill>(); }

}  // namespace ks
