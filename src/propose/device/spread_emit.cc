#include "propose/device/spread_emit.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/row_emit.h"
#include "propose/device/triton_text.h"
#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;
using RKind = LaneReduction::Kind;

constexpr int kSpreadThreads = 512;
// Elements of a row that are worth one more thread.
constexpr int kItemsWanted = 8;
// Loads of a thread that are under way together; elements that it makes before it stores them.
constexpr int kBatch = 14, kMade = 8;
// Of a block's shared memory: what the hardware and the parts of sums take.
constexpr int64_t kReservedBytes = 2048;
constexpr int64_t kPlainSharedBytes = 96 << 10;  // of a device that does not say

bool FitsASlot(const std::string& type) {
  return type == "float" || type == "int" || type == "int32_t" || type == "unsigned";
}

class SpreadEmitter {
 public:
  SpreadEmitter(const DeviceContext& context, const VirtualNest& nest, const RowPlan& plan,
                int groups)
      : context_(context),
        nest_(nest),
        plan_(plan),
        groups_(groups),
        text_(context.dialect(), nest.index_type) {}

  std::optional<std::string> Emit();

 private:
  struct Slots {  // of one reduction
    std::string type;
    size_t number = 0;
  };

  bool Admissible();
  void NameParts();
  std::string Element(size_t array, const std::string& item) const;
  std::string WholeBatch(const std::string& first, int count, const std::string& end,
                         const std::string& high) const;
  std::string Preload() const;
  std::string Loop(const SharedLoop& shared) const;
  std::vector<IrStmt> KeptBody(const IrStmt& loop) const;
  std::string Items(const SharedLoop& shared, bool kept) const;
  bool StoresLast(const IrStmt& loop) const;
  std::string StoredItems(const IrStmt& loop, const std::vector<IrStmt>& body,
                          const std::string& first, const std::string& end) const;
  std::string Combine(const LaneReduction& r, const std::string& other) const;
  std::string OverBlock(const LaneReduction& r) const;
  std::string Slot(const LaneReduction& r, const std::string& member) const;
  std::string Publish(const LaneReduction& r) const;
  std::string Gather(const LaneReduction& r) const;
  std::string Body() const;
  KernelRewrite Rewrite(const std::string& rows) const;
  std::optional<std::string> WithSlots(std::string source) const;
  int64_t KeptItems() const;

  const DeviceContext& context_;
  const VirtualNest& nest_;
  const RowPlan& plan_;
  const int groups_;
  const DeviceText text_;
  std::vector<const CachedArray*> kept_;
  std::set<std::string> streamed_;  // arrays that are written and never read
  std::map<std::string, Slots> slots_;
  std::string threads_, per_unit_, wanted_, blocks_, row_groups_, items_, kept_items_, buffer_;
};

// Names of arrays with the places they are used at, as statements of the nest say.
void CountUses(const std::vector<IrStmt>& body, std::map<std::string, int>* reads,
               std::map<std::string, int>* writes) {
  ForEachStmt(body, [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      const bool target = s.kind == SKind::kAssign && e == s.target && e->kind == EKind::kIndex;
      if (target) ++(*writes)[e->text];
      if (target && s.op != "=") ++(*reads)[e->text];
      ForEachExpr(target ? e->args[0] : e, [&](const IrExpr& x) {
        if (x.kind == EKind::kIndex) ++(*reads)[x.text];
      });
    }
  });
}

