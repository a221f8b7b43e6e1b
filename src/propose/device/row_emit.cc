#include "propose/device/row_emit.h"

#include <algorithm>

#include "base/text.h"
#include "propose/device/split_phases.h"
#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;
using RKind = LaneReduction::Kind;

// Registers a thread may spend on a cached row.
constexpr int kMaxCachedItems = 64;
// ... and should.
constexpr int kWantedItems = 32;

bool IsSumLike(RKind kind) { return kind == RKind::kSum || kind == RKind::kProduct; }

class RowEmitter {
 public:
  RowEmitter(const DeviceContext& context, const VirtualNest& nest, const RowPlan& plan,
             const RowOptions& options)
      : context_(context),
        nest_(nest),
        plan_(plan),
        options_(options),
        text_(context.dialect(), nest.index_type) {}

  std::optional<KernelRewrite> Emit();

 private:
  bool warp() const { return options_.scheme == RowScheme::kWarp; }
  bool column() const { return options_.scheme == RowScheme::kColumn; }
  std::optional<std::string> Grid() const;
  std::string Place() const;
  std::string Row(bool cached);
  std::string SharedLoopText(const SharedLoop& shared, bool cached);
  std::string Distributed(const SharedLoop& shared) const;
  std::string FromRegisters(const SharedLoop& shared) const;
  std::string CachedBody(const std::vector<IrStmt>& body, const SharedLoop& shared) const;
  std::string Preload() const;
  std::string Reduce(const LaneReduction& reduction, const std::string& type,
                     const std::string& index_type);
  std::string Partials(const std::string& type);
  std::string Combine(const LaneReduction& reduction, const std::string& other,
                      const std::string& other_index) const;
  std::string Sync() const;

  const DeviceContext& context_;
  const VirtualNest& nest_;
  const RowPlan& plan_;
  const RowOptions options_;
  const DeviceText text_;
  std::string lanes_, rows_, items_;             // names of constants
  std::map<std::string, std::string> partials_;  // element type -> shared array
  std::string mask_ = "ks_mask";
};

// "a = a + b;" with b another thread's part.
std::string RowEmitter::Combine(const LaneReduction& r, const std::string& other,
                                const std::string& other_index) const {
  switch (r.kind) {
    case RKind::kSum:
      return r.name + " += " + other + ";\n";
    case RKind::kProduct:
      return r.name + " *= " + other + ";\n";
    case RKind::kMax:
      return r.name + " = " + other + " > " + r.name + " ? " + other + " : " + r.name + ";\n";
    case RKind::kMin:
      return r.name + " = " + other + " < " + r.name + " ? " + other + " : " + r.name + ";\n";
    case RKind::kArgMax:
    case RKind::kArgMin:
      break;
  }
  const std::string better = r.kind == RKind::kArgMax ? " > " : " < ";
  const std::string nearer = r.last_wins ? " > " : " < ";
  return "if (" + other + better + r.name + " || (" + other + " == " + r.name + " && " +
         other_index + nearer + r.index + ")) {\n" + r.name + " = " + other + ";\n" + r.index +
         " = " + other_index + ";\n}\n";
}

// The name of the shared array for parts of that type.
std::string RowEmitter::Partials(const std::string& type) {
  const auto found = partials_.find(type);
  if (found != partials_.end()) return found->second;
  const std::string name = "ks_parts" + std::to_string(partials_.size());
  partials_[type] = name;
  return name;
}

std::string RowEmitter::Sync() const {
  return warp() ? "__syncwarp(" + mask_ + ");\n" : text_.Barrier();
}

