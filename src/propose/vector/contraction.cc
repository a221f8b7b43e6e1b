#include "propose/vector/contraction.h"

#include <algorithm>

#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

LoopHeader HeaderOf(const IrStmt& loop) { return {loop.name, loop.cpp_type, loop.low, loop.high}; }

bool MentionsAny(const IrExprPtr& e, const std::vector<LoopHeader>& loops) {
  return e && std::any_of(loops.begin(), loops.end(),
                          [&](const LoopHeader& l) { return Mentions(e, l.name); });
}

void Factors(const IrExprPtr& e, std::vector<IrExprPtr>& out) {
  if (e->kind == EKind::kBinary && e->text == "*" && e->type == IrType::kFloat) {
    Factors(e->args[0], out);
    Factors(e->args[1], out);
  } else {
    out.push_back(e);
  }
}

IrExprPtr Times(const IrExprPtr& a, const IrExprPtr& b) {
  return a ? MakeBinary("*", a, b, IrType::kFloat) : b;
}

IrExprPtr And(const IrExprPtr& a, const IrExprPtr& b) {
  return a ? MakeBinary("&&", a, b, IrType::kBool) : b;
}

// The summed loops down to `sum += term`, with guards and float locals folded in.
struct Terms {
  std::vector<LoopHeader> loops;
  IrExprPtr term, guard;
};

bool CollectTerms(const std::vector<IrStmt>& body, const std::string& sum,
                  std::map<std::string, IrExprPtr> locals, Terms& out) {
  for (size_t i = 0; i < body.size(); ++i) {
    const IrStmt& s = body[i];
    const bool last = i + 1 == body.size();
    if (s.kind == SKind::kDecl && s.value && !last) {
      locals[s.name] = Substitute(s.value, locals);
      continue;
    }
    if (!last) return false;
    if (s.kind == SKind::kFor) {
      if (!locals.empty()) return false;
      out.loops.push_back(HeaderOf(s));
      return CollectTerms(s.body, sum, locals, out);
    }
    if (s.kind == SKind::kIf && s.other.empty()) {
      out.guard = And(out.guard, Substitute(s.condition, locals));
      return CollectTerms(s.body, sum, locals, out);
    }
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kName || s.target->text != sum) {
      return false;
    }
    if (s.op == "+=") {
      out.term = Substitute(s.value, locals);
    } else if (s.op == "=" && s.value->kind == EKind::kBinary && s.value->text == "+" &&
               s.value->args[0]->kind == EKind::kName && s.value->args[0]->text == sum) {
      out.term = Substitute(s.value->args[1], locals);
    }
    return out.term && !Mentions(out.term, sum);
  }
  return false;
}

// Loops in which nothing but the next loop stands; the innermost body remains.
const std::vector<IrStmt>* Peel(const IrStmt& nest, std::vector<LoopHeader>& loops) {
  const IrStmt* at = &nest;
  loops.push_back(HeaderOf(*at));
  while (at->body.size() == 1) {
    const IrStmt& inner = at->body[0];
    if (inner.kind == SKind::kBlock) return &inner.body;
    if (inner.kind != SKind::kFor) break;
    at = &inner;
    loops.push_back(HeaderOf(*at));
  }
  return &at->body;
}

bool IsZero(const IrExprPtr& e) {
  return e->kind == EKind::kNumber && e->text.find_first_not_of("0.fF") == std::string::npos;
}

// Outputs that a float sum may be stored to; the short ones are of device languages.
bool HoldsFloats(const std::string& element) {
  return element == "float" || element == "__half" || element == "half" ||
         element == "__nv_bfloat16";
}

// float sum = start; <loops of terms>; epilogue
bool MatchBody(const KernelIr& kernel, const std::vector<IrStmt>& body, Contraction& c) {
  if (body.size() < 3 || body[0].kind != SKind::kDecl || !body[0].value ||
      body[0].type != IrType::kFloat || body[1].kind != SKind::kFor) {
    return false;
  }
  c.sum = body[0].name;
  c.start = body[0].value;
  Terms terms;
  terms.loops.push_back(HeaderOf(body[1]));
  if (!CollectTerms(body[1].body, c.sum, {}, terms)) return false;
  c.depth = terms.loops;
  c.guard = terms.guard;
  c.left = terms.term;  // split later
  int writes = 0;
  for (size_t i = 2; i < body.size(); ++i) {
    const IrStmt& s = body[i];
    c.epilogue.push_back(s);
    const bool store = s.kind == SKind::kAssign && s.target->kind == EKind::kIndex && s.op == "=";
    if (store) {
      ++writes;
      c.target = s.target;
    } else if (s.kind == SKind::kOpaque || s.kind == SKind::kFor) {
      return false;
    }
  }
  if (writes != 1 || c.epilogue.back().kind != SKind::kAssign ||
      !HoldsFloats(kernel.ElementOf(c.target->text))) {
    return false;
  }
  c.plain = c.epilogue.size() == 1 && c.epilogue[0].value->kind == EKind::kName &&
            c.epilogue[0].value->text == c.sum && IsZero(c.start);
  return true;
}