bool SpreadEmitter::Admissible() {
  const PlanLaunch& launch = *context_.launches()[nest_.launch];
  if (!context_.IsCuda() || !NamesAreFree(nest_) || plan_.conditional || plan_.row_extent.empty() ||
      plan_.loops.size() < 2 || launch.cooperative || !launch.cluster.text.empty()) {
    return false;
  }
  for (const SharedLoop& shared : plan_.loops) {
    for (const LaneReduction& r : shared.reductions) {
      if (r.scan || !r.index.empty() || !FitsASlot(TypeOfLocal(nest_, r.name))) return false;
    }
  }
  std::map<std::string, int> reads, writes;
  CountUses(nest_.body(), &reads, &writes);
  const auto cached = [&](const std::string& array) {
    return std::any_of(plan_.cached.begin(), plan_.cached.end(),
                       [&](const CachedArray& one) { return one.array == array; });
  };
  for (const auto& [array, times] : writes) {
    // Whoever wrote an element also reads it: the same thread. Else blocks would have to wait.
    if ((reads.count(array) > 0 || times > 1) && !cached(array)) return false;
    if (reads.count(array) == 0 && nest_.ir.ElementOf(array) == "float") streamed_.insert(array);
  }
  for (const CachedArray& one : plan_.cached) {
    if (one.loaded && one.element == "float" && writes.count(one.array) == 0) kept_.push_back(&one);
  }
  return !kept_.empty();
}

void SpreadEmitter::NameParts() {
  threads_ = context_.FreshName("ROW_THREADS");
  per_unit_ = context_.FreshName("BLOCKS_PER_UNIT");
  wanted_ = context_.FreshName("ITEMS_WANTED");
  blocks_ = context_.FreshName("ROW_BLOCKS");
  row_groups_ = context_.FreshName("ROW_GROUPS");
  items_ = context_.FreshName("ROW_ITEMS");
  kept_items_ = context_.FreshName("KEPT_ITEMS");
  buffer_ = context_.FreshName("slots");
  for (size_t l = 0; l < plan_.loops.size(); ++l) {
    for (const LaneReduction& r : plan_.loops[l].reductions) {
      if (slots_.count(r.name) > 0) continue;
      slots_[r.name] = {TypeOfLocal(nest_, r.name), slots_.size()};
    }
  }
}

// Elements of each kept row that a thread has room for.
int64_t SpreadEmitter::KeptItems() const {
  const DeviceInfo& device = context_.device();
  int64_t bytes = device.shared_bytes_per_sm > 0      ? device.shared_bytes_per_sm / groups_
                  : device.shared_bytes_per_block > 0 ? device.shared_bytes_per_block / groups_
                                                      : kPlainSharedBytes / groups_;
  if (device.shared_bytes_per_block > 0) bytes = std::min(bytes, device.shared_bytes_per_block);
  return std::max<int64_t>(
      1, (bytes - kReservedBytes) / (4 * kSpreadThreads * static_cast<int64_t>(kept_.size())));
}

std::string SpreadEmitter::Element(size_t array, const std::string& item) const {
  const std::string place =
      array == 0 ? item : "(" + std::to_string(array) + " * " + kept_items_ + " + " + item + ")";
  return "ks_kept[" + place + " * " + threads_ + " + ks_thread]";
}

// All elements of a batch are there: tests of each would be predicates, of which there are too few
// for many loads under way.
std::string SpreadEmitter::WholeBatch(const std::string& first, int count, const std::string& end,
                                      const std::string& high) const {
  return first + " + " + std::to_string(count) + " <= " + end + " && ks_lane + (" + first + " + " +
         std::to_string(count - 1) + ") * (" + blocks_ + " * " + threads_ + ") < " + high;
}

