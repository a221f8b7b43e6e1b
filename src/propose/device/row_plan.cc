#include "propose/device/row_plan.h"

#include <algorithm>

#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

constexpr int64_t kSmallTripCount = 16;

struct Touch {
  std::string array;
  IrExprPtr index;
  bool write = false, read = false, plain_store = false;
};

void Collect(const IrStmt& s, std::vector<Touch>& out) {
  const auto reads = [&](const IrExprPtr& e) {
    ForEachExpr(e, [&](const IrExpr& x) {
      if (x.kind == EKind::kIndex) out.push_back({x.text, x.args[0], false, true, false});
    });
  };
  for (const IrExprPtr& e : ExprsOf(s)) {
    if (s.kind == SKind::kAssign && e == s.target && e->kind == EKind::kIndex) {
      reads(e->args[0]);
      continue;
    }
    reads(e);
  }
  if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex) {
    out.push_back({s.target->text, s.target->args[0], true, s.op != "=", s.op == "="});
  }
}

std::vector<Touch> TouchesOf(const std::vector<IrStmt>& body) {
  std::vector<Touch> out;
  ForEachStmt(body, [&](const IrStmt& s) { Collect(s, out); });
  return out;
}

bool IsSmall(const IrStmt& loop) {
  const auto high = Polynomial::Of(loop.high).Constant();
  return high && *high <= kSmallTripCount;
}

bool WritesArrays(const IrStmt& loop) {
  for (const Touch& touch : TouchesOf(loop.body)) {
    if (touch.write) return true;
  }
  return false;
}

// The index that goes with an extremum must grow with the loop: threads compare by it.
bool IndexGrows(const IrStmt& loop, const LaneReduction& reduction) {
  bool grows = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kName ||
        s.target->text != reduction.index) {
      return;
    }
    IrExprPtr value = s.value;
    while (value->kind == EKind::kCast) value = value->args[0];
    const auto stride = Polynomial::Of(value).StrideOf(loop.name);
    const auto constant = stride ? stride->Constant() : std::nullopt;
    grows = grows && constant && *constant > 0;
  });
  return grows;
}

class Planner {
 public:
  explicit Planner(const VirtualNest& nest) : nest_(nest) {}

  std::optional<RowPlan> Plan() {
    if (!Walk(nest_.body(), false) || plan_.loops.empty()) return std::nullopt;
    FindLaterReads();
    CountStrides();
    FindRowExtent();
    if (!plan_.row_extent.empty()) FindCached();
    return std::move(plan_);
  }

 private:
  bool Walk(const std::vector<IrStmt>& body, bool conditional);
  void FindLaterReads();
  void CountStrides();
  void FindRowExtent();
  void FindCached();
  std::optional<CachedArray> TryCache(const std::string& array) const;

  const VirtualNest& nest_;
  RowPlan plan_;
};

bool Planner::Walk(const std::vector<IrStmt>& body, bool conditional) {
  for (const IrStmt& s : body) {
    if (s.kind == SKind::kIf) {
      if (!Walk(s.body, true) || !Walk(s.other, true)) return false;
    } else if (s.kind == SKind::kBlock) {
      if (!Walk(s.body, conditional)) return false;
    } else if (s.kind == SKind::kFor) {
      const bool writes = WritesArrays(s);
      std::optional<std::vector<LaneReduction>> carried;
      if (!IsSmall(s) || writes) carried = CarriedReductions(s);
      bool shared = carried.has_value();
      if (shared) {
        for (const LaneReduction& r : *carried) {
          shared = shared && !r.scan && (r.index.empty() || IndexGrows(s, r));
        }
      }
      if (!shared) {
        // Every thread runs it: only when it changes nothing but locals.
        if (writes) return false;
        continue;
      }
      plan_.loops.push_back({&s, *carried, writes, false});
      plan_.conditional = plan_.conditional || conditional;
    }
  }
  return true;
}

void Planner::FindLaterReads() {
  std::vector<std::pair<const IrStmt*, Touch>> touches;  // with the loop or statement it is in
  ForEachStmt(nest_.body(), [&](const IrStmt& s) {
    std::vector<Touch> own;
    Collect(s, own);
    for (Touch& touch : own) touches.emplace_back(&s, std::move(touch));
  });
  for (SharedLoop& shared : plan_.loops) {
    if (!shared.writes) continue;
    std::set<std::string> written;
    for (const Touch& touch : TouchesOf(shared.loop->body)) {
      if (touch.write) written.insert(touch.array);
    }
    for (const auto& [statement, touch] : touches) {
      if (statement->begin >= shared.loop->end && written.count(touch.array) > 0) {
        shared.read_later = true;
      }
    }
  }
}

