// Skill block_scan: a thread that carries a running sum along a row becomes a block that scans it.
#include <algorithm>

#include "propose/device/device_text.h"
#include "propose/device/skills.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

struct Scan {
  const IrStmt* loop = nullptr;
  std::string sum, type;
  bool along_row = false;  // the loop walks neighbours in memory
};

bool Stores(const IrStmt& s) {
  bool stores = false;
  ForEachStmt({s}, [&](const IrStmt& inner) {
    stores = stores || (inner.kind == SKind::kAssign && inner.target->kind == EKind::kIndex);
  });
  return stores;
}

bool WalksNeighbours(const IrStmt& loop) {
  bool unit = false;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      ForEachExpr(e, [&](const IrExpr& x) {
        if (x.kind != EKind::kIndex) return;
        const auto stride = Polynomial::Of(x.args[0]).StrideOf(loop.name);
        unit = unit || (stride && stride->Constant() == 1);
      });
    }
  });
  return unit;
}

// The one loop of a thread that carries a sum whose running value is used.
std::optional<Scan> FindScan(const VirtualNest& nest) {
  Scan scan;
  for (const IrStmt& s : nest.body()) {
    if (s.kind != SKind::kFor) {
      // What stands below an if would need its threads to take the same way.
      if (s.kind == SKind::kIf || s.kind == SKind::kBlock) return std::nullopt;
      continue;
    }
    const auto carried = CarriedReductions(s);
    const bool is_scan = carried && carried->size() == 1 && carried->front().scan &&
                         carried->front().kind == LaneReduction::Kind::kSum;
    if (!is_scan) {
      if (Stores(s)) return std::nullopt;
      continue;  // every thread runs it
    }
    if (scan.loop != nullptr) return std::nullopt;
    scan.loop = &s;
    scan.sum = carried->front().name;
    scan.type = TypeOfLocal(nest, scan.sum);
    scan.along_row = WalksNeighbours(s);
  }
  if (scan.loop == nullptr || scan.type.empty()) return std::nullopt;
  return scan;
}

class Emitter {
 public:
  Emitter(const DeviceContext& context, const VirtualNest& nest, const Scan& scan)
      : context_(context), nest_(nest), scan_(scan), text_(context.dialect(), nest.index_type) {}