// Reads the thread's elements of the row, several at a time.
std::string SpreadEmitter::Preload() const {
  std::string text;
  for (size_t array = 0; array < kept_.size(); ++array) {
    IrExprPtr at;
    for (const SharedLoop& shared : plan_.loops) {
      ForEachStmt(shared.loop->body, [&](const IrStmt& s) {
        for (const IrExprPtr& e : ExprsOf(s)) {
          ForEachExpr(e, [&](const IrExpr& x) {
            if (at || x.kind != EKind::kIndex || x.text != kept_[array]->array) return;
            at = Substitute(x.args[0], {{shared.loop->name, MakeName("ks_at", IrType::kInt)}});
          });
        }
      });
    }
    const std::string batch = std::to_string(kBatch);
    const std::string high = "(" + text_.Expr(plan_.loops.front().loop->high) + ")";
    const std::string each = "#pragma unroll\nfor (int ks_b = 0; ks_b < " + batch + "; ++ks_b) {\n";
    const std::string place = "const " + text_.index_type() +
                              " ks_at = ks_lane + (ks_item + ks_b) * (" + blocks_ + " * " +
                              threads_ + ");\n";
    const std::string read = "__ldcs(&" + kept_[array]->array + "[" + text_.Expr(at) + "]);\n";
    const std::string kept = Element(array, "(ks_item + ks_b)") + " = ";
    text += "for (int ks_item = 0; ks_item < " + kept_items_ + "; ks_item += " + batch +
            ") {\nif (" + WholeBatch("ks_item", kBatch, kept_items_, high) + ") {\nfloat ks_read[" +
            batch + "];\n" + each + place + "ks_read[ks_b] = " + read + "}\n" + each + kept +
            "ks_read[ks_b];\n}\n} else {\n" + each + place + "if (ks_item + ks_b < " + kept_items_ +
            " && ks_at < " + high + ") " + kept + read + "}\n}\n}\n";
  }
  return text;
}

// The loop's body with the kept rows read from shared memory.
std::vector<IrStmt> SpreadEmitter::KeptBody(const IrStmt& loop) const {
  std::map<std::string, IrExprPtr> by;
  for (size_t i = 0; i < kept_.size(); ++i) {
    by[kept_[i]->array] = MakeName(Element(i, "ks_item"), IrType::kFloat);
  }
  std::vector<IrStmt> body = loop.body;
  const std::function<void(std::vector<IrStmt>&)> rewrite = [&](std::vector<IrStmt>& list) {
    for (IrStmt& s : list) {
      for (IrExprPtr* e : {&s.target, &s.value, &s.low, &s.high, &s.condition})
        *e = ReplaceArrays(*e, by);
      rewrite(s.body);
      rewrite(s.other);
    }
  };
  rewrite(body);
  return body;
}

// Whatever the loop writes nobody reads, and where it goes is known in front of the iteration: the
// stores of several iterations can wait for one another.
bool SpreadEmitter::StoresLast(const IrStmt& loop) const {
  std::set<std::string> locals;
  size_t top = 0, all = 0;
  bool plain = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (s.kind == SKind::kDecl) locals.insert(s.name);
    if (s.kind == SKind::kFor) locals.insert(s.name);
    all += s.kind == SKind::kAssign && s.target->kind == EKind::kIndex ? 1 : 0;
  });
  for (const IrStmt& s : loop.body) {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) continue;
    ++top;
    plain = plain && s.op == "=" && streamed_.count(s.target->text) > 0;
    for (const std::string& name : NamesIn(s.target->args[0]))
      plain = plain && locals.count(name) == 0;
  }
  return plain && top == all && top > 0;
}

std::string SpreadEmitter::StoredItems(const IrStmt& loop, const std::vector<IrStmt>& body,
                                       const std::string& first, const std::string& end) const {
  const std::string count = std::to_string(kMade), low = text_.Expr(loop.low);
  std::string inside =
      "ks_item < " + end + " && " + loop.name + " < (" + text_.Expr(loop.high) + ")";
  if (low != "0") inside = loop.name + " >= (" + low + ") && " + inside;
  const std::string each = "#pragma unroll\nfor (int ks_b = 0; ks_b < " + count +
                           "; ++ks_b) {\nconst int ks_item = ks_first + ks_b;\nconst " +
                           loop.cpp_type + " " + loop.name + " = ks_lane + ks_item * (" + blocks_ +
                           " * " + threads_ + ");\n";
  const std::string tested = each + "if (" + inside + ") {\n";
  std::string made, stores;
  size_t number = 0;
  const std::string values =
      text_.Statements(body, [&](const IrStmt& s) -> std::optional<std::string> {
        if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) return std::nullopt;
        const std::string name = "ks_made" + std::to_string(number++);
        made += "float " + name + "[" + count + "];\n";
        stores += "__stcs(&" + text_.Expr(s.target) + ", " + name + "[ks_b]);\n";
        return name + "[ks_b] = " + text_.Expr(s.value) + ";\n";
      });
  std::string whole = WholeBatch("ks_first", kMade, end, "(" + text_.Expr(loop.high) + ")");
  if (low != "0") {
    whole += " && ks_lane + ks_first * (" + blocks_ + " * " + threads_ + ") >= (" + low + ")";
  }
  return "for (int ks_first = " + first + "; ks_first < " + end + "; ks_first += " + count +
         ") {\n" + made + "if (" + whole + ") {\n" + each + values + "}\n" + each + stores +
         "}\n} else {\n" + tested + values + "}\n}\n" + tested + stores + "}\n}\n}\n}\n";
}