void Planner::CountStrides() {
  for (const SharedLoop& shared : plan_.loops) {
    for (const Touch& touch : TouchesOf(shared.loop->body)) {
      const Polynomial form = Polynomial::Of(touch.index);
      const auto unit = [&](const std::string& name) {
        const auto stride = form.StrideOf(name);
        return stride && stride->Constant() == 1;
      };
      plan_.unit_along_row += unit(shared.loop->name) ? 1 : 0;
      plan_.unit_along_grid += unit(nest_.grid.back().name) ? 1 : 0;
    }
  }
}

void Planner::FindRowExtent() {
  std::optional<std::string> extent;
  for (const SharedLoop& shared : plan_.loops) {
    const auto high = nest_.PlanText(shared.loop->high);
    const auto low = Polynomial::Of(shared.loop->low).Constant();
    if (!high || !low || *low < 0 || (extent && *extent != *high)) return;
    extent = high;
  }
  if (extent) plan_.row_extent = *extent;
}

std::optional<CachedArray> Planner::TryCache(const std::string& array) const {
  CachedArray cached;
  cached.array = array;
  cached.element = nest_.ir.ElementOf(array);
  std::optional<Polynomial> base;
  int reading_loops = 0;
  bool written = false, kept = false;
  for (const SharedLoop& shared : plan_.loops) {
    bool reads = false, writes = false;
    for (const Touch& touch : TouchesOf(shared.loop->body)) {
      if (touch.array != array) continue;
      const Polynomial form = Polynomial::Of(touch.index);
      const auto stride = form.StrideOf(shared.loop->name);
      if (!stride || stride->Constant() != 1) return std::nullopt;
      const Polynomial here = form.Without(shared.loop->name);
      if (base && !(*base == here)) return std::nullopt;
      base = here;
      if (touch.read && !written && !writes) cached.loaded = true;
      reads = reads || touch.read;
      writes = writes || touch.write;
    }
    kept = kept || (written && reads);
    written = written || writes;
    reading_loops += reads ? 1 : 0;
  }
  if (!base || !(kept || reading_loops >= 2)) return std::nullopt;
  // Accesses outside the shared loops would not see what only registers hold.
  size_t inside = 0, all = 0;
  const auto count = [&](const std::vector<IrStmt>& body, size_t& to) {
    for (const Touch& touch : TouchesOf(body)) to += touch.array == array ? 1 : 0;
  };
  count(nest_.body(), all);
  for (const SharedLoop& shared : plan_.loops) count(shared.loop->body, inside);
  if (written && inside != all) return std::nullopt;
  return cached;
}

// A store that a later loop repeats for every element of the row need not reach memory.
std::set<const IrStmt*> DeadStores(const RowPlan& plan, const std::string& array) {
  std::set<const IrStmt*> dead;
  for (size_t i = 0; i < plan.loops.size(); ++i) {
    for (size_t later = i + 1; later < plan.loops.size(); ++later) {
      const IrStmt& loop = *plan.loops[later].loop;
      if (Polynomial::Of(loop.low).Constant() != 0) continue;
      for (const IrStmt& s : loop.body) {
        if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex && s.op == "=" &&
            s.target->text == array) {
          dead.insert(plan.loops[i].loop);
        }
      }
    }
  }
  return dead;
}

void Planner::FindCached() {
  if (plan_.conditional) return;
  std::set<std::string> arrays;
  for (const SharedLoop& shared : plan_.loops) {
    for (const Touch& touch : TouchesOf(shared.loop->body)) arrays.insert(touch.array);
  }
  for (const std::string& array : arrays) {
    if (auto cached = TryCache(array)) {
      cached->dead_stores = DeadStores(plan_, array);
      plan_.cached.push_back(*std::move(cached));
    }
  }
}

}  // namespace

const SharedLoop* RowPlan::Find(const IrStmt& loop) const {
  for (const SharedLoop& shared : loops) {
    if (shared.loop == &loop) return &shared;
  }
  return nullptr;
}

std::optional<RowPlan> PlanRow(const VirtualNest& nest) { return Planner(nest).Plan(); }

}  // namespace ks