// Every thread of the row gets the combined value.
std::string RowEmitter::Reduce(const LaneReduction& r, const std::string& type,
                               const std::string& index_type) {
  const bool arg = !r.index.empty();
  const auto shuffles = [&](const std::string& from, const std::string& width) {
    std::string text = "for (int ks_d = " + from + "; ks_d > 0; ks_d /= 2) {\n";
    text += "const " + type + " ks_other = __shfl_xor_sync(" + (warp() ? mask_ : "0xffffffffu") +
            ", " + r.name + ", ks_d, " + width + ");\n";
    if (arg) {
      text += "const " + index_type + " ks_other_index = __shfl_xor_sync(" +
              (warp() ? mask_ : "0xffffffffu") + ", " + r.index + ", ks_d, " + width + ");\n";
    }
    return text + Combine(r, "ks_other", "ks_other_index") + "}\n";
  };
  if (warp()) return shuffles(lanes_ + " / 2", lanes_);
  const std::string parts = Partials(type);
  const std::string indices = arg ? Partials(index_type + " ") : "";
  if (column()) {
    std::string text = parts + "[ks_lane][ks_column] = " + r.name + ";\n";
    if (arg) text += indices + "[ks_lane][ks_column] = " + r.index + ";\n";
    text += text_.Barrier();
    text += r.name + " = " + parts + "[0][ks_column];\n";
    if (arg) text += r.index + " = " + indices + "[0][ks_column];\n";
    text += "for (int ks_p = 1; ks_p < " + lanes_ + "; ++ks_p) {\n" +
            Combine(r, parts + "[ks_p][ks_column]", indices + "[ks_p][ks_column]") + "}\n";
    return text + text_.Barrier();
  }
  if (!text_.cuda()) {
    std::string text = parts + "[ks_lane] = " + r.name + ";\n";
    if (arg) text += indices + "[ks_lane] = " + r.index + ";\n";
    text += text_.Barrier();
    text += "for (int ks_d = " + lanes_ + " / 2; ks_d > 0; ks_d /= 2) {\nif (ks_lane < ks_d) {\n";
    text += Combine(r, parts + "[ks_lane + ks_d]", indices + "[ks_lane + ks_d]");
    text += parts + "[ks_lane] = " + r.name + ";\n";
    if (arg) text += indices + "[ks_lane] = " + r.index + ";\n";
    text += "}\n" + text_.Barrier() + "}\n" + r.name + " = " + parts + "[0];\n";
    if (arg) text += r.index + " = " + indices + "[0];\n";
    return text + text_.Barrier();
  }
  std::string text = shuffles("16", "32");
  text += "if (" + lanes_ + " > 32) {\nif (ks_lane % 32 == 0) {\n" + parts +
          "[ks_lane / 32] = " + r.name + ";\n";
  if (arg) text += indices + "[ks_lane / 32] = " + r.index + ";\n";
  text += "}\n" + text_.Barrier() + r.name + " = " + parts + "[0];\n";
  if (arg) text += r.index + " = " + indices + "[0];\n";
  text += "for (int ks_p = 1; ks_p < " + lanes_ + " / 32; ++ks_p) {\n" +
          Combine(r, parts + "[ks_p]", indices + "[ks_p]") + "}\n" + text_.Barrier() + "}\n";
  return text;
}

// The loop with its iterations dealt out to the threads of the row.
std::string RowEmitter::Distributed(const SharedLoop& shared) const {
  const IrStmt& loop = *shared.loop;
  const std::string low = text_.Expr(loop.low);
  const std::string start = low == "0" ? "ks_lane" : low + " + ks_lane";
  return "for (" + loop.cpp_type + " " + loop.name + " = " + start + "; " +
         (column() ? "ks_active && " : "") + loop.name + " < " + text_.Expr(loop.high) + "; " +
         loop.name + " += " + lanes_ + ") {\n" + text_.Statements(loop.body) + "}\n";
}