// The thread's elements that are kept, or those that are not.
std::string SpreadEmitter::Items(const SharedLoop& shared, bool kept) const {
  const IrStmt& loop = *shared.loop;
  const std::vector<IrStmt> body = kept ? KeptBody(loop) : loop.body;
  const std::string first = kept ? "0" : kept_items_, end = kept ? kept_items_ : items_;
  if (StoresLast(loop)) return StoredItems(loop, body, first, end);
  const std::string low = text_.Expr(loop.low);
  std::string inside = loop.name + " < (" + text_.Expr(loop.high) + ")";
  if (low != "0") inside = loop.name + " >= (" + low + ") && " + inside;
  return "#pragma unroll 8\nfor (int ks_item = " + first + "; ks_item < " + end +
         "; ++ks_item) {\nconst " + loop.cpp_type + " " + loop.name + " = ks_lane + ks_item * (" +
         blocks_ + " * " + threads_ + ");\nif (" + inside + ") {\n" + text_.Statements(body) +
         "}\n}\n";
}

std::string SpreadEmitter::Combine(const LaneReduction& r, const std::string& other) const {
  switch (r.kind) {
    case RKind::kSum:
      return r.name + " += " + other + ";\n";
    case RKind::kProduct:
      return r.name + " *= " + other + ";\n";
    case RKind::kMax:
      return r.name + " = " + other + " > " + r.name + " ? " + other + " : " + r.name + ";\n";
    default:
      return r.name + " = " + other + " < " + r.name + " ? " + other + " : " + r.name + ";\n";
  }
}

// All threads of the block get the combined value.
std::string SpreadEmitter::OverBlock(const LaneReduction& r) const {
  const std::string type = slots_.at(r.name).type, parts = "ks_parts_" + type;
  std::string text = "for (int ks_d = 16; ks_d > 0; ks_d /= 2) {\nconst " + type +
                     " ks_other = __shfl_xor_sync(0xffffffffu, " + r.name + ", ks_d, 32);\n" +
                     Combine(r, "ks_other") + "}\nif (ks_thread % 32 == 0) " + parts +
                     "[ks_thread / 32] = " + r.name + ";\n" + text_.Barrier() + r.name + " = " +
                     parts + "[0];\n#pragma unroll\nfor (int ks_p = 1; ks_p < " + threads_ +
                     " / 32; ++ks_p) {\n" + Combine(r, parts + "[ks_p]") + "}\n" + text_.Barrier();
  return text;
}

// A slot holds the round it belongs to beside the value: one access reads or writes both, so that
// no fence is needed. Rounds take turns with two sets of slots: nobody writes the round after the
// next one before everybody has read this one.
std::string SpreadEmitter::Publish(const LaneReduction& r) const {
  const std::string bits =
      slots_.at(r.name).type == "float" ? "__float_as_uint(" + r.name + ")" : "(unsigned)" + r.name;
  return "if (ks_thread == 0) " + Slot(r, "ks_member") +
         " = ((unsigned long long)ks_round << 32) | " + bits + ";\n";
}

