// How a parent is drawn among the members of one island.
#ifndef KS_ARCHIVE_PARENT_POLICY_H_
#define KS_ARCHIVE_PARENT_POLICY_H_

#include <functional>
#include <string>

#include "archive/island.h"
#include "archive/lineage.h"
#include "base/rng.h"
#include "core/config.h"

namespace ks {

// Immutable, thread-safe. The names are those of SearchConfig::policy; docs/search.md tells what
// they do and where they come from. No policy looks at more than kMostCandidates members, so that
// the cost of a draw does not grow with the population.
class ParentPolicy {
 public:
  // REQUIRES: config.policy is a known name.
  explicit ParentPolicy(const SearchConfig& config);
  // REQUIRES: the island has a member.
  MemberPtr Pick(const Island& island, const Lineage& lineage, Rng& rng) const;

  static constexpr size_t kMostCandidates = 1024;

 private:
  using Draw = std::function<MemberPtr(const Island&, const Lineage&, Rng&)>;
  Draw draw_;
};

// A rank in [0, count) with chance proportional to (rank + 1)^-alpha, by rejection from the
// continuous density (Devroye 1986, X.6). REQUIRES: count > 0, alpha >= 0.
size_t DrawPowerLaw(size_t count, double alpha, Rng& rng);

}  // namespace ks

#endif  // KS_ARCHIVE_PARENT_POLICY_H_