std::string RowEmitter::CachedBody(const std::vector<IrStmt>& body,
                                   const SharedLoop& shared) const {
  std::map<std::string, IrExprPtr> by;
  for (const CachedArray& cached : plan_.cached) {
    by[cached.array] =
        MakeIndex("ks_row_" + cached.array, MakeName("ks_item", IrType::kInt), IrType::kFloat);
  }
  std::vector<IrStmt> copy = body;
  const std::function<void(std::vector<IrStmt>&)> rewrite = [&](std::vector<IrStmt>& list) {
    for (IrStmt& s : list) {
      for (IrExprPtr* e : {&s.value, &s.low, &s.high, &s.condition}) *e = ReplaceArrays(*e, by);
      if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex &&
          by.count(s.target->text) == 0) {
        s.target = ReplaceArrays(s.target, by);
      }
      rewrite(s.body);
      rewrite(s.other);
    }
  };
  rewrite(copy);
  return text_.Statements(copy, [&](const IrStmt& s) -> std::optional<std::string> {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) return std::nullopt;
    for (const CachedArray& cached : plan_.cached) {
      if (cached.array != s.target->text) continue;
      const std::string kept = "ks_row_" + cached.array + "[ks_item]";
      std::string text = kept + " " + s.op + " " + text_.Expr(s.value) + ";\n";
      if (cached.dead_stores.count(shared.loop) == 0) {
        text += text_.Expr(s.target) + " = " + kept + ";\n";
      }
      return text;
    }
    return std::nullopt;
  });
}

// The same over elements that the thread holds in registers.
std::string RowEmitter::FromRegisters(const SharedLoop& shared) const {
  const IrStmt& loop = *shared.loop;
  const std::string low = text_.Expr(loop.low);
  std::string inside = loop.name + " < " + text_.Expr(loop.high);
  if (low != "0") inside = loop.name + " >= " + low + " && " + inside;
  return "#pragma unroll\nfor (int ks_item = 0; ks_item < " + items_ + "; ++ks_item) {\nconst " +
         loop.cpp_type + " " + loop.name + " = ks_lane + ks_item * " + lanes_ + ";\nif (" + inside +
         ") {\n" + CachedBody(loop.body, shared) + "}\n}\n";
}

std::string RowEmitter::SharedLoopText(const SharedLoop& shared, bool cached) {
  std::string before, after;
  for (const LaneReduction& r : shared.reductions) {
    const std::string type = TypeOfLocal(nest_, r.name);
    if (IsSumLike(r.kind)) {
      before += "const " + type + " ks_old_" + r.name + " = " + r.name + ";\n" + r.name + " = " +
                (r.kind == RKind::kSum ? "0" : "1") + ";\n";
    }
    after += Reduce(r, type, r.index.empty() ? "" : TypeOfLocal(nest_, r.index));
    if (IsSumLike(r.kind)) {
      after +=
          r.name + " = ks_old_" + r.name + (r.kind == RKind::kSum ? " + " : " * ") + r.name + ";\n";
    }
  }
  std::string text = before + (cached ? FromRegisters(shared) : Distributed(shared)) + after;
  if (shared.read_later) text += Sync();
  return "{\n" + text + "}\n";
}

std::string RowEmitter::Row(bool cached) {
  return text_.Statements(nest_.body(), [&](const IrStmt& s) -> std::optional<std::string> {
    if (s.kind == SKind::kFor) {
      const SharedLoop* shared = plan_.Find(s);
      if (shared != nullptr) return SharedLoopText(*shared, cached);
      return std::nullopt;  // every thread runs it
    }
    if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex) {
      return std::string("if (ks_lane == 0") + (column() ? " && ks_active" : "") + ") {\n" +
             text_.Expr(s.target) + " " + s.op + " " + text_.Expr(s.value) + ";\n}\n";
    }
    return std::nullopt;
  });
}

