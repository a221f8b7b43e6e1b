// The hash over the whole state of an archive (archive/island_archive.h).
#include <fmt/format.h>

#include <iterator>
#include <string>

#include "archive/island_archive.h"
#include "base/hash.h"

namespace ks {
namespace {

// SHA-256 of a text given in parts, without holding it all: the hash so far stands for the past.
class StateHash {
 public:
  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(pending_), format, std::forward<Args>(args)...);
    if (pending_.size() >= kChunk) pending_ = Sha256Hex(pending_) + "\n";
  }
  std::string Hex() const { return Sha256Hex(pending_); }

 private:
  static constexpr size_t kChunk = 1 << 20;
  std::string pending_;
};

std::string SourceHash(const Member& member) { return member.source.hash(); }

void AddIsland(const Island& island, size_t number, const Lineage& lineage, StateHash& hash) {
  island.ranked().ForEach([&](const Elite& elite) {
    const Interval& speedup = elite.member->measured()->speedup;
    hash.Add("cell {} {} c{} {:a} {:a} {:a} {}\n", number, lineage.At(elite.id).cell, elite.id,
             speedup.low, speedup.mid, speedup.high, SourceHash(*elite.member));
  });
  for (const uint32_t cell : island.occupied()) {
    hash.Add("visits {} {} {}\n", number, cell, island.visits(cell));
  }
  for (const MemberPtr& failure : island.failures()) {
    hash.Add("failure {} c{} {}\n", number, failure->id, SourceHash(*failure));
  }
}

}  // namespace

std::string IslandArchive::Hash() const {
  StateHash hash;
  hash.Add("archive 2\nadds {} held {} takeovers {} restarts {} best {}\n", adds_, held_for_,
           takeovers_, restarts_, best_ ? best_->id : kNoCandidate);
  for (size_t i = 0; i < islands_.size(); ++i) {
    hash.Add("island {} best {} idle {}\n", i, progress_[i].best, progress_[i].idle);
    AddIsland(islands_[i], i, lineage_, hash);
  }
  lineage_.ForEach([&](CandidateId id, const Lineage::Record& record) {
    hash.Add("c{} founder {} children {} visits {} best {:a}\n", id, record.founder,
             record.children, record.visits, record.best_low);
  });
  return hash.Hex();
}

}  // namespace ks
