#include "archive/lineage.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace ks {
namespace {

// 0: not measured. A low end of zero says nothing yet; it ranks below all others.
float LowEndOf(const Member& member) {
  const Measured* measured = member.measured();
  return measured == nullptr ? 0 : static_cast<float>(std::max(measured->speedup.low, 1e-9));
}

}  // namespace

bool IsStock(const Member& member) {
  return member.parent == kNoCandidate || member.skill == "seed" ||
         member.skill == "baseline_flags";
}

void Lineage::Add(const Member& member, size_t cell) {
  KS_CHECK(member.id >= 0 && !Contains(member.id));
  size_ = std::max(size_, member.id + 1);
  while (chunks_.size() * kChunk < static_cast<size_t>(size_)) {
    chunks_.push_back(std::make_unique<Record[]>(kChunk));
  }
  Record& record = Mutable(member.id);
  record.parent = member.parent;
  record.present = true;
  record.stock = IsStock(member);
  record.measured = member.measured() != nullptr;
  record.best_low = LowEndOf(member);
  if (record.measured) record.value = std::log(record.best_low);
  record.founder = member.id;
  if (record.measured) record.cell = static_cast<uint32_t>(cell);
  const Record* parent = Find(member.parent);
  if (parent == nullptr) return;
  if (!record.stock && !parent->stock) record.founder = parent->founder;
  ++Mutable(member.parent).children;
  ++expansions_;
  CandidateId at = member.parent;
  for (int up = 0; up < kDeepest && Contains(at); ++up) {
    Record& ancestor = Mutable(at);
    ++ancestor.visits;
    if (record.best_low > ancestor.best_low) {
      ancestor.best_low = record.best_low;
      ancestor.value = record.value;
    }
    at = ancestor.parent;
  }
}

}  // namespace ks