  KernelRewrite Emit(const std::string& rows, int items) {
    KernelRewrite rewrite;
    threads_ = context_.FreshName("SCAN_THREADS");
    items_ = context_.FreshName("SCAN_ITEMS");
    const auto most = static_cast<int>(context_.device().max_threads_per_block);
    rewrite.constants = {{threads_, std::to_string(std::min(256, most))},
                         {items_, std::to_string(items)}};
    rewrite.block = threads_;
    rewrite.grid = rows;
    std::string body =
        text_.Shared(scan_.type, "ks_sums", text_.cuda() ? "[32]" : "[" + threads_ + "]");
    body += "const int ks_lane = " + text_.Thread(0) + ";\n";
    if (text_.cuda()) {
      body += "static_assert(" + threads_ + " % 32 == 0 && " + threads_ +
              " <= 1024, \"whole warps\");\n";
    }
    body += nest_.index_type + " ks_row = " + text_.Block(0) + ";\n";
    body += text_.Unflatten(nest_.grid, "ks_row");
    body += text_.Statements(nest_.body(), [&](const IrStmt& s) -> std::optional<std::string> {
      if (&s == scan_.loop || (s.kind == SKind::kFor && s.begin == scan_.loop->begin))
        return Loop();
      if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex) {
        return "if (ks_lane == 0) {\n" + text_.Expr(s.target) + " " + s.op + " " +
               text_.Expr(s.value) + ";\n}\n";
      }
      return std::nullopt;
    });
    rewrite.body = body;
    return rewrite;
  }

 private:
  // The thread's neighbours of one stretch, with or without what they store.
  std::string Items(bool store) const {
    const IrStmt& loop = *scan_.loop;
    const std::string body =
        text_.Statements(loop.body, [&](const IrStmt& s) -> std::optional<std::string> {
          const bool stores = s.kind == SKind::kAssign && s.target->kind == EKind::kIndex;
          return stores && !store ? std::optional<std::string>("") : std::nullopt;
        });
    return "#pragma unroll\nfor (int ks_item = 0; ks_item < " + items_ + "; ++ks_item) {\nconst " +
           loop.cpp_type + " " + loop.name + " = ks_base + ks_lane * " + items_ +
           " + ks_item;\nif (" + loop.name + " < " + text_.Expr(loop.high) + ") {\n" + body +
           "}\n}\n";
  }

  // ks_left: the sum of all threads before this one; ks_all: of all.
  std::string Prefix() const {
    const std::string& type = scan_.type;
    if (!text_.cuda()) {
      return "ks_sums[ks_lane] = ks_part;\n" + text_.Barrier() + "for (int ks_d = 1; ks_d < " +
             threads_ + "; ks_d *= 2) {\nconst " + type +
             " ks_other = ks_lane >= ks_d ? ks_sums[ks_lane - ks_d] : 0;\n" + text_.Barrier() +
             "ks_sums[ks_lane] += ks_other;\n" + text_.Barrier() + "}\nconst " + type +
             " ks_left = ks_lane > 0 ? ks_sums[ks_lane - 1] : 0;\nconst " + type +
             " ks_all = ks_sums[" + threads_ + " - 1];\n";
    }
    return type + " ks_upto = ks_part;\n" + "for (int ks_d = 1; ks_d < 32; ks_d *= 2) {\nconst " +
           type +
           " ks_other = __shfl_up_sync(0xffffffffu, ks_upto, ks_d);\n"
           "if (ks_lane % 32 >= ks_d) ks_upto += ks_other;\n}\n"
           "if (ks_lane % 32 == 31) ks_sums[ks_lane / 32] = ks_upto;\n" +
           type + " ks_left = __shfl_up_sync(0xffffffffu, ks_upto, 1);\n" +
           "if (ks_lane % 32 == 0) ks_left = 0;\n" + text_.Barrier() + type + " ks_all = 0;\n" +
           "for (int ks_w = 0; ks_w < " + threads_ +
           " / 32; ++ks_w) {\nif (ks_w < ks_lane / 32) ks_left += ks_sums[ks_w];\n"
           "ks_all += ks_sums[ks_w];\n}\n";
  }

  std::string Loop() const {
    const IrStmt& loop = *scan_.loop;
    const std::string own = scan_.type + " " + scan_.sum;  // hides the row's sum inside its braces
    return "for (" + loop.cpp_type + " ks_base = " + text_.Expr(loop.low) + "; ks_base < " +
           text_.Expr(loop.high) + "; ks_base += " + threads_ + " * " + items_ + ") {\n" +
           scan_.type + " ks_part = 0;\n{\n" + own + " = 0;\n" + Items(false) +
           "ks_part = " + scan_.sum + ";\n}\n" + Prefix() + "const " + scan_.type +
           " ks_start = " + scan_.sum + " + ks_left;\n{\n" + own + " = ks_start;\n" + Items(true) +
           "}\n" + scan_.sum + " += ks_all;\n" + text_.Barrier() + "}\n";
  }

  const DeviceContext& context_;
  const VirtualNest& nest_;
  const Scan& scan_;
  const DeviceText text_;
  std::string threads_, items_;
};

class BlockScanSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "block_scan"; }
  std::string_view summary() const override {
    return "A thread that carries a running sum along its row is slow and uncoalesced. Let a block "
           "scan the row stretch by stretch: each thread sums a few neighbours, prefix sums go "
           "through shuffles and shared memory, and the block carries the total. Sums are added in "
           "another order.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (context.IsTriton() || !context.task().allow_reassociation) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      if (!nest || nest->cooperative || !NamesAreFree(*nest)) continue;
      const std::optional<Scan> scan = FindScan(*nest);
      const auto rows = PlanExtent(*nest, nest->grid);
      if (!scan || !rows) continue;
      for (const int items : {4, 8, 1}) {
        auto source =
            ReplaceKernel(context, *nest, Emitter(context, *nest, *scan).Emit(*rows, items));
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Scan each row of " + kernel.name + " by a block, " +
                             std::to_string(items) + " neighbours a thread.",
                         EditKind::kStrategy, scan->along_row ? 8.0 : 2.0});
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewBlockScanSkill() { return std::make_unique<BlockScanSkill>(); }

}  // namespace ks