std::string SpreadEmitter::Slot(const LaneReduction& r, const std::string& member) const {
  const std::string offset = std::to_string(slots_.at(r.name).number) + " * " + blocks_;
  return "((volatile unsigned long long*)" + buffer_ + ")[ks_slots + " + offset + " + " + member +
         "]";
}

std::string SpreadEmitter::Gather(const LaneReduction& r) const {
  const std::string& type = slots_.at(r.name).type;
  const std::string value =
      type == "float" ? "__uint_as_float((unsigned)ks_got)" : "(" + type + ")ks_got";
  const std::string slot = Slot(r, "ks_p");
  std::string text;
  if (r.kind == RKind::kSum) text += r.name + " = 0;\n";
  if (r.kind == RKind::kProduct) text += r.name + " = 1;\n";
  text += "for (int ks_p = ks_thread; ks_p < " + blocks_ + "; ks_p += " + threads_ +
          ") {\nunsigned long long ks_got = " + slot +
          ";\nwhile ((unsigned)(ks_got >> 32) != ks_round) {\n__nanosleep(20);\nks_got = " + slot +
          ";\n}\n" + Combine(r, value) + "}\n";
  return text + OverBlock(r);
}

std::string SpreadEmitter::Loop(const SharedLoop& shared) const {
  std::string before, over_block, publish, gather, after;
  for (const LaneReduction& r : shared.reductions) {
    const bool adds = r.kind == RKind::kSum || r.kind == RKind::kProduct;
    if (adds) {
      before += "const " + slots_.at(r.name).type + " ks_old_" + r.name + " = " + r.name + ";\n" +
                r.name + " = " + (r.kind == RKind::kSum ? "0" : "1") + ";\n";
      after +=
          r.name + " = ks_old_" + r.name + (r.kind == RKind::kSum ? " + " : " * ") + r.name + ";\n";
    }
    over_block += OverBlock(r);
    publish += Publish(r);
    gather += Gather(r);
  }
  std::string text = before + Items(shared, true) + Items(shared, false) + over_block;
  if (!shared.reductions.empty()) {
    text += "#if " + blocks_ +
            " > 1\n++ks_round;\nconst int ks_slots = (ks_group * 2 + (int)(ks_round % 2)) * " +
            std::to_string(slots_.size()) + " * " + blocks_ + ";\n" + publish + gather + "#endif\n";
  }
  return "{\n" + text + after + "}\n";
}

std::string SpreadEmitter::Body() const {
  std::set<std::string> types;
  for (const auto& [name, slots] : slots_) types.insert(slots.type);
  std::string text = "extern __shared__ float ks_kept[];\n";
  for (const std::string& type : types) text += text_.Shared(type, "ks_parts_" + type, "[32]");
  const std::string& type = text_.index_type();
  text += "static_assert(" + threads_ + " % 32 == 0 && " + threads_ +
          " <= 1024, \"whole warps\");\nconst int ks_thread = " + text_.Thread(0) +
          ";\nconst int ks_group = " + text_.Block(0) + " / " + blocks_ +
          ";\nconst int ks_member = " + text_.Block(0) + " % " + blocks_ +
          ";\nconst int ks_lane = ks_member * " + threads_ +
          " + ks_thread;\nunsigned ks_round = 0;\nconst " + type +
          " ks_rows = " + text_.ExtentText(nest_.grid) + ";\nfor (" + type +
          " ks_place = ks_group; ks_place < ks_rows;) {\n" + type + " ks_row = ks_place;\n" +
          text_.Unflatten(nest_.grid, "ks_row") + Preload();
  text += text_.Statements(nest_.body(), [&](const IrStmt& s) -> std::optional<std::string> {
    if (s.kind == SKind::kFor) {
      const SharedLoop* shared = plan_.Find(s);
      if (shared != nullptr) return Loop(*shared);
      return std::nullopt;  // every thread runs it
    }
    if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex) {
      return "if (ks_lane == 0) {\n" + text_.Expr(s.target) + " " + s.op + " " +
             text_.Expr(s.value) + ";\n}\n";
    }
    return std::nullopt;
  });
  return text + "if (ks_rows - ks_place <= " + row_groups_ +
         ") break;\nks_place += " + row_groups_ + ";\n}\n";
}