std::string RowEmitter::Preload() const {
  const SharedLoop& first = plan_.loops.front();
  std::string declarations, loads;
  for (const CachedArray& cached : plan_.cached) {
    declarations += cached.element + " ks_row_" + cached.array + "[" + items_ + "];\n";
    if (!cached.loaded) continue;
    // Any access shows where the row lies.
    for (const SharedLoop& shared : plan_.loops) {
      IrExprPtr index;
      ForEachStmt(shared.loop->body, [&](const IrStmt& s) {
        for (const IrExprPtr& e : ExprsOf(s)) {
          ForEachExpr(e, [&](const IrExpr& x) {
            if (x.kind == EKind::kIndex && x.text == cached.array) index = x.args[0];
          });
        }
      });
      if (!index) continue;
      const IrExprPtr at =
          Substitute(index, {{shared.loop->name, MakeName("ks_at", IrType::kInt)}});
      loads +=
          "ks_row_" + cached.array + "[ks_item] = " + cached.array + "[" + text_.Expr(at) + "];\n";
      break;
    }
  }
  if (loads.empty()) return declarations;
  return declarations + "#pragma unroll\nfor (int ks_item = 0; ks_item < " + items_ +
         "; ++ks_item) {\nconst " + text_.index_type() + " ks_at = ks_lane + ks_item * " + lanes_ +
         ";\nif (ks_at < " + text_.Expr(first.loop->high) + ") {\n" + loads + "}\n}\n";
}

std::string RowEmitter::Place() const {
  std::string text;
  if (column()) {
    const std::string& across = nest_.grid.back().name;
    const std::string extent = text_.Expr(nest_.grid.back().high);
    const std::vector<LoopHeader> outer(nest_.grid.begin(), nest_.grid.end() - 1);
    text += "const int ks_column = " + text_.Thread(0) + ";\n";
    text += "const int ks_lane = " + text_.Thread(1) + ";\n";
    text += text_.index_type() + " ks_row = " + text_.Block(0) + ";\n";
    text += "const " + text_.index_type() + " ks_strips = ((" + extent + ") + " + rows_ +
            " - 1) / " + rows_ + ";\n";
    text += "const " + text_.index_type() + " ks_wanted = ks_row % ks_strips * " + rows_ +
            " + ks_column;\nks_row /= ks_strips;\n";
    text += "const bool ks_active = ks_wanted < (" + extent + ");\n";
    text += "const " + text_.index_type() + " " + across + " = ks_active ? ks_wanted : (" + extent +
            ") - 1;\n";
    if (outer.empty()) return text;
    return text + text_.Unflatten(outer, "ks_row");
  }
  text += "const int ks_lane = " + text_.Thread(0) + ";\n";
  text += text_.index_type() + " ks_row = " + text_.Block(0) +
          (warp() ? " * " + rows_ + " + " + text_.Thread(1) : "") + ";\n";
  if (warp()) {
    text += "if (ks_row >= " + text_.ExtentText(nest_.grid) + ") return;\n";
    text += "static_assert(" + lanes_ + " <= 32 && (" + lanes_ + " & (" + lanes_ +
            " - 1)) == 0, \"a power of two within a warp\");\n";
    text += "const unsigned ks_first = (threadIdx.y * " + lanes_ + " + threadIdx.x) % 32 / " +
            lanes_ + " * " + lanes_ + ";\n";
    text += "const unsigned ks_mask = (" + lanes_ + " == 32 ? 0xffffffffu : (1u << " + lanes_ +
            " % 32) - 1u) << ks_first;\n";
  } else if (text_.cuda()) {
    text += "static_assert(" + lanes_ + " % 32 == 0 && " + lanes_ + " <= 1024, \"whole warps\");\n";
  }
  return text + text_.Unflatten(nest_.grid, "ks_row");
}