bool SplitTerm(Contraction& c) {
  std::vector<IrExprPtr> factors;
  Factors(c.left, factors);
  IrExprPtr left, right;
  for (const IrExprPtr& f : factors) {
    const bool row = Mentions(f, c.row.name);
    if (row && Mentions(f, c.column.name)) return false;
    (row ? left : right) = Times(row ? left : right, f);
  }
  if (!left || !right || !Mentions(right, c.column.name)) return false;
  if (!MentionsAny(left, c.depth) || !MentionsAny(right, c.depth)) return false;
  c.left = left;
  c.right = right;
  c.left_fixed = !MentionsAny(left, c.batch);
  return !c.guard || !Mentions(c.guard, c.row.name);
}

bool Rectangular(const std::vector<LoopHeader>& all) {
  for (const LoopHeader& a : all) {
    if (MentionsAny(a.low, all) || MentionsAny(a.high, all)) return false;
  }
  return true;
}

// The output is written only here, at places that differ for every iteration of the outer loops.
bool OutputIsSeparate(const Contraction& c, const std::vector<LoopHeader>& outer) {
  const Polynomial place = Polynomial::Of(c.target->args[0]);
  for (const LoopHeader& l : outer) {
    const auto stride = place.StrideOf(l.name);
    if (!stride || stride->IsZero()) return false;
  }
  for (const LoopHeader& l : c.depth) {
    if (!place.IndependentOf(l.name)) return false;
  }
  std::vector<IrExprPtr> reads = {c.left, c.guard};
  // Sums that begin with the output's old value may read it.
  if (!SameExpr(c.start, c.target)) reads.push_back(c.start);
  for (const IrStmt& s : c.epilogue) reads.push_back(s.value);
  return std::none_of(reads.begin(), reads.end(),
                      [&](const IrExprPtr& e) { return e && Mentions(e, c.target->text); });
}

bool NamesAreFree(const KernelIr& kernel) {
  static const std::set<std::string> kOwn = {
      "block_row",      "block_column", "block_term",   "tile_row",      "tile_column",
      "term",           "lane",         "row_in_tile",  "vector_in_row", "panel_start",
      "used_lanes",     "row_count",    "column_count", "term_count",    "into",
      "panel_data",     "tile_values",  "tile_sum",     "all_row_count", "all_column_count",
      "all_term_count", "whole_vector", "first_terms",  "last_terms",    "used_rows",
      "used_columns",   "left_panels",  "right_panels"};
  const auto clashes = [&](const std::string& name) { return kOwn.count(name) > 0; };
  return std::none_of(kernel.arrays.begin(), kernel.arrays.end(),
                      [&](const auto& a) { return clashes(a.first); }) &&
         std::none_of(kernel.scalars.begin(), kernel.scalars.end(),
                      [&](const auto& a) { return clashes(a.first); });
}

}  // namespace

std::optional<Contraction> MatchContraction(const KernelIr& kernel, const IrStmt& root) {
  if (root.kind != SKind::kFor || HasOpaque(root.body) || !NamesAreFree(kernel)) {
    return std::nullopt;
  }
  std::vector<IrStmt> nest = {root};
  NormalizeReductions(kernel, nest);
  if (nest.size() != 1 || nest[0].kind != SKind::kFor) return std::nullopt;
  Contraction c;
  c.begin = root.begin;
  c.end = root.end;
  std::vector<LoopHeader> outer;
  const std::vector<IrStmt>* body = Peel(nest[0], outer);
  if (!MatchBody(kernel, *body, c) || outer.size() < 2) return std::nullopt;
  std::vector<LoopHeader> all = outer;
  all.insert(all.end(), c.depth.begin(), c.depth.end());
  if (!Rectangular(all) || !OutputIsSeparate(c, outer)) return std::nullopt;
  const Polynomial place = Polynomial::Of(c.target->args[0]);
  const IrExprPtr term = c.left;
  for (size_t j = outer.size(); j-- > 0;) {
    if (place.StrideOf(outer[j].name)->Constant() != 1) continue;
    for (size_t i = outer.size(); i-- > 0;) {
      if (i == j) continue;
      Contraction tried = c;
      tried.row = outer[i];
      tried.column = outer[j];
      for (size_t b = 0; b < outer.size(); ++b) {
        if (b != i && b != j) tried.batch.push_back(outer[b]);
      }
      // The row factor must be free of the column; SplitTerm says.
      if (SplitTerm(tried)) return tried;
      c.left = term;
    }
  }
  return std::nullopt;
}

ContractionBlocks BlocksFor(const Machine& machine) {
  ContractionBlocks blocks;
  if (machine.vector_bits >= 512) blocks.vectors = 4;
  if (machine.vector_bits < 256) blocks.rows = 4;
  return blocks;
}

}  // namespace ks