KernelRewrite SpreadEmitter::Rewrite(const std::string& rows) const {
  KernelRewrite rewrite;
  const std::string& row = plan_.row_extent;
  rewrite.constants = {
      {threads_, std::to_string(kSpreadThreads)},
      {per_unit_, std::to_string(groups_)},
      {wanted_, std::to_string(kItemsWanted)},
      {blocks_, "max(1, min(sm_count, ceil_div(" + row + ", " + threads_ + "*" + wanted_ + ")))"},
      {row_groups_,
       "max(1, min(" + rows + ", floor_div(" + per_unit_ + "*sm_count, " + blocks_ + ")))"},
      {items_, "ceil_div(" + row + ", " + threads_ + "*" + blocks_ + ")"},
      {kept_items_, "min(" + items_ + ", " + std::to_string(KeptItems()) + ")"}};
  rewrite.grid = row_groups_ + "*" + blocks_;
  rewrite.block = threads_;
  rewrite.shared = std::to_string(4 * kept_.size()) + "*" + kept_items_ + "*" + threads_;
  rewrite.bound = threads_ + ", " + per_unit_;
  rewrite.body = Body();
  return rewrite;
}

// The slots as parameters, buffers and arguments; cleared before, since rounds count from 1.
std::optional<std::string> SpreadEmitter::WithSlots(std::string source) const {
  const auto apply = [&](std::optional<std::string> next) {
    const bool fits = next.has_value();
    if (fits) source = *std::move(next);
    return fits;
  };
  const auto parsed =
      DeviceContext::Make(source, context_.task(), context_.machine(), "cuda", nullptr);
  if (parsed == nullptr) return std::nullopt;
  const std::string list = ", long long* " + buffer_;
  std::vector<std::string> args = context_.LaunchArguments(nest_.launch);
  args.push_back(buffer_);
  for (const DeviceKernel& kernel : parsed->kernels()) {
    if (kernel.name != nest_.kernel) continue;
    Node declarator = kernel.definition.Child("declarator");
    while (declarator && !declarator.Is("function_declarator"))
      declarator = declarator.Child("declarator");
    if (!declarator) return std::nullopt;
    source.insert(declarator.Child("parameters").end() - 1, list);
  }
  // Scratch buffers come among the arguments that are not written out: write them out first.
  for (size_t i = 0; i < context_.launches().size(); ++i) {
    const std::vector<std::string> own = i == nest_.launch ? args : context_.LaunchArguments(i);
    if (!apply(WithLaunchOption(source, i, "args", "(" + Join(own, ", ") + ")"))) {
      return std::nullopt;
    }
  }
  if (!apply(WithLaunchOption(source, nest_.launch, "cooperative", ""))) return std::nullopt;
  const std::string shape =
      "[" + std::to_string(2 * slots_.size()) + "*" + row_groups_ + "*" + blocks_ + "]";
  if (!apply(WithScratch(source, buffer_ + " i64 " + shape)) ||
      !apply(WithStep(source, context_.StepOf(nest_.launch), "clear " + buffer_))) {
    return std::nullopt;
  }
  return source;
}

std::optional<std::string> SpreadEmitter::Emit() {
  const auto rows = PlanExtent(nest_, nest_.grid);
  if (!rows || !Admissible()) return std::nullopt;
  NameParts();
  if (slots_.empty()) return std::nullopt;
  auto source = ReplaceKernel(context_, nest_, Rewrite(*rows));
  return source ? WithSlots(*std::move(source)) : std::nullopt;
}

}  // namespace

std::optional<std::string> WithSpreadRows(const DeviceContext& context, const VirtualNest& nest,
                                          const RowPlan& plan, int groups) {
  return SpreadEmitter(context, nest, plan, groups).Emit();
}

}  // namespace ks