std::optional<std::string> RowEmitter::Grid() const {
  if (!column()) {
    const auto rows = PlanExtent(nest_, nest_.grid);
    if (!rows) return std::nullopt;
    return warp() ? "ceil_div(" + *rows + ", " + rows_ + ")" : *rows;
  }
  const auto outer =
      PlanExtent(nest_, std::vector<LoopHeader>(nest_.grid.begin(), nest_.grid.end() - 1));
  const auto across = PlanExtent(nest_, {nest_.grid.back()});
  if (!outer || !across) return std::nullopt;
  const std::string strips = "ceil_div(" + *across + ", " + rows_ + ")";
  return *outer == "1" ? strips : *outer + "*" + strips;
}

std::optional<KernelRewrite> RowEmitter::Emit() {
  if (warp() && !text_.cuda()) return std::nullopt;
  if (column() && plan_.conditional) return std::nullopt;
  if (options_.cache && (plan_.cached.empty() || column() || plan_.row_extent.empty())) {
    return std::nullopt;
  }
  KernelRewrite rewrite;
  lanes_ = context_.FreshName(warp() ? "WARP_LANES" : column() ? "SHARERS" : "ROW_THREADS");
  rows_ = context_.FreshName(column() ? "STRIP" : "ROWS_PER_BLOCK");
  const int most = static_cast<int>(context_.device().max_threads_per_block);
  int threads = std::min(256, most);
  if (options_.cache) {
    // A row that is long for the registers of few threads is shared among more.
    const int64_t row = LargestGrid(context_, plan_.row_extent);
    while (threads * 2 <= std::min(1024, most) && row > int64_t{kWantedItems} * threads)
      threads *= 2;
  }
  if (options_.scheme == RowScheme::kBlock) {
    rewrite.constants.emplace_back(lanes_, std::to_string(threads));
    rewrite.block = lanes_;
    rewrite.bound = lanes_;
  } else {
    rewrite.constants.emplace_back(lanes_, warp() ? "32" : "8");
    rewrite.constants.emplace_back(rows_, warp() ? "8" : "32");
    rewrite.block = warp() ? lanes_ + ", " + rows_ : rows_ + ", " + lanes_;
  }
  const auto grid = Grid();
  if (!grid) return std::nullopt;
  rewrite.grid = *grid;
  std::string row = Row(false);
  if (options_.cache) {
    items_ = context_.FreshName("ROW_ITEMS");
    rewrite.constants.emplace_back(items_, "ceil_div(" + plan_.row_extent + ", " + lanes_ + ")");
    row = "#if " + items_ + " <= " + std::to_string(kMaxCachedItems) + "\n" + Preload() +
          Row(true) + "#else\n" + row + "#endif\n";
  }
  std::string shared;
  for (const auto& [type, name] : partials_) {
    const std::string extents = column()       ? "[" + lanes_ + "][" + rows_ + "]"
                                : text_.cuda() ? "[32]"
                                               : "[" + lanes_ + "]";
    shared += text_.Shared(std::string(Trim(type)), name, extents);
  }
  rewrite.body = shared + Place() + row;
  return rewrite;
}

}  // namespace

IrExprPtr ReplaceArrays(const IrExprPtr& e, const std::map<std::string, IrExprPtr>& by) {
  if (!e) return e;
  if (e->kind == EKind::kIndex) {
    if (const auto found = by.find(e->text); found != by.end()) return found->second;
  }
  IrExpr copy = *e;
  for (IrExprPtr& a : copy.args) a = ReplaceArrays(a, by);
  return std::make_shared<IrExpr>(std::move(copy));
}

std::optional<KernelRewrite> EmitRowKernel(const DeviceContext& context, const VirtualNest& nest,
                                           const RowPlan& plan, const RowOptions& options) {
  if (!NamesAreFree(nest)) return std::nullopt;
  for (const SharedLoop& shared : plan.loops) {
    for (const LaneReduction& r : shared.reductions) {
      if (TypeOfLocal(nest, r.name).empty()) return std::nullopt;
      if (!r.index.empty() && TypeOfLocal(nest, r.index).empty()) return std::nullopt;
    }
  }
  return RowEmitter(context, nest, plan, options).Emit();
}

}  // namespace ks
